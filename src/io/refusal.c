#include "io/refusal.h"

/* asked: NULL unless it is about that. */
static void
tell(const struct context *c, const char *event, const struct peer *peer, unsigned status, const char *text,
	const struct origin_asked *asked, enum origin_verdict verdict)
{
	char origin[LOG_QUOTED], host[LOG_QUOTED], forwarded[LOG_QUOTED];
	const char *listener = listeners_of(c->listeners, peer)->text;
	int n = (int) strcspn(text, "\n");

	if (asked == NULL)
		log_event(c->log, LOG_NOTICE, event, "client=%s listener=%s status=%u reason=\"%.*s\"", peer->text,
			listener, status, n, text);
	else
		log_event(c->log, LOG_NOTICE, event,
			"client=%s listener=%s status=%u reason=\"%.*s\" origin=%s host=%s forwarded_host=%s cure=\"%s\"",
			peer->text, listener, status, n, text, log_quote(origin, asked->origin),
			log_quote(host, asked->host),
			slice_is_set(asked->forwarded_host) ? log_quote(forwarded, asked->forwarded_host) : "-",
			origin_cure(verdict));
}

void
refusal_upgrade(const struct context *c, const struct peer *peer, const struct upgrade *u)
{
	bool is_origin = u->refused == UPGRADE_REFUSED_ORIGIN;

	tell(c, upgrade_is_meant(u) ? "upgrade refused" : "request refused", peer, upgrade_status(u), u->reason,
		is_origin ? &u->asked : NULL, u->origin);
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
