#include "session/server_side.h"

#include <stdio.h>

#include "base/fatal.h"
#include "session/custody.h"

/* A BOSH client that waits as long as a server may be silent is answered before the server is given up. */
#define SILENCE_GRACE 1000
#define VECTORS 64

static const struct state states[] = {
	[SERVER_NONE] = {"none", STEP(SERVER_CONNECTING)},
	[SERVER_CONNECTING] = {"connecting", STEP(SERVER_OPEN) | STEP(SERVER_GONE)},
	[SERVER_OPEN] = {"open",
		STEP(SERVER_CONNECTING) | STEP(SERVER_CLOSING) | STEP(SERVER_CUTTING) | STEP(SERVER_GONE)},
	[SERVER_CLOSING] = {"closing", STEP(SERVER_GONE)},
	[SERVER_CUTTING] = {"cutting", STEP(SERVER_GONE)},
	[SERVER_GONE] = {"gone", 0},
};

static void
set_state(struct session *s, enum server_state to)
{
	state_step(states, "server", &s->trace, s->server, to);
	s->server = to;
}

bool
server_side_stands(const struct session *s)
{
	return s->server == SERVER_OPEN || s->server == SERVER_CLOSING || s->server == SERVER_CUTTING;
}

/*
 * Finds the domain the client asked for: one that is written, or else one of
 * "*" if that is.  Anything else is unknown; *why may say more.
 */
static const struct conf_domain *
find_domain(struct session *s, const char *to, const char **why)
{
	const struct hooks *hooks = s->world->hooks;
	const struct conf_domain *written;
	char ascii[256];

	*why = NULL;
	if (!hooks->to_ascii(hooks->arg, slice_str(to), ascii, sizeof ascii))
		return NULL;
	written = conf_find_domain(s->conf, slice_str(ascii));
	if (written != NULL)
		return written;
	s->own_domain = conf_any_domain(s->conf, slice_str(ascii), why);
	return s->own_domain;
}

/* The largest element a client may send: as an element, and inside a message or body. */
static size_t
max_bytes_up(const struct session *s)
{
	size_t outer = s->front.transport->outer_limit(s->conf);

	return s->conf->limits.stanza < outer ? s->conf->limits.stanza : outer;
}

static void
begin_stream(struct session *s)
{
	s->upstream = upstream_new(session_limits(s->conf), s->world->readers, &s->trace);
	upstream_set_tls(s->upstream, s->domain->tls);
	upstream_set_max_bytes(s->upstream, max_bytes_up(s));
	custody_begin(s);
}

/*
 * The client opens its stream, or opens it anew: when the server's <success/>
 * has ended the one before (RFC 6120, 4.3.3).
 *
 * DEVIATES: XEP-0206, 5 has a restart open a new stream, whenever it comes.
 * Unless it is due it is refused: a second header would stand in the middle of
 * a stream, and the server, which ends that with an error, would be blamed.
 */
enum closing
server_side_open(struct session *s, ms_t now)
{
	const struct stream_header *h = s->front.transport->header(&s->front);
	enum closing closing;
	const char *why;

	if (s->server == SERVER_NONE) {
		s->domain = find_domain(s, h->to, &why);
		if (s->domain == NULL) {
			log_event(s->world->log, LOG_NOTICE, "unknown domain", "session=%llu client=%s to=%s%s%s",
				(unsigned long long) s->number, log_peer(s->world->log, &s->peer).text,
				log_string(h->to).text, why != NULL ? " reason=" : "",
				why != NULL ? log_string(why).text : "");
			return CLOSING_HOST_UNKNOWN;
		}
	}
	closing = s->front.transport->served(&s->front);
	if (closing != CLOSING_NONE)
		return closing;
	if (s->server == SERVER_NONE) {
		log_event(s->world->log, LOG_DEBUG, "session begins", "session=%llu transport=%s client=%s domain=%s",
			(unsigned long long) s->number, s->front.transport->name,
			log_peer(s->world->log, &s->peer).text, s->domain->ascii);
		begin_stream(s);
		set_state(s, SERVER_CONNECTING);
		s->login_by = s->conf->limits.auth_timeout > 0 ? now + s->conf->limits.auth_timeout : MS_NEVER;
		s->login_max = s->conf->limits.auth_timeout_max > 0 ? now + s->conf->limits.auth_timeout_max : MS_NEVER;
		if (s->conf->limits.auth_timeout > 0)
			s->login_by = ms_min(s->login_by, s->login_max);
		s->world->outlet->connect(s->world->outlet->arg, s, s->domain);
	} else if (s->server == SERVER_OPEN) {
		if (!upstream_is_restart_due(s->upstream))
			return CLOSING_SECOND_OPEN;
		custody_end(s);
		upstream_open(s->upstream, h, s->leg);
	}
	return CLOSING_NONE;
}

void
server_side_connected(struct session *s, enum upstream_leg leg, ms_t now)
{
	must(s->server == SERVER_CONNECTING);
	set_state(s, SERVER_OPEN);
	s->leg = leg;
	if (s->conf->limits.connect_timeout > 0)
		s->upstream_by = now + s->conf->limits.connect_timeout + SILENCE_GRACE;
	upstream_open(s->upstream, s->front.transport->header(&s->front), leg);
	if (s->domain->keepalive > 0)
		s->keep_by = now + s->domain->keepalive / 2;
}

/* At every other look, so that no silence is longer than the client's server bears. */
void
server_side_keep(struct session *s, ms_t now)
{
	if (s->server == SERVER_OPEN && !s->has_written)
		upstream_ping(s->upstream);
	s->has_written = false;
	s->keep_by = now + s->domain->keepalive / 2;
}

/* Nothing of what the server said counts. */
void
server_side_again(struct session *s)
{
	if (s->state == SESSION_CLOSED || (s->server != SERVER_OPEN && s->server != SERVER_CONNECTING)) {
		server_side_drop(s);
		return;
	}
	if (s->reads == READS_SERVER)
		s->reads = READS_NOTHING;
	upstream_free(s->upstream);
	begin_stream(s);
	s->upstream_by = MS_NEVER;
	s->is_upstream_paused = false;
	if (s->server == SERVER_OPEN)
		set_state(s, SERVER_CONNECTING);
}

/* Reasons that another server may not have. */
static bool
is_of_server(enum closing reason)
{
	switch (reason) {
	case CLOSING_SERVER_CLOSED:
	case CLOSING_SERVER_ERROR:
	case CLOSING_SERVER_XML:
	case CLOSING_SERVER_TOO_BIG:
	case CLOSING_SERVER_TLS:
	case CLOSING_SERVER_NO_TLS:
	case CLOSING_TLS_FAILED:
		return true;
	default:
		return false;
	}
}

bool
server_side_pass_on(struct session *s, enum closing reason)
{
	const struct upstream_error *error;
	char why[128];

	if (!is_of_server(reason) || s->is_announced || s->state != SESSION_OPEN || s->server != SERVER_OPEN)
		return false;
	error = upstream_error(s->upstream);
	if (reason == CLOSING_SERVER_ERROR && error->condition != NULL)
		snprintf(why, sizeof why, "%s: %s", closing_row(reason)->text, error->condition);
	else
		snprintf(why, sizeof why, "%s", closing_row(reason)->text);
	if (!s->world->outlet->pass_on(s->world->outlet->arg, s, reason, why))
		return false;
	server_side_again(s);
	return true;
}

/* TLS with a server whose certificate nobody looks at keeps out only those who listen. */
static const char *
word_on_certificate(const struct session *s, const struct server_link *link)
{
	if (!link->is_secure)
		return "none";
	return s->domain->verify ? "checked" : "unchecked";
}

void
server_side_announce(struct session *s, ms_t now)
{
	struct server_link link;

	if (s->is_announced)
		return;
	s->is_announced = true;
	s->world->outlet->settle(s->world->outlet->arg, s);
	if (!log_is_on(s->world->log, LOG_INFO))
		return;
	s->world->outlet->describe(s->world->outlet->arg, s, &link);
	log_event(s->world->log, LOG_INFO, "session opened",
		"session=%llu transport=%s client=%s domain=%s server=%s address=%s tls=%s certificate=%s after_s=%.3f",
		(unsigned long long) s->number, s->front.transport->name, log_peer(s->world->log, &s->peer).text,
		s->domain->ascii, log_string(link.server).text, link.address, log_string(link.tls).text,
		word_on_certificate(s, &link), (double) (now - s->opened_at) / 1000);
}

/* Reasons that are worth a warning are all about servers. */
void
server_side_blame(struct session *s, enum closing reason, ms_t now)
{
	const struct closing_row *row = closing_row(reason);
	struct server_link link;

	if (row->level != LOG_WARNING || s->server != SERVER_OPEN || s->is_announced ||
		!log_is_on(s->world->log, LOG_INFO))
		return;
	s->world->outlet->describe(s->world->outlet->arg, s, &link);
	log_event(s->world->log, LOG_INFO, "upstream attempt failed",
		"session=%llu domain=%s server=%s address=%s after_s=%.3f reason=%s", (unsigned long long) s->number,
		s->domain->ascii, log_string(link.server).text, link.address, (double) (now - s->opened_at) / 1000,
		log_string(row->text).text);
}

/*
 * A server that counts wrong passwords by address, as ejabberd's mod_fail2ban,
 * takes all who come by culvert for one, unless it is told who they are.
 */
static bool
may_be_banned(const struct session *s, const struct upstream_error *error)
{
	return s->domain->proxy_protocol == 0 && !upstream_is_authenticated(s->upstream) && error->condition != NULL &&
		strcmp(error->condition, "policy-violation") == 0;
}

void
server_side_tell_error(const struct session *s)
{
	const struct upstream_error *error = upstream_error(s->upstream);

	log_event(s->world->log, LOG_NOTICE, "stream error from the server",
		"session=%llu client=%s domain=%s condition=%s text=%s", (unsigned long long) s->number,
		log_peer(s->world->log, &s->peer).text, s->domain->ascii, log_string(error->condition).text,
		log_string(error->text).text);
	if (may_be_banned(s, error))
		log_event(s->world->log, LOG_WARNING, "the server may have banned culvert, and so all clients",
			"domain=%s text=%s advice=\"exempt culvert's address from bans on the server, or set proxy_protocol\"",
			s->domain->ascii, log_string(error->text).text);
}

void
server_side_start_tls(struct session *s)
{
	if (s->server != SERVER_OPEN || !upstream_wants_tls(s->upstream))
		return;
	set_state(s, SERVER_CONNECTING);
	s->upstream_by = MS_NEVER; /* until it is back, the outlet sees to the time */
	s->world->outlet->start_tls(s->world->outlet->arg, s, s->domain);
}

void
server_side_forget(struct session *s)
{
	set_state(s, SERVER_GONE);
	s->upstream_by = s->keep_by = MS_NEVER;
	upstream_abandon(s->upstream);
	if (s->reads == READS_SERVER)
		s->reads = READS_NOTHING;
}

void
server_side_drop(struct session *s)
{
	if (s->server == SERVER_NONE || s->server == SERVER_GONE)
		return;
	server_side_forget(s);
	s->world->outlet->disconnect(s->world->outlet->arg, s);
}

void
server_side_write(struct session *s)
{
	struct iovec v[VECTORS];
	int n;

	if (!server_side_stands(s))
		return;
	while ((n = upstream_out(s->upstream, v, VECTORS)) > 0) {
		size_t want = 0, written;
		for (int i = 0; i < n; i++)
			want += v[i].iov_len;
		written = s->world->outlet->write(s->world->outlet->arg, s, v, n);
		upstream_written(s->upstream, written);
		s->has_written = s->has_written || written > 0;
		if (written < want)
			break;
	}
	if (upstream_queued(s->upstream) == 0 &&
		(s->server == SERVER_CUTTING || (s->server == SERVER_CLOSING && upstream_is_ended(s->upstream))))
		server_side_drop(s);
}

bool
server_side_stays_resumable(const struct session *s, enum closing reason)
{
	return s->server == SERVER_OPEN && upstream_is_resumable(s->upstream) && !upstream_is_ended(s->upstream) &&
		reason != CLOSING_CLIENT_CLOSED;
}

void
server_side_close(struct session *s, enum closing reason, ms_t now)
{
	s->keep_by = MS_NEVER;
	switch (s->server) {
	case SERVER_OPEN:
		s->upstream_by = now + SERVER_CLOSE_WAIT;
		if (server_side_stays_resumable(s, reason)) {
			set_state(s, SERVER_CUTTING);
			break;
		}
		custody_end(s);
		upstream_close(s->upstream);
		set_state(s, SERVER_CLOSING);
		break;
	case SERVER_CONNECTING:
		server_side_drop(s);
		break;
	case SERVER_NONE:
	case SERVER_CLOSING:
	case SERVER_CUTTING:
	case SERVER_GONE:
		break;
	}
}
