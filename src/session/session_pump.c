#include "session/session_pump.h"

#include "base/fatal.h"
#include "session/custody.h"
#include "session/login.h"
#include "session/server_side.h"

static const struct state states[] = {
	[SESSION_OPEN] = {"open", STEP(SESSION_ENDING) | STEP(SESSION_CLOSED)},
	[SESSION_ENDING] = {"ending", STEP(SESSION_CLOSED)},
	[SESSION_CLOSED] = {"closed", 0},
};

static void
set_state(struct session *s, enum session_state to)
{
	state_step(states, "state", &s->trace, s->state, to);
	s->state = to;
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
		"session=%llu transport=%s client=%s domain=%s reason=%s text=%s duration_s=%.3f stanzas_up=%llu "
		"bytes_up=%llu stanzas_down=%llu bytes_down=%llu unconfirmed_stanzas=%llu unconfirmed_bytes=%llu",
		(unsigned long long) s->number, s->front.transport->name, log_peer(s->world->log, &s->peer).text,
		s->domain != NULL ? s->domain->ascii : "-", row->name, log_string(row->text).text,
		(double) (now - s->opened_at) / 1000, (unsigned long long) s->stanzas_up,
		(unsigned long long) s->bytes_up, (unsigned long long) s->stanzas_down,
		(unsigned long long) s->bytes_down, (unsigned long long) (s->given.stanzas - s->confirmed.stanzas),
		(unsigned long long) (s->given.bytes - s->confirmed.bytes));
}

void
session_give_back(struct session *s)
{
	if (s->has_ticket)
		quota_leave(s->world->admission.quota, &s->ticket);
	s->has_ticket = false;
}

void
session_drop_unread(struct session *s)
{
	if (s->reads == READS_MESSAGE) {
		websocket_reader_abandon(s->world->large_reader);
		s->reads = READS_NOTHING;
	}
	stanza_queue_fini(&s->unread);
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
	server_side_blame(s, reason, now);
	log_end(s, now);
	counter_add(s->world->counters->sessions_closed, 1);
	session_give_back(s);
	s->login_by = s->whole_by = s->look_by = MS_NEVER;
	budget_move(s->world->budget, &s->part, 0);
	session_drop_unread(s);
	if (!server_side_stays_resumable(s, reason))
		custody_return(s, reason);
	s->front.transport->close(&s->front, reason, now);
	server_side_close(s, reason, now);
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
			closing = server_side_open(s, now);
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
		if (st->kind == STANZA_AUTH)
			login_begin(s, stanza_slice(st));
		s->has_asked = true;
		s->stanzas_up++;
		s->bytes_up += st->n;
		counter_add(s->world->counters->stanzas_up, 1);
		custody_up(s, &st, now);
	}
	return closing;
}

/* The server has refused logins for their credentials.  Not CLOSING_NONE when that was once too often. */
static enum closing
note_failures(struct session *s, ms_t now)
{
	enum closing closing = CLOSING_NONE;

	for (unsigned n = upstream_take_failures(s->upstream); n > 0; n--) {
		counter_add(s->world->counters->auth_failures, 1);
		if (s->has_ticket && !admission_failed(&s->world->admission, &s->peer, &s->ticket, now))
			closing = CLOSING_LOGIN_FAILURES;
	}
	return closing;
}

/* The server has answered: client and server are at it, and are given more time. */
static void
extend_login(struct session *s, ms_t now)
{
	if (s->has_asked && s->login_by != MS_NEVER)
		s->login_by = ms_max(s->login_by, ms_min(now + s->conf->limits.auth_timeout, s->login_max));
	s->has_asked = false;
}

/* Server to client. */
static void
pump_down(struct session *s, ms_t now)
{
	struct stanza *st;

	if (s->login_by != MS_NEVER && s->upstream != NULL && upstream_is_authenticated(s->upstream))
		s->login_by = MS_NEVER;
	while (s->upstream != NULL && (st = upstream_next_down(s->upstream)) != NULL) {
		if (st->kind == STANZA_OPEN && s->state != SESSION_CLOSED) {
			server_side_announce(s, now);
			s->front.transport->opened(&s->front, upstream_header(s->upstream));
			if (s->state == SESSION_OPEN)
				s->upstream_by = MS_NEVER;
		}
		login_answer(s, st->kind, now);
		if (st->kind == STANZA_STREAM_ERROR)
			server_side_tell_error(s);
		if (st->kind == STANZA_OPEN || st->kind == STANZA_CLOSE || s->state == SESSION_CLOSED) {
			stanza_free(st);
			continue;
		}
		extend_login(s, now);
		if (!custody_down(s, st)) {
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
write_front(struct session *s, ms_t now)
{
	s->front.transport->flush(&s->front, s->world->outlet, s, now);
}

/* What one side may leave lying here before the other is not read any more: there is room then for what was read already. */
static size_t
high_mark(const struct session *s)
{
	size_t high = s->conf->limits.queue, share = budget_share(s->world->budget) / 2;

	return high < share ? high : share;
}

/* Does the server send faster than it is read and taken? */
static bool
is_server_ahead(const struct session *s, size_t down, size_t mark)
{
	return (server_side_stands(s) && upstream_has_unread(s->upstream)) || (s->server == SERVER_OPEN && down > mark);
}

static bool
is_client_ahead(const struct session *s, size_t up, size_t mark)
{
	return s->state != SESSION_CLOSED && (s->unread.count > 0 || up > mark);
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
	size_t waiting = transport->queued(&s->front), down = waiting + s->unsent;
	size_t up = transport->queued_up(&s->front) + custody_queued(s) +
		(s->upstream != NULL ? upstream_queued(s->upstream) : 0);
	size_t high, low;

	budget_move(s->world->budget, &s->queued,
		waiting + up + transport->kept(&s->front) + stanza_queue_cost(&s->unread) +
			(s->upstream != NULL ? upstream_unfinished(s->upstream) : 0));
	high = high_mark(s);
	low = high / 2;
	if (!s->is_upstream_paused && is_server_ahead(s, down, high)) {
		s->is_upstream_paused = true;
		outlet->pause_upstream(outlet->arg, s, true);
	} else if (s->is_upstream_paused && server_side_stands(s) &&
		!is_server_ahead(s, s->state == SESSION_CLOSED ? 0 : down, low)) {
		s->is_upstream_paused = false;
		outlet->pause_upstream(outlet->arg, s, false);
	}
	if (!transport->can_pause) {
		if (up > s->conf->limits.queue)
			close_both(s, CLOSING_QUEUE_FULL, now);
		return;
	}
	if (!s->is_client_paused && is_client_ahead(s, up, high)) {
		s->is_client_paused = true;
		outlet->pause_client(outlet->arg, s, true);
	} else if (s->is_client_paused && !is_client_ahead(s, up, low) && !transport->is_done(&s->front, now)) {
		s->is_client_paused = false;
		outlet->pause_client(outlet->arg, s, false);
	}
}

/*
 * What could be written has been, and there is too much left.  A server that
 * does not take it, or goes on with what is too much, is not waited for.
 */
static void
give_up(struct session *s, ms_t now)
{
	close_both(s, CLOSING_NO_ROOM, now);
	server_side_write(s);
	if (s->upstream != NULL &&
		budget_refuses(s->world->budget, upstream_queued(s->upstream) + upstream_unfinished(s->upstream)))
		server_side_drop(s);
	write_front(s, now);
	regulate(s, now);
}

void
session_pump(struct session *s, enum closing closing, ms_t now)
{
	enum closing up, failures = CLOSING_NONE;
	size_t had = session_kept(s);

	must(!s->is_pumping);
	s->is_pumping = true;
	if (server_side_pass_on(s, closing))
		closing = CLOSING_NONE;
	up = s->state != SESSION_CLOSED ? pump_up(s, now) : CLOSING_NONE;
	pump_down(s, now);
	if (s->upstream != NULL)
		failures = note_failures(s, now);
	custody_settle(s, now);
	if (closing == CLOSING_NONE)
		closing = up != CLOSING_NONE ? up : failures;
	if (closing != CLOSING_NONE)
		close_both(s, s->state == SESSION_ENDING ? CLOSING_CLIENT_CLOSED : closing, now);
	regulate(s, now);
	server_side_write(s);
	server_side_start_tls(s);
	write_front(s, now);
	regulate(s, now);
	note_confirmed(s);
	if (session_kept(s) > had && budget_refuses(s->world->budget, session_kept(s)))
		give_up(s, now);
	s->is_pumping = false;
	s->world->rearm(s->world->arg, s, now);
}
