#include "proto/bosh.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

#define BOSH_VERSION_MAJOR 1
#define BOSH_VERSION_MINOR 11

/*
 * A request that carried a stanza releases an older one that is held.  The
 * server's answer to the stanza is likely on its way: it rides on the older
 * request if it comes within this time, which saves a POST per message.
 */
#define LINGER 10
/* How long the end of a session is remembered for a client that lost the answer and asks again. */
#define EPILOGUE 10000
/* A polling client asks seldom; its inactivity period is longer (XEP-0124, 12). */
#define POLLING_INACTIVITY 3

enum slot_state {
	SLOT_FREE,
	SLOT_EARLY,    /* arrived before one with a lower rid */
	SLOT_HELD,     /* taken up, to be answered */
	SLOT_ANSWERED, /* reply is kept for repeats */
};

struct slot {
	enum slot_state state;
	bool gone; /* its connection is */
	bool restart, terminate, has_pause;
	uint64_t rid;
	struct req_id req;
	ms_t deadline, pause;
	struct stanza_queue payload;
	char *reply; /* NULL: the empty body */
	size_t n_reply;
};

/* Where the bytes of an answer are. */
enum answer_kind {
	ANSWER_SLOT,
	ANSWER_EMPTY,
	ANSWER_RECOVERABLE,
	ANSWER_TERMINAL,
	ANSWER_OTHER_REQUEST,
	ANSWER_NOT_FOUND,
};

struct answer {
	struct req_id req;
	enum answer_kind kind;
	struct slot *slot;
};

enum bosh_state {
	BOSH_NEW,      /* no request yet */
	BOSH_CREATING, /* the creation request is held */
	BOSH_OPEN,
	BOSH_CLOSED,   /* the client is to be told, or has been */
};

struct bosh {
	enum bosh_state state;
	char *sid;
	ms_t wait, inactivity, pausing, maxpause;
	unsigned hold, requests;
	bool has_ver;
	unsigned ver_major, ver_minor;
	const char *content_type;
	struct header header;        /* the client's */
	struct header server_header; /* the server's */
	bool is_header_due;          /* the client has not been told of it */
	bool is_opened;

	struct slot *slot;
	unsigned n_slots;
	uint64_t next_rid, answer_rid;
	ms_t release_at; /* an older request may linger until then */
	ms_t idle_since; /* since then no live request is held */
	bool is_terminated;

	struct stanza_queue up, down;
	struct answer *answer; /* a small queue, drained after each event */
	unsigned n_answers, first_answer, room_answers;

	enum closing reason;
	bool has_culprit; /* the request that broke a rule */
	struct req_id culprit;
	bool is_told, has_told_rid;
	uint64_t told_rid;
	ms_t epilogue_end; /* 0: it is over */
	char *terminal;
	size_t n_terminal;
	unsigned replays;
	size_t kept; /* bytes of answers in slots */
};

static const char other_request[] = "<body xmlns='" BODY_NS "' type='terminate' condition='other-request'/>";
static const char not_found[] = "<body xmlns='" BODY_NS "' type='terminate' condition='item-not-found'/>";
static const char recoverable[] = "<body xmlns='" BODY_NS "' type='error'/>";

struct bosh *
bosh_new(const struct bosh_config *config, struct slice sid)
{
	struct bosh *b = xcalloc(1, sizeof *b);

	b->sid = xstrndup(sid.p, sid.n);
	b->wait = config->wait;
	b->inactivity = config->inactivity;
	b->maxpause = config->maxpause;
	b->hold = config->hold;
	b->content_type = "text/xml; charset=utf-8";
	b->release_at = MS_NEVER;
	b->epilogue_end = MS_NEVER;
	stanza_queue_init(&b->up);
	stanza_queue_init(&b->down);
	return b;
}

static void
slot_clear(struct slot *s)
{
	stanza_queue_fini(&s->payload);
	free(s->reply);
	*s = (struct slot){.state = SLOT_FREE};
	stanza_queue_init(&s->payload);
}

void
bosh_free(struct bosh *b)
{
	if (b == NULL)
		return;
	for (unsigned i = 0; i < b->n_slots; i++)
		slot_clear(&b->slot[i]);
	free(b->slot);
	stanza_queue_fini(&b->up);
	stanza_queue_fini(&b->down);
	header_fini(&b->header);
	header_fini(&b->server_header);
	free(b->answer);
	free(b->terminal);
	free(b->sid);
	free(b);
}

static struct slot *
slot_at(const struct bosh *b, uint64_t rid)
{
	return &b->slot[rid % b->n_slots];
}

static unsigned
held(const struct bosh *b)
{
	return (unsigned) (b->next_rid - b->answer_rid);
}

/* Is there a held request whose client is still there to read an answer? */
static bool
has_live(const struct bosh *b)
{
	for (uint64_t rid = b->answer_rid; rid < b->next_rid; rid++)
		if (!slot_at(b, rid)->gone)
			return true;
	return false;
}

static void
push_answer(struct bosh *b, struct req_id req, enum answer_kind kind, struct slot *slot)
{
	if (b->first_answer == b->n_answers)
		b->first_answer = b->n_answers = 0;
	if (b->n_answers == b->room_answers) {
		b->room_answers = b->room_answers > 0 ? b->room_answers * 2 : 4;
		b->answer = xrealloc(b->answer, b->room_answers * sizeof *b->answer);
	}
	b->answer[b->n_answers++] = (struct answer){req, kind, slot};
}

bool
bosh_next_answer(struct bosh *b, struct bosh_answer *out)
{
	const struct answer *a;

	if (b->first_answer == b->n_answers)
		return false;
	a = &b->answer[b->first_answer++];
	out->req = a->req;
	out->content_type = b->content_type;
	out->body = SLICE(BODY_EMPTY);
	switch (a->kind) {
	case ANSWER_SLOT:
		if (a->slot->reply != NULL)
			out->body = slice_of(a->slot->reply, a->slot->n_reply);
		break;
	case ANSWER_EMPTY:
		break;
	case ANSWER_RECOVERABLE:
		out->body = slice_of(recoverable, sizeof recoverable - 1);
		break;
	case ANSWER_TERMINAL:
		out->body = slice_of(b->terminal, b->n_terminal);
		break;
	case ANSWER_NOT_FOUND:
		out->body = slice_of(not_found, sizeof not_found - 1);
		break;
	case ANSWER_OTHER_REQUEST:
		out->body = slice_of(other_request, sizeof other_request - 1);
		break;
	}
	return true;
}

/* XEP-0124, 7.1: "<major>.<minor>", each an integer of its own. */
static bool
read_version(struct slice ver, uint64_t *major, uint64_t *minor)
{
	const char *dot = memchr(ver.p, '.', ver.n);
	size_t n;

	if (dot == NULL)
		return false;
	n = (size_t) (dot - ver.p);
	return slice_number(slice_of(ver.p, n), UINT32_MAX, major) &&
	       slice_number(slice_of(dot + 1, ver.n - n - 1), UINT32_MAX, minor);
}

/*
 * The Content-Type of all answers (7.1).  Only types a browser will not run
 * as a page of ours; anything else is answered as text/xml.
 */
static const char *
content_type(struct slice wanted)
{
	static const char *const allowed[] = {
		"text/xml; charset=utf-8",
		"application/xml; charset=utf-8",
		"text/plain; charset=utf-8",
	};
	struct slice type = wanted;
	const char *semicolon = wanted.n > 0 ? memchr(wanted.p, ';', wanted.n) : NULL;

	if (semicolon != NULL)
		type.n = (size_t) (semicolon - wanted.p);
	type = slice_trim(type);
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (slice_eq_nocase(type, slice_of(allowed[i], strcspn(allowed[i], ";"))))
			return allowed[i];
	return allowed[0];
}

/* The session creation request (7.1): what the client wishes and what it gets. */
static enum closing
create(struct bosh *b, const struct body *body)
{
	uint64_t major, minor;

	b->state = BOSH_CREATING;
	if (body->has_wait && (ms_t) body->wait * 1000 < b->wait)
		b->wait = (ms_t) body->wait * 1000;
	if (body->has_hold && body->hold < b->hold)
		b->hold = (unsigned) body->hold;
	else if (!body->has_hold && b->hold > 1)
		b->hold = 1;
	if (b->wait == 0 || b->hold == 0) {
		b->hold = 0;
		b->inactivity *= POLLING_INACTIVITY;
	}
	b->requests = b->hold + 1 > 2 ? b->hold + 1 : 2;
	b->pausing = b->inactivity;
	b->content_type = content_type(body->content);

	/* answered and kept, held (one more while lingering), early (one more to pause or terminate) */
	b->n_slots = b->requests + (b->hold + 2) + (b->requests + 1);
	b->slot = xcalloc(b->n_slots, sizeof *b->slot);
	for (unsigned i = 0; i < b->n_slots; i++)
		slot_clear(&b->slot[i]);
	b->next_rid = b->answer_rid = body->rid;

	if (slice_is_set(body->ver)) {
		if (!read_version(slice_trim(body->ver), &major, &minor))
			return CLOSING_BAD_BODY;
		/* The lower of the client's version and ours. */
		bool is_ours = major > BOSH_VERSION_MAJOR || (major == BOSH_VERSION_MAJOR && minor > BOSH_VERSION_MINOR);
		b->has_ver = true;
		b->ver_major = is_ours ? BOSH_VERSION_MAJOR : (unsigned) major;
		b->ver_minor = is_ours ? BOSH_VERSION_MINOR : (unsigned) minor;
	}
	if (!slice_is_set(body->to) || body->to.n == 0)
		return CLOSING_NO_TO;
	header_set(&b->header, body->to, body->from, body->lang, body->version, SLICE_NONE);
	return CLOSING_NONE;
}

static void
push_mark(struct bosh *b, enum stanza_kind kind)
{
	struct stanza *mark = stanza_new(0, kind);

	stanza_queue_push(&b->up, &mark);
}

/*
 * Takes up the request with next_rid: its payload goes to the server in the
 * order of the rids (14.2), and it joins those that are held.
 */
static void
take_up(struct bosh *b, struct slot *s, ms_t now)
{
	bool has_payload = s->payload.count > 0 || s->restart || s->terminate;

	s->state = SLOT_HELD;
	b->next_rid++;
	b->pausing = b->inactivity;
	if (s->restart) {
		/* XEP-0206, 6: payload of a restart request is ignored. */
		stanza_queue_fini(&s->payload);
		push_mark(b, STANZA_OPEN);
	}
	stanza_queue_move(&b->up, &s->payload);
	if (s->terminate) {
		push_mark(b, STANZA_CLOSE);
		b->is_terminated = true;
	}
	b->release_at = has_payload ? now + LINGER : now;
	if (s->has_pause) {
		/* 10: all held requests are answered at once, this one too. */
		b->pausing = s->pause;
		for (uint64_t rid = b->answer_rid; rid < b->next_rid; rid++)
			slot_at(b, rid)->deadline = now;
	}
}

static void
slot_forget(struct bosh *b, struct slot *s)
{
	b->kept -= s->n_reply;
	slot_clear(s);
}

/*
 * Answers too old to be asked for again need not be kept until their slots
 * are used anew.  None of them may be on its way out.
 */
static void
forget_old(struct bosh *b)
{
	if (b->first_answer != b->n_answers)
		return;
	for (unsigned i = 0; i < b->n_slots; i++) {
		struct slot *s = &b->slot[i];
		if (s->state == SLOT_ANSWERED && s->rid + b->requests < b->answer_rid)
			slot_forget(b, s);
	}
}

/* The slot becomes the body's.  An early request that is repeated is replaced (it is an exact copy, 14.3). */
static void
fill(struct bosh *b, struct slot *s, struct body *body, struct req_id req, ms_t now)
{
	slot_forget(b, s);
	s->state = SLOT_EARLY;
	s->rid = body->rid;
	s->req = req;
	s->deadline = now + b->wait;
	s->restart = body->restart;
	s->terminate = slice_eq(body->type, SLICE("terminate"));
	s->has_pause = body->has_pause && b->maxpause > 0;
	s->pause = (ms_t) body->pause * 1000;
	if (s->pause > b->maxpause)
		s->pause = b->maxpause;
	stanza_queue_move(&s->payload, &body->payload);
}

/*
 * A request whose rid we already have.  The client repeats one when its
 * connection broke before the answer arrived (XEP-0124, 14.3), so:
 *
 *   answered      -> the same bytes again, even if stanzas came in since
 *   still waiting -> the old connection is told to go, the new one waits
 *
 * A rid we have forgotten gets item-not-found whether it is too small or
 * too large: the error must not teach a guesser where the window is.
 */
static enum closing
repeat(struct bosh *b, struct slot *s, const struct body *body, struct req_id req, ms_t now)
{
	if (s->state == SLOT_FREE || s->rid != body->rid)
		return CLOSING_RID_FORGOTTEN;
	if (s->state == SLOT_ANSWERED) {
		b->replays++;
		push_answer(b, req, ANSWER_SLOT, s);
		/* 10: inactivity counts from the last response, and this is one. */
		b->idle_since = now;
		return CLOSING_NONE;
	}
	if (!s->gone)
		push_answer(b, s->req, ANSWER_RECOVERABLE, NULL);
	s->req = req;
	s->gone = false;
	s->deadline = now + b->wait;
	return CLOSING_NONE;
}

/* Was this rid waiting when the session ended, or the one that learnt of the end? */
static bool
has_been_told(const struct bosh *b, uint64_t rid)
{
	const struct slot *s = b->n_slots > 0 ? slot_at(b, rid) : NULL;

	return b->is_told && ((b->has_told_rid && rid == b->told_rid) ||
			      (s != NULL && s->rid == rid && (s->state == SLOT_HELD || s->state == SLOT_EARLY)));
}

/*
 * The session is over.  The first request to come learns how it ended, a
 * repeated one gets the answer it lost, and for all others there is no
 * session any more.
 */
static void
request_after_end(struct bosh *b, const struct body *body, struct req_id req, ms_t now)
{
	struct slot *s = b->n_slots > 0 ? slot_at(b, body->rid) : NULL;

	if (s != NULL && body->rid < b->answer_rid && s->state == SLOT_ANSWERED && s->rid == body->rid) {
		b->replays++;
		push_answer(b, req, ANSWER_SLOT, s);
	} else if (has_been_told(b, body->rid)) {
		push_answer(b, req, ANSWER_TERMINAL, NULL);
	} else if (!b->is_told) {
		push_answer(b, req, ANSWER_TERMINAL, NULL);
		b->is_told = true;
		b->has_told_rid = true;
		b->told_rid = body->rid;
		b->epilogue_end = now + EPILOGUE;
	} else {
		push_answer(b, req, ANSWER_NOT_FOUND, NULL);
	}
}

enum closing
bosh_request(struct bosh *b, struct body *body, struct req_id req, ms_t now)
{
	enum closing closing = CLOSING_NONE;
	struct slot *s;
	unsigned window;

	forget_old(b);
	if (b->state == BOSH_CLOSED) {
		request_after_end(b, body, req, now);
		return CLOSING_NONE;
	}
	if (b->state == BOSH_NEW) {
		closing = create(b, body);
		if (closing != CLOSING_NONE)
			goto out;
		push_mark(b, STANZA_OPEN);
		s = slot_at(b, body->rid);
		body->restart = false; /* it opens a stream as it is, and its answer is due in full */
		body->has_pause = false;
		fill(b, s, body, req, now);
		take_up(b, s, now);
		b->release_at = s->deadline;
		return CLOSING_NONE;
	}

	s = slot_at(b, body->rid);
	window = b->requests + (slice_eq(body->type, SLICE("terminate")) || body->has_pause ? 1 : 0);
	if (body->rid < b->next_rid) {
		closing = body->rid + b->requests < b->answer_rid ? CLOSING_RID_FORGOTTEN
								  : repeat(b, s, body, req, now);
		goto out;
	}
	if (body->rid >= b->next_rid + window || b->is_terminated) {
		closing = CLOSING_RID_WINDOW;
		goto out;
	}
	/* 11: none of so many is answered yet.  The ring has no room for more than these and the answers kept. */
	if (body->rid - b->answer_rid >= b->n_slots - b->requests) {
		closing = CLOSING_OVERACTIVE;
		goto out;
	}
	if (s->state == SLOT_EARLY && s->rid == body->rid && !s->gone)
		push_answer(b, s->req, ANSWER_RECOVERABLE, NULL);
	fill(b, s, body, req, now);
	while ((s = slot_at(b, b->next_rid))->state == SLOT_EARLY && s->rid == b->next_rid)
		take_up(b, s, now);
out:
	if (closing != CLOSING_NONE) {
		bosh_refused(b, req);
		b->has_told_rid = true;
		b->told_rid = body->rid;
	}
	return closing;
}

void
bosh_refused(struct bosh *b, struct req_id req)
{
	if (b->state == BOSH_CLOSED) {
		push_answer(b, req, ANSWER_TERMINAL, NULL);
		return;
	}
	b->has_culprit = true;
	b->culprit = req;
}

bool
bosh_gone(struct bosh *b, struct req_id req, ms_t now)
{
	bool was_live = has_live(b);

	for (unsigned i = 0; i < b->n_slots; i++) {
		struct slot *s = &b->slot[i];
		if ((s->state != SLOT_HELD && s->state != SLOT_EARLY) || !req_eq(s->req, req))
			continue;
		s->gone = true;
		if (b->state == BOSH_CREATING)
			b->pausing = 0; /* nobody will ever know the sid */
		if (was_live && !has_live(b))
			b->idle_since = now;
		return true;
	}
	return false;
}

void
bosh_hurry(struct bosh *b, struct req_id req, ms_t now)
{
	for (uint64_t rid = b->answer_rid; rid < b->next_rid; rid++) {
		if (!req_eq(slot_at(b, rid)->req, req))
			continue;
		for (uint64_t before = b->answer_rid; before <= rid; before++)
			slot_at(b, before)->deadline = ms_min(slot_at(b, before)->deadline, now);
		return;
	}
}

struct stanza *
bosh_next_up(struct bosh *b)
{
	return stanza_queue_shift(&b->up);
}

const struct header *
bosh_header(const struct bosh *b)
{
	return &b->header;
}

void
bosh_opened(struct bosh *b, const struct header *h)
{
	header_set(&b->server_header, SLICE_NONE, slice_str(h->from), slice_str(h->lang), slice_str(h->version),
		   slice_str(h->id));
	b->is_header_due = true;
	b->is_opened = true;
}

void
bosh_give(struct bosh *b, struct stanza **st)
{
	stanza_queue_push(&b->down, st);
}

/* The attributes of the creation response (XEP-0124, 7.2; XEP-0206, 5). */
static void
creation_attributes(struct bosh *b, struct buf *out)
{
	buf_printf(out, " sid='%s' wait='%lld' requests='%u' hold='%u' inactivity='%lld'", b->sid,
		   (long long) (b->wait / 1000), b->requests, b->hold, (long long) (b->inactivity / 1000));
	if (b->has_ver)
		buf_printf(out, " ver='%u.%u'", b->ver_major, b->ver_minor);
	if (b->maxpause > 0)
		buf_printf(out, " maxpause='%lld'", (long long) (b->maxpause / 1000));
	header_attribute(out, "from", b->server_header.from != NULL ? b->server_header.from : b->header.to);
	buf_append_str(out, " charsets='UTF-8' xmlns:xmpp='" BODY_NS_XMPP "' xmpp:restartlogic='true'");
}

/*
 * The answer's bytes: attributes that are due, all that waits for the client,
 * and, at the end of the session, the terminal condition.
 */
static char *
write_body(struct bosh *b, size_t *n)
{
	bool is_creation = b->state == BOSH_CREATING;
	bool has_prefix = false;
	struct stanza *st;
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_reserve(&out, b->down.bytes + 256);
	buf_append_str(&out, "<body xmlns='" BODY_NS "'");
	if (b->reason != CLOSING_NONE) {
		const char *condition = closing_row(b->reason)->condition;
		buf_append_str(&out, " type='terminate'");
		if (condition != NULL)
			buf_printf(&out, " condition='%s'", condition);
	} else if (is_creation) {
		creation_attributes(b, &out);
	}
	if (b->is_header_due && b->reason == CLOSING_NONE) {
		if (!is_creation && b->server_header.version != NULL)
			buf_append_str(&out, " xmlns:xmpp='" BODY_NS_XMPP "'");
		header_attribute(&out, "xmpp:version", b->server_header.version);
		header_attribute(&out, "authid", b->server_header.id);
		b->is_header_due = false;
	}
	for (st = b->down.first; st != NULL; st = st->next)
		has_prefix = has_prefix || st->has_stream_prefix;
	if (has_prefix)
		buf_append_str(&out, " xmlns:stream='" XML_NS_STREAMS "'");
	if (b->down.count == 0) {
		buf_append_str(&out, "/>");
		return buf_take(&out, n);
	}
	buf_append_char(&out, '>');
	while ((st = stanza_queue_shift(&b->down)) != NULL) {
		buf_append(&out, stanza_slice(st));
		stanza_free(st);
	}
	buf_append_str(&out, "</body>");
	return buf_take(&out, n);
}

static bool
has_news(const struct bosh *b)
{
	return b->down.count > 0 || b->state == BOSH_CREATING || b->is_header_due;
}

/* Answers the oldest held request: with what there is, or empty when its client is known to be gone. */
static void
answer_oldest(struct bosh *b, bool with_payload, ms_t now)
{
	struct slot *s = slot_at(b, b->answer_rid);

	must(s->state == SLOT_HELD && s->rid == b->answer_rid);
	s->state = SLOT_ANSWERED;
	b->answer_rid++;
	if (with_payload && !s->gone && !s->has_pause && has_news(b)) {
		s->reply = write_body(b, &s->n_reply);
		b->kept += s->n_reply;
		if (b->state == BOSH_CREATING)
			b->state = BOSH_OPEN;
	}
	if (!s->gone)
		push_answer(b, s->req, ANSWER_SLOT, s);
	if (!has_live(b))
		b->idle_since = now;
}

/*
 * May the creation request be answered?  The features are waited for, so
 * that the client needs no further request to learn them (XEP-0206, 5).
 */
static bool
is_creation_ready(const struct bosh *b)
{
	return b->down.count > 0 || (b->is_opened && b->server_header.version == NULL);
}

/* Has a held request, whose client is still there, waited long enough? */
static bool
is_overdue(const struct bosh *b, ms_t now)
{
	for (uint64_t rid = b->answer_rid; rid < b->next_rid; rid++)
		if (!slot_at(b, rid)->gone && slot_at(b, rid)->deadline <= now)
			return true;
	return false;
}

/*
 * Must the oldest held request be answered now, with or without payload?
 * Also when it could wait longer (it was repeated) or nobody waits for it any
 * more, but a younger one cannot: answers leave in the order of the rids.
 */
static bool
is_release_due(const struct bosh *b, ms_t now)
{
	if (b->state != BOSH_CREATING) {
		if (held(b) > b->hold + 1)
			return true;
		if (held(b) > b->hold && now >= b->release_at)
			return true;
	}
	return is_overdue(b, now);
}

void
bosh_flush(struct bosh *b, ms_t now)
{
	if (b->state == BOSH_NEW || b->state == BOSH_CLOSED)
		return;
	while (held(b) > 0) {
		bool is_payload_ready = b->state == BOSH_CREATING ? is_creation_ready(b) : b->down.count > 0;

		if (is_payload_ready && has_live(b))
			answer_oldest(b, true, now);
		else if (is_release_due(b, now))
			answer_oldest(b, true, now);
		else
			break;
	}
}

void
bosh_close(struct bosh *b, enum closing reason, ms_t now)
{
	enum answer_kind others = ANSWER_EMPTY;
	bool is_creating = b->state == BOSH_NEW || b->state == BOSH_CREATING;

	if (b->state == BOSH_CLOSED)
		return;
	must(reason != CLOSING_NONE);
	b->state = BOSH_CLOSED;
	b->reason = reason;
	b->terminal = write_body(b, &b->n_terminal);
	if (is_creating)
		b->idle_since = now;

	if (b->has_culprit) {
		push_answer(b, b->culprit, ANSWER_TERMINAL, NULL);
		others = ANSWER_OTHER_REQUEST;
		b->is_told = true;
	}
	for (uint64_t rid = b->answer_rid; b->n_slots > 0 && rid < b->answer_rid + b->n_slots; rid++) {
		struct slot *s = slot_at(b, rid);
		bool was_waiting = s->rid == rid && (s->state == SLOT_HELD || s->state == SLOT_EARLY);
		if (!was_waiting || s->gone)
			continue;
		push_answer(b, s->req, b->is_told ? others : ANSWER_TERMINAL, NULL);
		b->is_told = true;
	}
	b->epilogue_end = now + (b->is_told ? EPILOGUE : b->pausing);
	if (reason == CLOSING_INACTIVE || is_creating)
		b->epilogue_end = now;
}

ms_t
bosh_deadline(const struct bosh *b)
{
	ms_t deadline = MS_NEVER;

	if (b->state == BOSH_NEW)
		return MS_NEVER;
	if (b->state == BOSH_CLOSED)
		return b->epilogue_end > 0 ? b->epilogue_end : MS_NEVER;
	for (uint64_t rid = b->answer_rid; rid < b->next_rid; rid++)
		if (!slot_at(b, rid)->gone)
			deadline = ms_min(deadline, slot_at(b, rid)->deadline);
	if (held(b) > b->hold && b->state == BOSH_OPEN)
		deadline = ms_min(deadline, b->release_at);
	if (!has_live(b))
		deadline = ms_min(deadline, b->idle_since + b->pausing);
	return deadline;
}

enum closing
bosh_expire(struct bosh *b, ms_t now)
{
	if (b->state == BOSH_CLOSED && now >= b->epilogue_end)
		b->epilogue_end = 0;
	if (b->state == BOSH_NEW || b->state == BOSH_CLOSED)
		return CLOSING_NONE;
	if (!has_live(b) && now >= b->idle_since + b->pausing)
		return CLOSING_INACTIVE;
	bosh_flush(b, now);
	return CLOSING_NONE;
}

bool
bosh_is_done(const struct bosh *b, ms_t now)
{
	return b->state == BOSH_CLOSED && now >= b->epilogue_end;
}

bool
bosh_is_told(const struct bosh *b)
{
	return b->state == BOSH_CLOSED && b->is_told;
}

size_t
bosh_queued(const struct bosh *b)
{
	return stanza_queue_cost(&b->down);
}

size_t
bosh_kept(const struct bosh *b)
{
	return b->kept + b->n_terminal;
}

size_t
bosh_queued_up(const struct bosh *b)
{
	size_t cost = stanza_queue_cost(&b->up);

	/* What came early waits too: for the request that is missing. */
	for (unsigned i = 0; i < b->n_slots; i++)
		cost += stanza_queue_cost(&b->slot[i].payload);
	return cost;
}

unsigned
bosh_replays(const struct bosh *b)
{
	return b->replays;
}
