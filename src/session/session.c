#include "session/session.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wipe.h"
#include "session/custody.h"
#include "session/front_bosh.h"
#include "session/front_websocket.h"
#include "session/login.h"
#include "session/server_side.h"
#include "session/session_pump.h"

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
	s->upstream_by = s->login_by = s->whole_by = s->look_by = s->keep_by = MS_NEVER;
	list_init(&s->link);
	list_init(&s->unread_link);
	stanza_queue_init(&s->unread);
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
	session_give_back(s);
	session_drop_unread(s);
	budget_move(s->world->budget, &s->queued, 0);
	budget_move(s->world->budget, &s->part, 0);
	s->front.transport->free(&s->front);
	management_free(s->management);
	free(s->answered);
	upstream_free(s->upstream);
	login_free(s->login);
	conf_any_domain_free(s->own_domain);
	conf_unref(s->conf);
	wipe(s->sid, sizeof s->sid);
	free(s);
}

void
session_request(struct session *s, struct body *body, struct req_id req, bool has_left, enum closing refused, ms_t now)
{
	struct bosh *bosh = front_bosh(&s->front);
	unsigned replays = bosh_replays(bosh);

	counter_add(s->world->counters->bosh_requests, 1);
	log_event(s->world->log, LOG_DEBUG, "request", "session=%llu rid=%llu", (unsigned long long) s->number,
		(unsigned long long) body->rid);
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
	uint64_t less = n < 0 ? UINT64_C(0) - (uint64_t) n : 0;

	s->unsent += n > 0 ? (size_t) n : 0;
	s->unsent -= less < s->unsent ? (size_t) less : s->unsent;
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
	case REQ_MOVES:
	case REQ_RESTS:
		bosh_moves(front_bosh(&s->front), fate.event == REQ_MOVES, now);
		session_pump(s, CLOSING_NONE, now);
		break;
	case REQ_SLOW:
		session_pump(s, CLOSING_SLOW_UPLOAD, now);
		break;
	}
}

/* The rest of a message has to come in time. */
static void
await_rest(struct session *s, ms_t now)
{
	s->whole_by = s->conf->limits.upload_time > 0 ? now + s->conf->limits.upload_time : MS_NEVER;
}

/* And not too slowly, from now on. */
static void
measure_rest(struct session *s, ms_t now)
{
	rate_begin(&s->upload, s->uploaded, now);
	s->look_by = now + RATE_LOOK;
}

bool
session_message_part(struct session *s, size_t n, size_t kept, ms_t now)
{
	bool is_first = s->part == 0, is_refused;

	if (s->state == SESSION_CLOSED)
		return false;
	s->uploaded = n;
	if (is_first)
		await_rest(s, now);
	if (s->look_by == MS_NEVER)
		measure_rest(s, now);
	budget_move(s->world->budget, &s->part, kept);
	is_refused = budget_refuses(s->world->budget, session_kept(s));
	if (is_first || is_refused)
		session_pump(s, is_refused ? CLOSING_NO_ROOM : CLOSING_NONE, now);
	return s->state != SESSION_CLOSED;
}

/* What is large waits for session_go_on(), and so does what comes behind it. */
static void
put_off(struct session *s, struct slice text)
{
	struct stanza *st;

	if (s->state == SESSION_CLOSED)
		return;
	st = stanza_copy(text, STANZA_OTHER);
	stanza_queue_push(&s->unread, &st);
}

void
session_message(struct session *s, struct slice text, ms_t now)
{
	budget_move(s->world->budget, &s->part, 0);
	s->whole_by = s->look_by = MS_NEVER;
	counter_add(s->world->counters->websocket_messages, 1);
	log_event(
		s->world->log, LOG_DEBUG, "message", "session=%llu bytes=%zu", (unsigned long long) s->number, text.n);
	if (text.n > XML_PORTION || s->unread.count > 0) {
		put_off(s, text);
		session_pump(s, CLOSING_NONE, now);
		return;
	}
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
	server_side_connected(s, leg, now);
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
session_upstream_again(struct session *s, ms_t now)
{
	server_side_again(s);
	session_pump(s, CLOSING_NONE, now);
}

void
session_upstream_gone(struct session *s, enum closing reason, ms_t now)
{
	custody_server_lost(s);
	server_side_forget(s);
	session_pump(s, reason, now);
}

bool
session_has_unread(const struct session *s)
{
	return s->unread.count > 0 || (s->upstream != NULL && upstream_has_unread(s->upstream));
}

static enum closing
read_portion(struct session *s, bool *is_done)
{
	struct stanza *first = s->unread.first;
	enum closing closing;

	if (s->reads == READS_SERVER)
		return upstream_go_on(s->upstream, is_done);
	closing = websocket_portion(front_websocket(&s->front), s->world->large_reader, session_limits(s->conf),
		stanza_slice(first), is_done);
	if (*is_done)
		stanza_free(stanza_queue_shift(&s->unread));
	return closing;
}

bool
session_go_on(struct session *s, ms_t now)
{
	enum closing closing;
	bool is_done;

	if (s->reads == READS_NOTHING)
		s->reads = s->unread.count > 0 ? READS_MESSAGE : READS_SERVER;
	closing = read_portion(s, &is_done);
	if (!is_done)
		return true;
	s->reads = READS_NOTHING;
	session_pump(s, closing, now);
	return false;
}

void
session_close(struct session *s, enum closing reason, ms_t now)
{
	session_pump(s, reason, now);
}

/* Who was not let in has no time at all. */
static enum closing
late_reason(const struct session *s)
{
	if (s->is_refused)
		return CLOSING_LIMITED;
	return s->server == SERVER_NONE ? CLOSING_NO_OPEN : CLOSING_NO_LOGIN;
}

/* Does the message come as fast as it has to? */
static enum closing
judge_upload(struct session *s, ms_t now)
{
	if (now < s->look_by && now < s->whole_by)
		return CLOSING_NONE;
	if (s->is_client_paused) {
		/* It is we who do not read. */
		await_rest(s, now);
		s->look_by = MS_NEVER;
		return CLOSING_NONE;
	}
	s->look_by = now + RATE_LOOK;
	if (now < s->whole_by && !rate_is_low(&s->upload, s->uploaded, s->conf->limits.upload_rate, now))
		return CLOSING_NONE;
	s->whole_by = s->look_by = MS_NEVER;
	return CLOSING_SLOW_UPLOAD;
}

void
session_expire(struct session *s, ms_t now)
{
	enum closing closing = s->front.transport->expire(&s->front, now);

	if (now >= s->login_by)
		closing = late_reason(s);
	if (now >= s->upstream_by) {
		if (s->state != SESSION_CLOSED) {
			closing = CLOSING_SERVER_SILENT;
			server_side_blame(s, closing, now);
		}
		server_side_drop(s);
	}
	if (closing == CLOSING_NONE)
		closing = judge_upload(s, now);
	if (now >= s->keep_by)
		server_side_keep(s, now);
	session_pump(s, closing, now);
}

ms_t
session_deadline(const struct session *s)
{
	ms_t servers = ms_min(ms_min(s->upstream_by, s->keep_by), custody_deadline(s));
	ms_t own = ms_min(ms_min(servers, s->login_by), ms_min(s->whole_by, s->look_by));

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
