#include "io/refusal.h"

/* asked: NULL unless it is about that. */
static void
tell(const struct context *c, const char *event, const struct peer *peer, unsigned status, const char *text,
	const struct origin_asked *asked, enum origin_verdict verdict)
{
	const char *listener = listeners_of(c->listeners, peer)->text;
	struct slice reason = slice_of(text, strcspn(text, "\n"));

	if (asked == NULL)
		log_event(c->log, LOG_NOTICE, event, "client=%s listener=%s status=%u reason=%s",
			log_peer(c->log, peer).text, log_string(listener).text, status, log_value(reason).text);
	else
		log_event(c->log, LOG_NOTICE, event,
			"client=%s listener=%s status=%u reason=%s origin=%s host=%s forwarded_host=%s cure=%s",
			log_peer(c->log, peer).text, log_string(listener).text, status, log_value(reason).text,
			log_value(asked->origin).text, log_value(asked->host).text,
			slice_is_set(asked->forwarded_host) ? log_value(asked->forwarded_host).text : "-",
			log_string(origin_cure(verdict)).text);
}

void
refusal_connection(
	struct counters *counters, struct sockets *sockets, const struct log *log, const struct peer *peer, ms_t now)
{
	counter_add(counters->limited_connections, 1);
	if (sockets_is_news(sockets, now))
		log_event(log, LOG_NOTICE, "limit reached", "client=%s limit=limits.connections",
			log_peer(log, peer).text);
}

void
refusal_upgrade(const struct context *c, const struct upgrade *u)
{
	bool is_origin = u->refused == UPGRADE_REFUSED_ORIGIN;

	/* Said once a minute (admission.h, refusal_connection()). */
	if (u->refused == UPGRADE_REFUSED_LIMIT || u->refused == UPGRADE_REFUSED_CONNECTION)
		return;
	tell(c, upgrade_is_meant(u) ? "upgrade refused" : "request refused", &u->client, upgrade_status(u), u->reason,
		is_origin ? &u->asked : NULL, u->origin);
}

bool
refusal_denies(const struct context *c, const struct peer *client, const char **reason)
{
	if (!conf_is_denied(c->conf, client))
		return false;
	counter_add(c->counters->denied, 1);
	*reason = "Clients of your network are not served here.";
	return true;
}

enum upgrade_verdict
refusal_of_client(const struct context *c, struct upgrade *u, ms_t now)
{
	const struct admission admission = context_admission(c);
	const char *reason;
	unsigned retry_after;

	if (refusal_denies(c, &u->client, &reason)) {
		upgrade_deny(u, reason);
		return UPGRADE_REFUSED;
	}
	if (admission_ask(&admission, &u->client, now, &retry_after))
		return UPGRADE_WEBSOCKET;
	upgrade_limit(u, retry_after);
	return UPGRADE_REFUSED;
}

void
refusal_request(const struct context *c, const struct peer *peer, unsigned status, const char *text)
{
	tell(c, "request refused", peer, status, text, NULL, ORIGIN_ALLOWED);
}

void
refusal_origin(const struct context *c, const struct peer *peer, unsigned status, const char *text,
	const struct origin_asked *asked, enum origin_verdict verdict)
{
	tell(c, "request refused", peer, status, text, asked, verdict);
}
