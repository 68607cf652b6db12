#include "proto/bosh/bosh.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/wipe.h"
#include "proto/bosh/acks.h"
#include "proto/bosh/ending.h"
#include "proto/bosh/greeting.h"
#include "proto/bosh/keys.h"
#include "proto/bosh/patience.h"
#include "proto/bosh/proof.h"
#include "proto/bosh/ring.h"

/*
 * A request that carried a stanza releases an older one that is held.  The
 * server's answer to the stanza is likely on its way: it rides on the older
 * request if it comes within this time, which saves a POST per message.
 */
#define LINGER 10

/* What a client that acknowledges answers, and has not acknowledged these, may still ask for. */
#define UNACKNOWLEDGED_MAX 32
#define UNACKNOWLEDGED_BYTES 65536

enum bosh_state {
	BOSH_NEW,      /* no request yet */
	BOSH_CREATING, /* the creation request is held */
	BOSH_OPEN,
	BOSH_CLOSED, /* the client is to be told, or has been */
};

static const struct state states[] = {
	[BOSH_NEW] = {"new", STEP(BOSH_CREATING) | STEP(BOSH_CLOSED)},
	[BOSH_CREATING] = {"creating", STEP(BOSH_OPEN) | STEP(BOSH_CLOSED)},
	[BOSH_OPEN] = {"open", STEP(BOSH_CLOSED)},
	[BOSH_CLOSED] = {"closed", 0},
};

struct bosh {
	enum bosh_state state;
	char *sid;
	const struct bosh_settings *settings;
	const struct hooks *hooks;
	struct terms terms;
	struct greeting greeting;

	struct ring ring;
	struct acks acks;
	struct proof proof;
	struct patience patience;
	struct keys *keys; /* NULL: no request had one */
	ms_t pausing;      /* the inactivity period for now */
	ms_t release_at;   /* an older request may linger until then */
	ms_t idle_since;   /* since then nobody waits for an answer */
	unsigned moving;   /* requests and answers that are on their way */
	bool is_terminated;
	bool fills_hold; /* the client has more than hold connections, or fills it by empty requests */

	struct stanza_queue up, down;
	struct answers answers;
	struct ending ending;
	ms_t remembered_until; /* the end is, for repeats; 0: no more */
	unsigned replays;
	const struct trace *trace;
};

static void
set_state(struct bosh *b, enum bosh_state to)
{
	state_step(states, "bosh", b->trace, b->state, to);
	b->state = to;
}

static const char recoverable[] = "<body xmlns='" BODY_NS "' type='error'/>";

struct bosh *
bosh_new(const struct bosh_settings *settings, const struct hooks *hooks, struct slice sid, const struct trace *trace)
{
	struct bosh *b = xcalloc(1, sizeof *b);

	b->sid = xstrndup(sid.p, sid.n);
	b->settings = settings;
	b->hooks = hooks;
	b->trace = trace;
	b->release_at = MS_NEVER;
	b->remembered_until = MS_NEVER;
	stanza_queue_init(&b->up);
	stanza_queue_init(&b->down);
	return b;
}

void
bosh_free(struct bosh *b)
{
	if (b == NULL)
		return;
	ring_fini(&b->ring);
	keys_free(b->keys);
	stanza_queue_fini(&b->up);
	stanza_queue_fini(&b->down);
	greeting_fini(&b->greeting);
	answers_fini(&b->answers);
	ending_fini(&b->ending);
	wipe(b->sid, strlen(b->sid));
	free(b->sid);
	free(b);
}

/* ---- answers ---- */

bool
bosh_next_answer(struct bosh *b, struct bosh_answer *out)
{
	const struct answer *a = answers_shift(&b->answers);

	if (a == NULL)
		return false;
	out->req = a->req;
	out->status = a->status;
	out->is_cut = a->is_cut;
	out->body = a->body;
	out->content = b->terms.content;
	return true;
}

static void
push_reply(struct bosh *b, struct req_id req, const struct ring_slot *s)
{
	answers_push(&b->answers, req, 200, s->reply != NULL ? slice_of(s->reply, s->n_reply) : SLICE(BODY_EMPTY));
}

/* The answer once more.  Nobody waits for the earlier copy any more; each that is not read would be another. */
static void
replay(struct bosh *b, struct ring_slot *s, struct req_id req)
{
	b->replays++;
	if (s->n_reply >= ANSWER_LARGE)
		answers_push_cut(&b->answers, s->req);
	push_reply(b, req, s);
	s->req = req;
	s->has_copies = s->has_copies || !s->gone;
	s->gone = false;
}

/* 17.3: the client is to repeat this request, and those before it that were not answered. */
static void
push_recoverable(struct bosh *b, const struct ring_slot *s)
{
	struct buf out;
	char *text;
	size_t n;

	if (!acks_has_news(&b->acks, &b->ring, s)) {
		answers_push(&b->answers, s->req, 200, slice_of(recoverable, sizeof recoverable - 1));
		return;
	}
	buf_init(&out, BUF_UNLIMITED);
	buf_append(&out, slice_of(recoverable, sizeof recoverable - 3));
	acks_write_received(&b->acks, &b->ring, s, &out);
	buf_append_str(&out, "/>");
	text = buf_take(&out, &n);
	answers_push_own(&b->answers, s->req, 200, text, n);
}

/* What was held, or waited, does not any more: 10. */
static void
note_idle(struct bosh *b, ms_t now)
{
	if (!ring_has_waiting(&b->ring))
		b->idle_since = now;
}

/* ---- requests ---- */

static void
put_keys(struct bosh *b, const struct body *body)
{
	if (b->keys == NULL && (slice_is_set(body->key) || slice_is_set(body->newkey)))
		b->keys = keys_new(b->ring.n + (b->acks.is_on ? UNACKNOWLEDGED_MAX : 0), b->hooks);
	if (b->keys != NULL)
		keys_put(b->keys, body->rid, body->key, body->newkey);
}

/* Held (one more while lingering), early (one more to pause or terminate). */
static unsigned
open_max(const struct bosh *b)
{
	return (b->terms.hold + 2) + (b->terms.requests + 1);
}

/* As many as "requests", or more after a page was loaded anew, which is what the ring has room for at least. */
static uint64_t
oldest_by_count(const struct bosh *b)
{
	return b->ring.answer_rid > b->proof.margin ? b->ring.answer_rid - b->proof.margin : 1;
}

/*
 * 14.3: with acknowledgements, "the number of responses that have not yet been
 * acknowledged", within our bounds.
 */
static uint64_t
oldest_unacknowledged(const struct bosh *b)
{
	uint64_t oldest = oldest_by_count(b), rid = b->ring.answer_rid;
	const struct ring_slot *s;
	size_t bytes = 0;

	while (rid > 1 && rid - 1 > b->acks.heard && b->ring.answer_rid - rid < UNACKNOWLEDGED_MAX &&
		(s = ring_find(&b->ring, rid - 1)) != NULL && s->n_reply <= UNACKNOWLEDGED_BYTES - bytes) {
		bytes += s->n_reply;
		rid--;
	}
	return rid < oldest ? rid : oldest;
}

/* From which rid on answers may be asked for again: of those that did not ask for a pause (14.3). */
static uint64_t
oldest_kept(const struct bosh *b)
{
	uint64_t oldest = b->acks.is_on ? oldest_unacknowledged(b) : oldest_by_count(b);

	for (uint64_t rid = oldest; rid < b->ring.answer_rid; rid++) {
		const struct ring_slot *s = ring_find(&b->ring, rid);
		if (s != NULL && s->has_pause)
			return oldest > 1 ? oldest - 1 : 1;
	}
	return oldest;
}

static void
fill(struct bosh *b, struct body *body, struct req_id req, ms_t now)
{
	struct ring_slot *s;

	ring_grow(&b->ring, (unsigned) (b->ring.answer_rid - oldest_kept(b)) + 1 + open_max(b));
	s = ring_fill(&b->ring, body, req, now);
	s->deadline = now + b->terms.wait;
	s->heard = acks_heard(&b->acks, body);
	s->has_pause = body->has_pause && b->terms.maxpause > 0;
	s->is_extra = patience_is_extra(body);
	/* 10: a pause of nothing would be the end; it asks for what is held, which it gets. */
	s->pause = body->pause > 0 ? ms_min((ms_t) body->pause * 1000, b->terms.maxpause) : b->terms.inactivity;
	put_keys(b, body);
}

static enum closing
refuse(struct bosh *b, const struct body *body, struct req_id req, enum closing reason)
{
	ending_accuse_rid(&b->ending, req, body->rid);
	return reason;
}

/* Answered and kept (a pause besides), and open. */
static unsigned
ring_size(const struct bosh *b)
{
	return (b->proof.margin + 1) + open_max(b);
}

/* The session creation request (7.1). */
static enum closing
create(struct bosh *b, struct body *body, struct req_id req, ms_t now)
{
	enum closing closing = terms_agree(&b->terms, b->settings, body);

	set_state(b, BOSH_CREATING);
	b->acks.is_on = b->terms.has_acks;
	proof_begin(&b->proof, body->rid, b->terms.requests);
	b->pausing = b->terms.inactivity;
	ring_init(&b->ring, ring_size(b), body->rid, b->trace);
	if (closing == CLOSING_NONE)
		closing = greeting_create(&b->greeting, body);
	if (closing != CLOSING_NONE)
		return refuse(b, body, req, closing);

	/* It opens a stream as it is, and its answer is due in full. */
	body->restart = body->has_pause = body->has_ack = false;
	stanza_queue_push_mark(&b->up, STANZA_OPEN);
	fill(b, body, req, now);
	/* 12: polling begins with the next request. */
	ring_at(&b->ring, body->rid)->is_empty = false;
	return CLOSING_NONE;
}

/* 15.4: a request with a wrong key is not processed, and ends the session. */
static enum closing
check_key(struct bosh *b)
{
	struct ring_slot *s = ring_at(&b->ring, b->ring.next_rid);

	if (b->keys == NULL || keys_turn(b->keys, s->rid))
		return CLOSING_NONE;
	if (!s->gone)
		ending_accuse_rid(&b->ending, s->req, s->rid);
	ring_forget(&b->ring, s);
	return CLOSING_KEY;
}

/*
 * Takes up the request with next_rid: its payload goes to the server in the
 * order of the rids (14.2), and it joins those that are held.
 */
static enum closing
take_up(struct bosh *b, ms_t now)
{
	enum closing closing = check_key(b);
	bool has_payload;
	struct ring_slot *s;

	if (closing != CLOSING_NONE)
		return closing;
	s = ring_take_up(&b->ring);
	has_payload = s->payload.count > 0 || s->restart != NULL || s->terminate;
	if ((s->is_empty && ring_held(&b->ring) > 1) || ring_held(&b->ring) + b->ring.n_early > b->terms.hold)
		b->fills_hold = true;
	b->pausing = b->terms.inactivity;
	acks_note(&b->acks, &b->ring, s, now);
	proof_request(&b->proof, &b->acks, &b->ring, s->rid, &b->down, now);
	ring_grow(&b->ring, ring_size(b));
	s = ring_at(&b->ring, b->ring.next_rid - 1);
	if (s->restart != NULL) {
		/* XEP-0206, 5: a stanza in a restart request is ignored. */
		stanza_queue_fini(&s->payload);
		closing = greeting_restart(&b->greeting, s->restart);
		if (closing == CLOSING_NONE)
			stanza_queue_push_mark(&b->up, STANZA_OPEN);
	}
	stanza_queue_move(&b->up, &s->payload);
	if (s->terminate) {
		stanza_queue_push_mark(&b->up, STANZA_CLOSE);
		b->is_terminated = true;
	}
	b->release_at = has_payload ? now + LINGER : patience_release(&b->patience, &b->terms, &b->ring, s, now);
	if (s->has_pause) {
		/* 10: all held requests are answered at once, this one too. */
		b->pausing = s->pause;
		for (uint64_t rid = b->ring.answer_rid; rid < b->ring.next_rid; rid++)
			ring_at(&b->ring, rid)->deadline = now;
	}
	return closing;
}

/* In the place of the one that waited: its client is told, if it is still there. */
static void
wait_anew(struct bosh *b, struct ring_slot *s, struct req_id req, ms_t now)
{
	if (!s->gone)
		push_recoverable(b, s);
	s->req = req;
	s->gone = false;
	s->deadline = now + b->terms.wait;
}

/*
 * A request whose rid we already have.  The client repeats one when its
 * connection broke before the answer arrived (XEP-0124, 14.3), so:
 *
 *   answered      -> the same bytes again, even if stanzas came in since
 *   still waiting -> the old connection is told to go, the new one waits
 */
static enum closing
repeat(struct bosh *b, struct ring_slot *s, const struct body *body, struct req_id req, ms_t now)
{
	enum closing closing = patience_repeat(s, now);

	if (b->keys != NULL && !keys_is_repeat(b->keys, body->rid, body->key))
		closing = CLOSING_KEY;
	if (closing != CLOSING_NONE)
		return refuse(b, body, req, closing);
	switch (s->state) {
	case SLOT_ANSWERED:
		replay(b, s, req);
		proof_repeat(&b->proof, &b->acks, &b->ring, &b->down, now);
		/* 10: inactivity counts from the last response, and this is one. */
		b->idle_since = now;
		break;
	case SLOT_EARLY:
	case SLOT_HELD:
		wait_anew(b, s, req, now);
		proof_repeat(&b->proof, &b->acks, &b->ring, &b->down, now);
		break;
	case SLOT_FREE:
		break;
	}
	return CLOSING_NONE;
}

/*
 * A rid that is forgotten, or too far ahead: the error is the same, for it
 * must not teach a guesser where the window is (14.3).
 */
static enum closing
check_window(const struct bosh *b, const struct body *body)
{
	unsigned window = b->terms.requests + (patience_is_extra(body) ? 1 : 0);

	if (body->rid < b->ring.next_rid)
		return CLOSING_RID_FORGOTTEN;
	if (body->rid >= b->ring.next_rid + window || b->is_terminated)
		return CLOSING_RID_WINDOW;
	/* 11: none of so many is answered yet.  The ring has no room for more than these and the answers kept. */
	if (body->rid - b->ring.answer_rid >= open_max(b))
		return CLOSING_OVERACTIVE;
	return CLOSING_NONE;
}

/*
 * Answers too old to be asked for again need not be kept until their slots
 * are used anew, nor those the client says it has (14.3).  None of them may
 * be on its way out.
 */
static void
forget_old(struct bosh *b)
{
	uint64_t below = oldest_kept(b);

	if (!answers_is_empty(&b->answers) || proof_is_in_doubt(&b->proof, &b->ring))
		return;
	if (b->acks.heard >= below)
		below = b->acks.heard + 1;
	/* What goes is either known to be with the client or waits again: nothing is forgotten. */
	if (ring_has_unproven(&b->ring, below))
		bosh_recall(b);
	ring_forget_below(&b->ring, below);
}

/*
 * The session is over.  The first request to come learns how it ended, a
 * repeated one gets the answer it lost, and for all others there is no
 * session any more.
 */
static void
request_after_end(struct bosh *b, const struct body *body, struct req_id req, ms_t now)
{
	struct ring_slot *s = ring_find(&b->ring, body->rid);

	if (b->keys != NULL && !keys_is_repeat(b->keys, body->rid, body->key)) {
		ending_refuse(&b->ending, &b->answers, req, true);
	} else if (s != NULL && s->state == SLOT_ANSWERED) {
		replay(b, s, req);
	} else if (ending_request(&b->ending, &b->ring, &b->answers, body->rid, req)) {
		b->remembered_until = now + ENDING_REMEMBERED;
	}
}

enum closing
bosh_request(struct bosh *b, struct body *body, struct req_id req, ms_t now)
{
	enum closing closing = CLOSING_NONE;
	struct ring_slot *s;

	forget_old(b);
	if (b->state == BOSH_CLOSED) {
		request_after_end(b, body, req, now);
		return CLOSING_NONE;
	}
	if (b->state == BOSH_NEW) {
		if ((closing = create(b, body, req, now)) == CLOSING_NONE &&
			(closing = take_up(b, now)) == CLOSING_NONE)
			b->release_at = ring_at(&b->ring, body->rid)->deadline;
		return closing;
	}
	s = ring_find(&b->ring, body->rid);
	if (s != NULL && body->rid >= oldest_kept(b))
		return repeat(b, s, body, req, now);
	closing = check_window(b, body);
	if (closing == CLOSING_NONE)
		closing = patience_new(&b->patience, &b->terms, &b->ring, body, now);
	if (closing != CLOSING_NONE)
		return refuse(b, body, req, closing);
	fill(b, body, req, now);
	while (closing == CLOSING_NONE && (s = ring_find(&b->ring, b->ring.next_rid)) != NULL && s->state == SLOT_EARLY)
		closing = take_up(b, now);
	return closing;
}

bool
bosh_is_old(const struct bosh *b, uint64_t rid)
{
	return b->state == BOSH_CLOSED || rid < b->ring.next_rid || ring_find(&b->ring, rid) != NULL;
}

void
bosh_refused(struct bosh *b, struct req_id req)
{
	if (b->state == BOSH_CLOSED)
		ending_refuse(&b->ending, &b->answers, req, false);
	else
		ending_accuse(&b->ending, req);
}

/*
 * The answer was given to a connection that was gone already: the news of
 * that came too late.  What it holds waits again, as if the news had come in
 * time; when a younger request was answered since, the client has to ask for
 * the older answer first (14.2, 14.3), and finds it.
 */
static void
take_back(struct bosh *b)
{
	struct ring_slot *s;

	while (answers_is_empty(&b->answers) && (s = ring_find(&b->ring, b->ring.answer_rid - 1)) != NULL && s->gone &&
		!s->has_copies && (s->parts.n > 0 || s->has_greeting)) {
		if (s->has_greeting)
			greeting_take_back(&b->greeting);
		ring_take_back(&b->ring, s, &b->down);
	}
}

/* After the end: the next request to come learns of it, if this one did not. */
static bool
gone_after_end(struct bosh *b, struct req_id req, ms_t now)
{
	if (b->is_terminated || !ending_gone(&b->ending, req))
		return false;
	b->remembered_until = now + b->pausing;
	return true;
}

bool
bosh_gone(struct bosh *b, struct req_id req, ms_t now)
{
	struct ring_slot *s = ring_request(&b->ring, req);

	if (b->state == BOSH_CLOSED)
		return gone_after_end(b, req, now);
	if (s == NULL || s->gone)
		return false;
	switch (s->state) {
	case SLOT_EARLY:
	case SLOT_HELD:
		s->gone = true;
		break;
	case SLOT_ANSWERED:
		s->gone = true;
		if (s->has_copies)
			return false;
		take_back(b);
		break;
	case SLOT_FREE:
		return false;
	}
	if (s->rid == b->proof.first_rid)
		b->pausing = 0; /* nobody will ever know the sid */
	note_idle(b, now);
	return true;
}

void
bosh_moves(struct bosh *b, bool moves, ms_t now)
{
	if (moves)
		b->moving++;
	else if (b->moving > 0 && --b->moving == 0)
		note_idle(b, now);
}

/* 10: nobody waits for an answer, and none is on its way. */
static bool
is_idle(const struct bosh *b)
{
	return !ring_has_waiting(&b->ring) && b->moving == 0;
}

void
bosh_hurry(struct bosh *b, struct req_id req, ms_t now)
{
	struct ring_slot *s = ring_request(&b->ring, req);

	if (s == NULL || s->state == SLOT_ANSWERED)
		return;
	s->deadline = ms_min(s->deadline, now);
	if (s->state == SLOT_HELD)
		for (uint64_t before = b->ring.answer_rid; before < s->rid; before++)
			ring_at(&b->ring, before)->deadline = ms_min(ring_at(&b->ring, before)->deadline, now);
}

/* ---- stanzas ---- */

struct stanza *
bosh_next_up(struct bosh *b)
{
	return stanza_queue_shift(&b->up);
}

const struct stream_header *
bosh_header(const struct bosh *b)
{
	return &b->greeting.client;
}

void
bosh_opened(struct bosh *b, const struct stream_header *h)
{
	greeting_opened(&b->greeting, h);
}

void
bosh_give(struct bosh *b, struct stanza **st)
{
	stanza_queue_push(&b->down, st);
}

size_t
bosh_recall(struct bosh *b)
{
	return ring_recall(&b->ring, &b->down);
}

void
bosh_seek(struct bosh *b, enum seek how)
{
	b->proof.seeking.how = how;
}

struct stanza *
bosh_next_undelivered(struct bosh *b)
{
	return b->state == BOSH_OPEN && !ring_has_live(&b->ring) ? stanza_queue_shift(&b->down) : NULL;
}

/* The attributes of the creation response, or what of them is late. */
static void
write_attributes(struct bosh *b, const struct ring_slot *s, struct buf *out)
{
	if (b->state != BOSH_CREATING) {
		greeting_write_late(&b->greeting, out);
		return;
	}
	terms_write(&b->terms, b->sid, out);
	if (b->acks.is_on)
		buf_printf(out, " ack='%llu'", (unsigned long long) s->rid);
	greeting_write_creation(&b->greeting, out);
}

static bool
has_news(const struct bosh *b)
{
	return (b->down.count > 0 && !proof_is_in_doubt(&b->proof, &b->ring)) || b->state == BOSH_CREATING ||
		b->greeting.is_due;
}

/*
 * Answers the oldest held request: with what there is, or without payload
 * when its client is known to be gone, or has asked for a pause (10).
 */
static void
answer_oldest(struct bosh *b, ms_t now)
{
	struct ring_slot *s = ring_answer(&b->ring, now);
	bool with_news = !s->gone && !s->has_pause && has_news(b);
	struct parts parts = {.v = NULL};
	struct buf out;
	char *reply;
	size_t n;

	if (with_news || acks_has_news(&b->acks, &b->ring, s)) {
		/* The first answer has the sid in it. */
		buf_init_secret(&out, BUF_UNLIMITED);
		buf_reserve(&out, (with_news ? b->down.bytes : 0) + 256);
		buf_append_str(&out, "<body xmlns='" BODY_NS "'");
		s->has_greeting = with_news && b->greeting.is_due;
		if (with_news)
			write_attributes(b, s, &out);
		acks_write(&b->acks, &b->ring, s, now, &out);
		s->has_payload = with_news && b->down.count > 0;
		if (with_news) {
			parts_note(&parts, &b->down);
			body_payload(&out, &b->down);
		} else {
			buf_append_str(&out, "/>");
		}
		reply = buf_take(&out, &n);
		proof_answer(&b->proof, parts_returnable(&parts), now);
		ring_reply(&b->ring, s, reply, n, &parts);
	}
	proof_answer(&b->proof, 0, now);
	if (with_news && b->state == BOSH_CREATING)
		set_state(b, BOSH_OPEN);
	if (!s->gone)
		push_reply(b, s->req, s);
	note_idle(b, now);
}

/* ---- time ---- */

/*
 * May the creation request be answered?  The features are waited for, so
 * that the client needs no further request to learn them (XEP-0206, 4).
 */
static bool
is_creation_ready(const struct bosh *b)
{
	return b->down.count > 0 || (b->greeting.is_opened && b->greeting.server.version == NULL);
}

/*
 * How many requests to hold.  There are clients (stanza) that ask for two and
 * have no third connection: with both of them held they could say nothing
 * until the server does.  Such a client never sends an empty request beside
 * another, nor three at a time; one that wants more than one held does that
 * first of all.
 */
static unsigned
hold_of(const struct bosh *b)
{
	return b->terms.hold > 1 && !b->fills_hold ? 1 : b->terms.hold;
}

/*
 * Must the oldest held request be answered now, with or without payload?
 * Also when it could wait longer (it was repeated) or nobody waits for it any
 * more, but a younger one cannot: answers leave in the order of the rids.
 */
static bool
is_release_due(const struct bosh *b, ms_t now)
{
	unsigned held = ring_held(&b->ring);

	if (b->state != BOSH_CREATING) {
		if (held > hold_of(b) + 1)
			return true;
		if (held > hold_of(b) && now >= b->release_at)
			return true;
		if ((b->acks.missing != 0 || proof_is_in_doubt(&b->proof, &b->ring)) && ring_has_live(&b->ring))
			return true;
	}
	return ring_is_overdue(&b->ring, now);
}

/*
 * One that came early is not answered before those with lower rids (14.2),
 * but does not wait longer than "wait" either: the client is told that
 * something is missing, and to repeat it (17.3).  What it sent is kept, for
 * it may have come to stay.
 */
static void
give_up_early(struct bosh *b, ms_t now)
{
	for (unsigned i = 0; b->ring.n_early > 0 && i < b->ring.n; i++) {
		struct ring_slot *s = &b->ring.v[i];
		if (s->state != SLOT_EARLY || s->gone || s->deadline > now)
			continue;
		push_recoverable(b, s);
		s->gone = true;
		note_idle(b, now);
	}
}

static void
release_to_learn(struct bosh *b, ms_t now)
{
	answer_oldest(b, now);
	seeking_released(&b->proof.seeking);
}

void
bosh_flush(struct bosh *b, ms_t now)
{
	if (b->state == BOSH_NEW || b->state == BOSH_CLOSED)
		return;
	while (ring_held(&b->ring) > 0) {
		bool is_payload_ready = b->state == BOSH_CREATING
			? is_creation_ready(b)
			: b->down.count > 0 && !proof_is_in_doubt(&b->proof, &b->ring);

		if ((is_payload_ready && ring_has_live(&b->ring)) || is_release_due(b, now))
			answer_oldest(b, now);
		else if (b->state == BOSH_OPEN && now >= proof_due(&b->proof, &b->ring))
			release_to_learn(b, now);
		else
			break;
	}
	give_up_early(b, now);
}

void
bosh_close(struct bosh *b, enum closing reason, ms_t now)
{
	bool is_creating = b->state == BOSH_NEW || b->state == BOSH_CREATING;
	struct buf out;
	char *terminal;
	size_t n;

	if (b->state == BOSH_CLOSED)
		return;
	must(reason != CLOSING_NONE);
	set_state(b, BOSH_CLOSED);
	stanza_queue_fini(&b->up);
	ring_discard(&b->ring);
	b->ending.status = b->terms.is_legacy ? closing_http_status(reason) : 200;
	b->ending.status_not_found = b->terms.is_legacy ? closing_http_status(CLOSING_RID_FORGOTTEN) : 200;
	buf_init(&out, BUF_UNLIMITED);
	buf_reserve(&out, b->down.bytes + 256);
	body_terminal(&out, reason, &b->down);
	terminal = buf_take(&out, &n);
	ending_begin(&b->ending, terminal, n, &b->ring, &b->answers);
	b->remembered_until = now + (b->ending.is_told ? ENDING_REMEMBERED : b->pausing);
	if (reason == CLOSING_INACTIVE || is_creating)
		b->remembered_until = now;
}

ms_t
bosh_deadline(const struct bosh *b)
{
	ms_t deadline;

	if (b->state == BOSH_NEW)
		return MS_NEVER;
	if (b->state == BOSH_CLOSED)
		return b->remembered_until > 0 ? b->remembered_until : MS_NEVER;
	deadline = ring_deadline(&b->ring);
	if (ring_held(&b->ring) > hold_of(b) && b->state == BOSH_OPEN)
		deadline = ms_min(deadline, b->release_at);
	if (is_idle(b))
		deadline = ms_min(deadline, b->idle_since + b->pausing);
	return b->state == BOSH_OPEN ? ms_min(deadline, proof_due(&b->proof, &b->ring)) : deadline;
}

enum closing
bosh_expire(struct bosh *b, ms_t now)
{
	if (b->state == BOSH_CLOSED && now >= b->remembered_until)
		b->remembered_until = 0;
	if (b->state == BOSH_NEW || b->state == BOSH_CLOSED)
		return CLOSING_NONE;
	if (is_idle(b) && now >= b->idle_since + b->pausing)
		return CLOSING_INACTIVE;
	bosh_flush(b, now);
	return CLOSING_NONE;
}

bool
bosh_is_done(const struct bosh *b, ms_t now)
{
	return b->state == BOSH_CLOSED && now >= b->remembered_until;
}

bool
bosh_is_told(const struct bosh *b)
{
	return b->state == BOSH_CLOSED && b->ending.is_told;
}

size_t
bosh_queued(const struct bosh *b)
{
	return stanza_queue_cost(&b->down);
}

size_t
bosh_kept(const struct bosh *b)
{
	return b->ring.kept + b->ending.n_terminal;
}

size_t
bosh_queued_up(const struct bosh *b)
{
	return stanza_queue_cost(&b->up) + ring_queued(&b->ring);
}

struct stanza_tally
bosh_confirmed(const struct bosh *b)
{
	return b->proof.confirmed;
}

unsigned
bosh_replays(const struct bosh *b)
{
	return b->replays;
}
