#include "session/session.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "proto/stream/bounce.h"
#include "session/front_bosh.h"
#include "session/front_websocket.h"

/* How long the server has to answer our end tag. */
#define SERVER_CLOSE_WAIT 3000
/* A BOSH client that waits as long as a server may be silent is answered before the server is given up. */
#define SILENCE_GRACE 1000
/* From the first piece of a WebSocket message to its last. */
#define MESSAGE_WAIT 60000
#define VECTORS 64

static const struct state states[] = {
	[SESSION_OPEN] = {"open", STEP(SESSION_ENDING) | STEP(SESSION_CLOSED)},
	[SESSION_ENDING] = {"ending", STEP(SESSION_CLOSED)},
	[SESSION_CLOSED] = {"closed", 0},
};

static const struct state server_states[] = {
	[SERVER_NONE] = {"none", STEP(SERVER_CONNECTING)},
	[SERVER_CONNECTING] = {"connecting", STEP(SERVER_OPEN) | STEP(SERVER_GONE)},
	[SERVER_OPEN] = {"open",
		STEP(SERVER_CONNECTING) | STEP(SERVER_CLOSING) | STEP(SERVER_CUTTING) | STEP(SERVER_GONE)},
	[SERVER_CLOSING] = {"closing", STEP(SERVER_GONE)},
	[SERVER_CUTTING] = {"cutting", STEP(SERVER_GONE)},
	[SERVER_GONE] = {"gone", 0},
};

static void
set_state(struct session *s, enum session_state to)
{
	state_step(states, "state", &s->trace, s->state, to);
	s->state = to;
}

static void
set_server(struct session *s, enum server_state to)
{
	state_step(server_states, "server", &s->trace, s->server, to);
	s->server = to;
}

/* Is there a connection to the server that can be written to? */
static bool
has_server(const struct session *s)
{
	return s->server == SERVER_OPEN || s->server == SERVER_CLOSING || s->server == SERVER_CUTTING;
}

struct xml_limits
session_limits(const struct conf *conf)
{
	return (struct xml_limits){conf->limits.stanza, XML_DEPTH_MAX};
}

static struct session *
new_session(
	const struct session_world *world, const struct conf *conf, uint64_t number, const struct peer *peer, ms_t now)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->world = world;
	s->conf = conf_ref(conf);
	s->number = number;
	s->peer = *peer;
	s->opened_at = now;
	s->trace = (struct trace){.log = world->log, .kind = "session", .number = number};
	s->upstream_by = s->login_by = s->whole_by = MS_NEVER;
	list_init(&s->link);
	counter_add(world->counters->sessions_opened, 1);
	return s;
}

struct session *
session_new_bosh(const struct session_world *world, const struct conf *conf, const char *sid, uint64_t number,
	const struct peer *peer, ms_t now)
{
	struct session *s = new_session(world, conf, number, peer, now);

	memcpy(s->sid, sid, strlen(sid) + 1);
	front_bosh_init(&s->front, conf, world->hooks, sid, &s->trace);
	return s;
}

struct session *
session_new_websocket(
	const struct session_world *world, const struct conf *conf, uint64_t number, const struct peer *peer, ms_t now)
{
	struct session *s = new_session(world, conf, number, peer, now);

	front_websocket_init(&s->front, world->hooks, &s->trace);
	if (conf->limits.first_message_timeout > 0)
		s->login_by = now + conf->limits.first_message_timeout;
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	budget_move(s->world->budget, &s->queued, 0);
	budget_move(s->world->budget, &s->part, 0);
	s->front.transport->free(&s->front);
	upstream_free(s->upstream);
	conf_unref(s->conf);
	free(s);
}

/* Finds the domain the client asked for: anything not configured is unknown. */
static const struct conf_domain *
find_domain(const struct session *s, const char *to)
{
	const struct hooks *hooks = s->world->hooks;
	char ascii[256];

	if (!hooks->to_ascii(hooks->arg, slice_str(to), ascii, sizeof ascii))
		return NULL;
	return conf_find_domain(s->conf, slice_str(ascii));
}

/* The largest element a client may send: as an element, and inside a message or body. */
static size_t
max_bytes_up(const struct session *s)
{
	size_t outer = s->front.transport->outer_limit(s->conf);

	return s->conf->limits.stanza < outer ? s->conf->limits.stanza : outer;
}

/*
 * The client opens its stream, or opens it anew: when the server's <success/>
 * has ended the one before (RFC 6120, 4.3.3).
 *
 * DEVIATES: XEP-0206, 5 has a restart open a new stream, whenever it comes.
 * Unless it is due it is refused: a second header would stand in the middle of
 * a stream, and the server, which ends that with an error, would be blamed.
 */
static enum closing
open_stream(struct session *s, ms_t now)
{
	const struct stream_header *h = s->front.transport->header(&s->front);
	char quoted[LOG_QUOTED];
	enum closing closing;

	if (s->server == SERVER_NONE) {
		s->domain = find_domain(s, h->to);
		if (s->domain == NULL) {
			log_event(s->world->log, LOG_NOTICE, "unknown domain", "session=%llu client=%s to=%s",
				(unsigned long long) s->number, s->peer.text, log_quote(quoted, slice_str(h->to)));
			return CLOSING_HOST_UNKNOWN;
		}
	}
	closing = s->front.transport->served(&s->front);
	if (closing != CLOSING_NONE)
		return closing;
	if (s->server == SERVER_NONE) {
		log_event(s->world->log, LOG_INFO, "session opened", "session=%llu transport=%s client=%s domain=%s",
			(unsigned long long) s->number, s->front.transport->name, s->peer.text, s->domain->name);
		s->upstream = upstream_new(session_limits(s->conf), s->world->readers, &s->trace);
		upstream_set_tls(s->upstream, s->domain->tls);
		upstream_set_max_bytes(s->upstream, max_bytes_up(s));
		set_server(s, SERVER_CONNECTING);
		s->login_by = s->conf->limits.auth_timeout > 0 ? now + s->conf->limits.auth_timeout : MS_NEVER;
		s->world->outlet->connect(s->world->outlet->arg, s, s->domain);
	} else if (s->server == SERVER_OPEN) {
		if (!upstream_is_restart_due(s->upstream))
			return CLOSING_SECOND_OPEN;
		upstream_open(s->upstream, h, s->leg);
	}
	return CLOSING_NONE;
}

/* The session may be remembered for a while, what was for its server need not be. */
static void
forget_upstream(struct session *s)
{
	set_server(s, SERVER_GONE);
	s->upstream_by = MS_NEVER;
	upstream_abandon(s->upstream);
}

static void
drop_upstream(struct session *s)
{
	if (s->server == SERVER_NONE || s->server == SERVER_GONE)
		return;
	forget_upstream(s);
	s->world->outlet->disconnect(s->world->outlet->arg, s);
}

/* What the client has shown to have, since the last look. */
static void
note_confirmed(struct session *s)
{
	struct stanza_tally confirmed = s->front.transport->confirmed(&s->front);

	counter_add(s->world->counters->stanzas_confirmed, confirmed.stanzas - s->confirmed.stanzas);
	s->confirmed = confirmed;
}

static void
log_end(const struct session *s, ms_t now)
{
	const struct closing_row *row = closing_row(s->reason);

	log_event(s->world->log, row->level, "session closed",
		"session=%llu transport=%s client=%s domain=%s reason=%s text=\"%s\" seconds=%.3f up=%llu/%llu "
		"down=%llu/%llu unconfirmed=%llu/%llu",
		(unsigned long long) s->number, s->front.transport->name, s->peer.text,
		s->domain != NULL ? s->domain->name : "-", row->name, row->text, (double) (now - s->opened_at) / 1000,
		(unsigned long long) s->stanzas_up, (unsigned long long) s->bytes_up,
		(unsigned long long) s->stanzas_down, (unsigned long long) s->bytes_down,
		(unsigned long long) (s->given.stanzas - s->confirmed.stanzas),
		(unsigned long long) (s->given.bytes - s->confirmed.bytes));
}

/*
 * A session that its server would keep for a client that was cut off must not
 * be ended for it: the server sees the connection break, as the client did
 * (RFC 7395, 3.6; XEP-0198, 5).
 */
static bool
stays_resumable(const struct session *s, enum closing reason)
{
	return upstream_is_resumable(s->upstream) &&
		(reason == CLOSING_CLIENT_GONE || reason == CLOSING_INACTIVE || reason == CLOSING_SHUTDOWN);
}

/*
 * XEP-0206, 7: what waited for a client that is gone goes back to those who
 * sent it.  A server that keeps the session for its client has it still.
 */
static void
return_undelivered(struct session *s, enum closing reason)
{
	struct stanza *st, *bounce;

	if ((reason != CLOSING_INACTIVE && reason != CLOSING_SHUTDOWN) || s->server != SERVER_OPEN ||
		stays_resumable(s, reason))
		return;
	while ((st = s->front.transport->next_undelivered(&s->front)) != NULL) {
		bounce = bounce_of(st);
		stanza_free(st);
		if (bounce == NULL)
			continue;
		counter_add(s->world->counters->stanzas_bounced, 1);
		upstream_send(s->upstream, &bounce);
	}
}

/* The server gets what was sent before, then our end tag, and a while to say its own. */
static void
close_server(struct session *s, enum closing reason, ms_t now)
{
	switch (s->server) {
	case SERVER_OPEN:
		s->upstream_by = now + SERVER_CLOSE_WAIT;
		if (stays_resumable(s, reason)) {
			set_server(s, SERVER_CUTTING);
			break;
		}
		upstream_close(s->upstream);
		set_server(s, SERVER_CLOSING);
		break;
	case SERVER_CONNECTING:
		drop_upstream(s);
		break;
	case SERVER_NONE:
	case SERVER_CLOSING:
	case SERVER_CUTTING:
	case SERVER_GONE:
		break;
	}
}

/* The only way a session ends.  The client is told by its front. */
static void
close_both(struct session *s, enum closing reason, ms_t now)
{
	if (s->state == SESSION_CLOSED)
		return;
	s->reason = reason;
	set_state(s, SESSION_CLOSED);
	note_confirmed(s);
	log_end(s, now);
	counter_add(s->world->counters->sessions_closed, 1);
	s->login_by = s->whole_by = MS_NEVER;
	budget_move(s->world->budget, &s->part, 0);
	return_undelivered(s, reason);
	s->front.transport->close(&s->front, reason, now);
	close_server(s, reason, now);
}

/* Can what the client wants be done now?  While we connect and TLS is unsettled, it waits in the front. */
static bool
can_go_up(const struct session *s)
{
	return s->server == SERVER_NONE || (s->server == SERVER_OPEN && upstream_is_ready(s->upstream));
}

/*
 * The client said <close/>.  What the server has to say until it ends its own
 * stream still goes to the client, whose <close/> is answered then (RFC 6120,
 * 4.4), if its transport is one that waits.
 */
static enum closing
client_done(struct session *s, ms_t now)
{
	if (!s->front.transport->waits_for_server || s->server != SERVER_OPEN)
		return CLOSING_CLIENT_CLOSED;
	set_state(s, SESSION_ENDING);
	s->upstream_by = now + SERVER_CLOSE_WAIT;
	upstream_close(s->upstream);
	return CLOSING_NONE;
}

/*
 * What is never carried to the server.  TLS and compression are between two
 * ends of one connection.  The stream itself is ours: a server that has said
 * <success/> takes whatever comes next for the header of a new one, so that a
 * client's <stream:stream/> would open it, for any domain; and features are
 * the server's to say.  A client's <stream:error/> is its own business with
 * the server (RFC 6120, 4.9.1.1).
 */
static enum closing
judge_up(enum stanza_kind kind)
{
	if (kind == STANZA_HOP_BY_HOP)
		return CLOSING_HOP_BY_HOP;
	return kind == STANZA_STREAM || kind == STANZA_FEATURES ? CLOSING_STREAM_ELEMENT : CLOSING_NONE;
}

/* Client to server. */
static enum closing
pump_up(struct session *s, ms_t now)
{
	enum closing closing = CLOSING_NONE;
	struct stanza *st;

	while (closing == CLOSING_NONE && can_go_up(s) && (st = s->front.transport->next_up(&s->front)) != NULL) {
		if (st->kind == STANZA_OPEN) {
			stanza_free(st);
			closing = open_stream(s, now);
			continue;
		}
		if (st->kind == STANZA_CLOSE) {
			stanza_free(st);
			return client_done(s, now);
		}
		closing = judge_up(st->kind);
		if (closing != CLOSING_NONE) {
			stanza_free(st);
			return closing;
		}
		s->stanzas_up++;
		s->bytes_up += st->n;
		counter_add(s->world->counters->stanzas_up, 1);
		upstream_send(s->upstream, &st);
	}
	return closing;
}

/* Server to client. */
static void
pump_down(struct session *s)
{
	struct stanza *st;

	if (s->login_by != MS_NEVER && s->upstream != NULL && upstream_is_authenticated(s->upstream))
		s->login_by = MS_NEVER;
	while (s->upstream != NULL && (st = upstream_next_down(s->upstream)) != NULL) {
		if (st->kind == STANZA_OPEN && s->state != SESSION_CLOSED) {
			s->front.transport->opened(&s->front, upstream_header(s->upstream));
			if (s->state == SESSION_OPEN)
				s->upstream_by = MS_NEVER;
		}
		if (st->kind == STANZA_OPEN || st->kind == STANZA_CLOSE || s->state == SESSION_CLOSED) {
			stanza_free(st);
			continue;
		}
		s->stanzas_down++;
		s->bytes_down += st->n;
		stanza_count(&s->given, st->kind, st->n);
		counter_add(s->world->counters->stanzas_down, 1);
		s->front.transport->give(&s->front, &st);
	}
}

static void
write_upstream(struct session *s)
{
	struct iovec v[VECTORS];
	int n;

	if (!has_server(s))
		return;
	while ((n = upstream_out(s->upstream, v, VECTORS)) > 0) {
		size_t want = 0, written;
		for (int i = 0; i < n; i++)
			want += v[i].iov_len;
		written = s->world->outlet->write(s->world->outlet->arg, s, v, n);
		upstream_written(s->upstream, written);
		if (written < want)
			break;
	}
	if (upstream_queued(s->upstream) == 0 &&
		(s->server == SERVER_CUTTING || (s->server == SERVER_CLOSING && upstream_is_ended(s->upstream))))
		drop_upstream(s);
}

/* The server agreed to TLS: nothing is written or read here until it stands. */
static void
start_tls(struct session *s)
{
	if (s->server != SERVER_OPEN || !upstream_wants_tls(s->upstream))
		return;
	set_server(s, SERVER_CONNECTING);
	s->upstream_by = MS_NEVER; /* until it is back, the outlet sees to the time */
	s->world->outlet->start_tls(s->world->outlet->arg, s, s->domain);
}

static void
write_front(struct session *s, ms_t now)
{
	s->front.transport->flush(&s->front, s->world->outlet, s, now);
}

/* What one side may leave lying here before the other is not read any more. */
static size_t
high_mark(const struct session *s)
{
	size_t high = s->conf->limits.queue;

	return budget_is_tight(s->world->budget) && high > BUDGET_SHORT ? BUDGET_SHORT : high;
}

/*
 * A side that sends faster than the other takes is not read from until half
 * of what is queued has gone.  A client that cannot be paused, and still fills
 * the queue of a server that does not read, has to go.
 */
static void
regulate(struct session *s, ms_t now)
{
	const struct outlet *outlet = s->world->outlet;
	const struct transport *transport = s->front.transport;
	size_t down = transport->queued(&s->front) + s->unsent;
	size_t up = transport->queued_up(&s->front) + (s->upstream != NULL ? upstream_queued(s->upstream) : 0);
	size_t high, low;

	budget_move(s->world->budget, &s->queued,
		down + up + transport->kept(&s->front) + (s->upstream != NULL ? upstream_unfinished(s->upstream) : 0));
	high = high_mark(s);
	low = high / 2;
	if (s->server == SERVER_OPEN && !s->is_upstream_paused && down > high) {
		s->is_upstream_paused = true;
		outlet->pause_upstream(outlet->arg, s, true);
	} else if (s->is_upstream_paused && (down <= low || s->state == SESSION_CLOSED) && has_server(s)) {
		s->is_upstream_paused = false;
		outlet->pause_upstream(outlet->arg, s, false);
	}
	if (!transport->can_pause) {
		if (up > s->conf->limits.queue)
			close_both(s, CLOSING_QUEUE_FULL, now);
		return;
	}
	if (!s->is_client_paused && up > high && s->state != SESSION_CLOSED) {
		s->is_client_paused = true;
		outlet->pause_client(outlet->arg, s, true);
	} else if (s->is_client_paused && (up <= low || s->state == SESSION_CLOSED) &&
		!transport->is_done(&s->front, now)) {
		s->is_client_paused = false;
		outlet->pause_client(outlet->arg, s, false);
	}
}

/* What could be written has been, and there is too much left.  A server that does not take it is not waited for. */
static void
give_up(struct session *s, ms_t now)
{
	close_both(s, CLOSING_NO_ROOM, now);
	write_upstream(s);
	if (s->upstream != NULL && upstream_queued(s->upstream) > BUDGET_SHORT)
		drop_upstream(s);
	write_front(s, now);
	regulate(s, now);
}

/* Moves stanzas until nothing moves, hands output over, and tells the world. */
static void
session_pump(struct session *s, enum closing closing, ms_t now)
{
	enum closing up;

	must(!s->is_pumping);
	s->is_pumping = true;
	up = s->state != SESSION_CLOSED ? pump_up(s, now) : CLOSING_NONE;
	pump_down(s);
	if (closing == CLOSING_NONE)
		closing = up;
	if (closing != CLOSING_NONE)
		close_both(s, s->state == SESSION_ENDING ? CLOSING_CLIENT_CLOSED : closing, now);
	regulate(s, now);
	write_upstream(s);
	start_tls(s);
	write_front(s, now);
	regulate(s, now);
	note_confirmed(s);
	if (s->state != SESSION_CLOSED && s->queued > BUDGET_SHORT && budget_is_spent(s->world->budget))
		give_up(s, now);
	s->is_pumping = false;
	s->world->rearm(s->world->arg, s, now);
}

void
session_request(struct session *s, struct body *body, struct req_id req, bool has_left, enum closing refused, ms_t now)
{
	struct bosh *bosh = front_bosh(&s->front);
	unsigned replays = bosh_replays(bosh);

	counter_add(s->world->counters->bosh_requests, 1);
	if (refused == CLOSING_NONE)
		refused = bosh_request(bosh, body, req, now);
	else
		bosh_refused(bosh, req);
	if (bosh_replays(bosh) != replays) {
		counter_add(s->world->counters->bosh_replays, 1);
		log_event(s->world->log, LOG_DEBUG, "replay", "session=%llu rid=%llu", (unsigned long long) s->number,
			(unsigned long long) body->rid);
	}
	/* Its last words count; nothing may ride on the answer.  An end is answered all the same: it has nothing to lose. */
	if (has_left && refused == CLOSING_NONE && !slice_eq(body->type, SLICE("terminate")))
		bosh_gone(bosh, req, now);
	session_pump(s, refused, now);
}

bool
session_is_old(const struct session *s, uint64_t rid)
{
	return bosh_is_old(front_bosh(&s->front), rid);
}

/* More of large answers is on its way, or less. */
static void
count_unsent(struct session *s, int64_t n, ms_t now)
{
	uint64_t less;

	if (n >= 0) {
		s->unsent += (size_t) n;
		return;
	}
	less = UINT64_C(0) - (uint64_t) n;
	s->unsent -= less < s->unsent ? (size_t) less : s->unsent;
	if (s->is_upstream_paused)
		session_pump(s, CLOSING_NONE, now);
}

void
session_news(struct session *s, struct req_id req, struct req_fate fate, ms_t now)
{
	switch (fate.event) {
	case REQ_GONE:
		if (bosh_gone(front_bosh(&s->front), req, now))
			session_pump(s, CLOSING_NONE, now);
		break;
	case REQ_HURRY:
		bosh_hurry(front_bosh(&s->front), req, now);
		session_pump(s, CLOSING_NONE, now);
		break;
	case REQ_UNSENT:
		count_unsent(s, fate.unsent, now);
		break;
	}
}

bool
session_message_part(struct session *s, size_t n, ms_t now)
{
	bool is_first = s->part == 0;

	if (s->state == SESSION_CLOSED)
		return false;
	if (is_first)
		s->whole_by = now + MESSAGE_WAIT;
	budget_move(s->world->budget, &s->part, n);
	if (is_first || (n > BUDGET_SHORT && budget_is_spent(s->world->budget)))
		session_pump(
			s, n > BUDGET_SHORT && budget_is_spent(s->world->budget) ? CLOSING_NO_ROOM : CLOSING_NONE, now);
	return s->state != SESSION_CLOSED;
}

void
session_message(struct session *s, struct slice text, ms_t now)
{
	budget_move(s->world->budget, &s->part, 0);
	s->whole_by = MS_NEVER;
	counter_add(s->world->counters->websocket_messages, 1);
	session_pump(s,
		websocket_message(
			front_websocket(&s->front), s->world->websocket_reader, session_limits(s->conf), text),
		now);
}

void
session_client_writable(struct session *s, ms_t now)
{
	session_pump(s, CLOSING_NONE, now);
}

void
session_client_gone(struct session *s, ms_t now)
{
	websocket_gone(front_websocket(&s->front));
	session_pump(s, CLOSING_CLIENT_GONE, now);
}

void
session_connected(struct session *s, enum upstream_leg leg, ms_t now)
{
	must(s->server == SERVER_CONNECTING);
	set_server(s, SERVER_OPEN);
	s->leg = leg;
	if (s->conf->limits.connect_timeout > 0)
		s->upstream_by = now + s->conf->limits.connect_timeout + SILENCE_GRACE;
	upstream_open(s->upstream, s->front.transport->header(&s->front), leg);
	session_pump(s, CLOSING_NONE, now);
}

void
session_upstream(struct session *s, struct slice bytes, ms_t now)
{
	session_pump(s, upstream_feed(s->upstream, bytes), now);
}

void
session_upstream_writable(struct session *s, ms_t now)
{
	session_pump(s, CLOSING_NONE, now);
}

void
session_upstream_gone(struct session *s, enum closing reason, ms_t now)
{
	forget_upstream(s);
	session_pump(s, reason, now);
}

void
session_close(struct session *s, enum closing reason, ms_t now)
{
	session_pump(s, reason, now);
}

void
session_expire(struct session *s, ms_t now)
{
	enum closing closing = s->front.transport->expire(&s->front, now);

	if (now >= s->login_by)
		closing = s->server == SERVER_NONE ? CLOSING_NO_OPEN : CLOSING_NO_LOGIN;
	if (now >= s->upstream_by) {
		if (s->state != SESSION_CLOSED)
			closing = CLOSING_SERVER_SILENT;
		drop_upstream(s);
	}
	if (now >= s->whole_by && s->is_client_paused) {
		/* It is we who do not read. */
		s->whole_by = now + MESSAGE_WAIT;
	} else if (now >= s->whole_by) {
		s->whole_by = MS_NEVER;
		closing = CLOSING_SLOW_MESSAGE;
	}
	session_pump(s, closing, now);
}

ms_t
session_deadline(const struct session *s)
{
	ms_t own = ms_min(s->upstream_by, ms_min(s->login_by, s->whole_by));

	return ms_min(s->front.transport->deadline(&s->front), own);
}

bool
session_is_told(const struct session *s)
{
	return (s->server == SERVER_NONE || s->server == SERVER_GONE) && s->front.transport->is_told(&s->front);
}

bool
session_is_done(const struct session *s, ms_t now)
{
	return (s->server == SERVER_NONE || s->server == SERVER_GONE) && s->front.transport->is_done(&s->front, now);
}
