#include "proto/stream/management.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "proto/stream/envelope.h"
#include "proto/xml/tag.h"
#include "proto/xml/xml.h"

#define ACK_APART 1000 /* between two <a/> that nobody asked for */
#define HELD_FOR 10000 /* a stanza that came before the client was bound; no server needs so long */
#define FAILED \
	"<failed xmlns='" XML_NS_SM "'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"

enum owner {
	OWNER_OPEN,    /* nobody has come */
	OWNER_CLIENTS, /* the client's: all of it passes */
	OWNER_ASKED,   /* <enable/> is sent; what comes before <enabled/> does not count */
	OWNER_OURS,
	OWNER_OFF, /* the server does not offer it, or said no */
};

/* An iq of the client's whose result is awaited. */
struct awaited {
	char *id; /* as it was written; NULL: there is none */
};

/* Numbers in order, of stanzas that are not handled. */
struct numbers {
	uint32_t *v;
	size_t first, n, room;
};

struct management {
	enum owner owner;
	bool is_bound, is_client_inactive;
	struct awaited bind, session;
	struct stanza_queue held, up, down;
	ms_t held_until, ack_at; /* MS_NEVER: nothing is held; ack_at: not before */
	uint32_t received, told; /* from the server, since <enabled/>; the h it was told last */
	uint32_t sent, answered; /* to the server, since <enable/>; the h it told last */
	bool has_asked;          /* <r/> is on its way */
	struct numbers unhandled;
	uint64_t proven, stale; /* of the returnable ones; stale: of a stream before, and not proven then */
};

/* ---- numbers ---- */

static void
numbers_push(struct numbers *q, uint32_t number)
{
	if (q->first > 0 && q->first == q->n)
		q->first = q->n = 0;
	if (q->n == q->room && q->first >= q->room / 2 && q->first > 0) {
		memmove(q->v, q->v + q->first, (q->n - q->first) * sizeof *q->v);
		q->n -= q->first;
		q->first = 0;
	} else if (q->n == q->room) {
		q->room = q->room > 0 ? q->room * 2 : 4;
		q->v = xrealloc(q->v, q->room * sizeof *q->v);
	}
	q->v[q->n++] = number;
}

static bool
numbers_shift(struct numbers *q)
{
	if (q->first == q->n)
		return false;
	q->first++;
	return true;
}

static void
numbers_fini(struct numbers *q)
{
	free(q->v);
	*q = (struct numbers){.v = NULL};
}

/* ---- life ---- */

/* As it is before anybody has come. */
static void
begin(struct management *m)
{
	m->owner = OWNER_OPEN;
	m->is_bound = m->has_asked = false;
	m->held_until = MS_NEVER;
	m->ack_at = 0;
	m->received = m->told = m->sent = m->answered = 0;
}

struct management *
management_new(void)
{
	struct management *m = xcalloc(1, sizeof *m);

	stanza_queue_init(&m->held);
	stanza_queue_init(&m->up);
	stanza_queue_init(&m->down);
	begin(m);
	return m;
}

static void
forget_awaited(struct awaited *a)
{
	free(a->id);
	a->id = NULL;
}

static void
forget(struct management *m)
{
	forget_awaited(&m->bind);
	forget_awaited(&m->session);
	stanza_queue_fini(&m->held);
	numbers_fini(&m->unhandled);
}

void
management_free(struct management *m)
{
	if (m == NULL)
		return;
	forget(m);
	stanza_queue_fini(&m->up);
	stanza_queue_fini(&m->down);
	free(m);
}

/* ---- h ---- */

static uint32_t
handled(const struct management *m)
{
	const struct numbers *q = &m->unhandled;

	return q->first < q->n ? q->v[q->first] - 1 : m->received;
}

static void
push_text(struct stanza_queue *q, const char *text)
{
	struct stanza *st = stanza_copy(slice_str(text), STANZA_OTHER);

	stanza_queue_push(q, &st);
}

static void
push_answer(struct management *m)
{
	struct stanza *st;
	struct buf text;

	m->told = handled(m);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<a xmlns='" XML_NS_SM "' h='%lu'/>", (unsigned long) m->told);
	st = stanza_copy(buf_slice(&text), STANZA_OTHER);
	buf_fini(&text);
	stanza_queue_push(&m->up, &st);
}

/* There is an <a/> to be sent; not to a server that waits for a client which nobody looks at: it would send all it has. */
static bool
is_ack_due(const struct management *m)
{
	return m->owner == OWNER_OURS && !m->is_client_inactive && handled(m) != m->told;
}

/* ---- client to server ---- */

static bool
is_stanza(enum stanza_kind kind)
{
	return kind == STANZA_MESSAGE || kind == STANZA_PRESENCE || kind == STANZA_IQ;
}

static bool
mentions(const struct stanza *st, const char *name)
{
	return memmem(st->bytes, st->n, name, strlen(name)) != NULL;
}

/* The server has yet to say whether the client is bound, and what it offers then. */
static bool
is_waiting(const struct management *m, const struct upstream_offer *offer)
{
	return m->bind.id != NULL || m->session.id != NULL || offer->awaits_features;
}

static void
pass(struct management *m, struct stanza **st)
{
	if ((m->owner == OWNER_ASKED || m->owner == OWNER_OURS) && is_stanza((*st)->kind))
		m->sent++;
	stanza_queue_push(&m->up, st);
}

static void
hold(struct management *m, struct stanza **st, ms_t now)
{
	if (m->held.count == 0)
		m->held_until = now + HELD_FOR;
	stanza_queue_push(&m->held, st);
}

/* The first ordinary stanza: it settles who owns, unless the client is not bound at all. */
static void
settle_owner(struct management *m, const struct upstream_offer *offer)
{
	if (m->owner != OWNER_OPEN || !(m->is_bound || offer->is_bound))
		return;
	m->owner = offer->has_management ? OWNER_ASKED : OWNER_OFF;
	if (m->owner == OWNER_ASKED)
		push_text(&m->up, "<enable xmlns='" XML_NS_SM "'/>");
}

static void
await(struct awaited *a, const struct stanza *st)
{
	struct envelope e = envelope_read(stanza_slice(st));

	forget_awaited(a);
	if (slice_is_set(e.id))
		a->id = xstrndup(e.id.p, e.id.n);
}

/* A bind or session iq, which comes before anything is counted: its result is awaited.  False: it is none. */
static bool
note_login(struct management *m, const struct upstream_offer *offer, const struct stanza *st)
{
	if (st->kind != STANZA_IQ)
		return false;
	if (mentions(st, "urn:ietf:params:xml:ns:xmpp-bind")) {
		await(&m->bind, st);
		return true;
	}
	if (!mentions(st, "urn:ietf:params:xml:ns:xmpp-session"))
		return false;
	if (offer->needs_session)
		await(&m->session, st);
	return true;
}

static void
open_up(struct management *m, const struct upstream_offer *offer, struct stanza **st, ms_t now)
{
	switch ((*st)->kind) {
	case STANZA_AUTH:
		/* <enable/> or <resume/> within a login by SASL2. */
		if (mentions(*st, XML_NS_SM) || mentions(*st, XML_NS_SM_OLD))
			m->owner = OWNER_CLIENTS;
		break;
	case STANZA_MESSAGE:
	case STANZA_PRESENCE:
	case STANZA_IQ:
		/* Who has not logged in (RFC 3920; XEP-0077, XEP-0078) asks for that. */
		if (!offer->is_authenticated || note_login(m, offer, *st))
			break;
		if (is_waiting(m, offer)) {
			hold(m, st, now);
			return;
		}
		settle_owner(m, offer);
		break;
	default:
		break;
	}
	pass(m, st);
}

/* Of stream management, where the client is not the one. */
static void
refuse(struct management *m, struct stanza **st)
{
	if ((*st)->kind == STANZA_SM_BEGIN)
		push_text(&m->down, FAILED);
	stanza_free(*st);
	*st = NULL;
}

static bool
is_management(enum stanza_kind kind)
{
	return kind == STANZA_SM_BEGIN || kind == STANZA_SM_ANSWER || kind == STANZA_SM_REQUEST;
}

void
management_up(struct management *m, const struct upstream_offer *offer, struct stanza **st, ms_t now)
{
	enum stanza_kind kind = (*st)->kind;
	bool is_taken = m->held.count > 0 || m->owner == OWNER_ASKED || m->owner == OWNER_OURS;

	if (kind == STANZA_ACTIVE || kind == STANZA_INACTIVE)
		m->is_client_inactive = kind == STANZA_INACTIVE;
	if (is_management(kind) && is_taken) {
		refuse(m, st);
	} else if (m->held.count > 0) {
		hold(m, st, now);
	} else if (m->owner == OWNER_OPEN) {
		if (kind == STANZA_SM_BEGIN)
			m->owner = OWNER_CLIENTS;
		open_up(m, offer, st, now);
	} else {
		pass(m, st);
	}
}

/* ---- server to client ---- */

static uint32_t
read_h(const struct stanza *st)
{
	struct slice s = stanza_slice(st), name, value;
	uint64_t h = 0;

	slice_take_to(&s, " \t\r\n/>");
	while (tag_attribute(&s, &name, &value))
		if (slice_eq(name, SLICE("h")) && !slice_number(value, UINT32_MAX, &h))
			h = 0;
	return (uint32_t) h;
}

/* Elements of stream management itself. */
static void
note_word(struct management *m, const struct stanza *st)
{
	switch (st->kind) {
	case STANZA_SM:
		m->owner = OWNER_OURS;
		break;
	case STANZA_SM_FAILED:
		m->owner = OWNER_OFF;
		break;
	case STANZA_SM_ANSWER:
		m->answered = read_h(st);
		m->has_asked = false;
		break;
	default:
		if (m->owner == OWNER_OURS)
			push_answer(m);
	}
}

static bool
is_result_of(const struct awaited *a, const struct envelope *e)
{
	return a->id != NULL && slice_eq(e->id, slice_str(a->id)) &&
		(slice_eq(e->type, SLICE("result")) || slice_eq(e->type, SLICE("error")));
}

/* The result of what was awaited, good or bad. */
static void
note_result(struct management *m, const struct stanza *st)
{
	struct envelope e;

	if (m->bind.id == NULL && m->session.id == NULL)
		return;
	e = envelope_read(stanza_slice(st));
	if (is_result_of(&m->bind, &e)) {
		m->is_bound = slice_eq(e.type, SLICE("result"));
		forget_awaited(&m->bind);
	} else if (is_result_of(&m->session, &e)) {
		forget_awaited(&m->session);
	}
}

bool
management_down(struct management *m, struct stanza *st)
{
	enum stanza_kind kind = st->kind == STANZA_SKIPPED ? envelope_kind(stanza_slice(st)) : st->kind;

	if (kind == STANZA_SM || kind == STANZA_SM_FAILED || kind == STANZA_SM_ANSWER || kind == STANZA_SM_REQUEST) {
		if (m->owner != OWNER_ASKED && m->owner != OWNER_OURS)
			return true;
		note_word(m, st);
		return false;
	}
	if (kind == STANZA_IQ && st->kind != STANZA_SKIPPED)
		note_result(m, st);
	if (m->owner == OWNER_OURS && is_stanza(kind)) {
		m->received++;
		if (st->kind != STANZA_SKIPPED && envelope_is_returnable(st)) {
			st->is_returnable = true;
			numbers_push(&m->unhandled, m->received);
		}
	}
	return true;
}

void
management_proven(struct management *m, uint64_t returnable)
{
	for (; m->proven < returnable; m->proven++) {
		if (m->stale > 0)
			m->stale--;
		else
			must(numbers_shift(&m->unhandled));
	}
	if (m->unhandled.first == m->unhandled.n)
		numbers_fini(&m->unhandled);
}

/* ---- time ---- */

/* The client is bound, or is not and will not be, or it has taken too long. */
static void
let_go(struct management *m, const struct upstream_offer *offer, ms_t now)
{
	struct stanza_queue held;
	struct stanza *st;

	if (m->held.count == 0 || (is_waiting(m, offer) && now < m->held_until))
		return;
	if (now >= m->held_until)
		m->owner = OWNER_OFF;
	settle_owner(m, offer);
	stanza_queue_init(&held);
	stanza_queue_move(&held, &m->held);
	m->held_until = MS_NEVER;
	while ((st = stanza_queue_shift(&held)) != NULL)
		pass(m, &st);
}

void
management_settle(struct management *m, const struct upstream_offer *offer, ms_t now)
{
	let_go(m, offer, now);
	if (!is_ack_due(m) || now < m->ack_at)
		return;
	push_answer(m);
	m->ack_at = now + ACK_APART;
	/* How far the server has come is asked for when there is something to be said anyway. */
	if (m->sent != m->answered && !m->has_asked) {
		push_text(&m->up, "<r xmlns='" XML_NS_SM "'/>");
		m->has_asked = true;
	}
}

ms_t
management_deadline(const struct management *m)
{
	return ms_min(m->held_until, is_ack_due(m) ? m->ack_at : MS_NEVER);
}

void
management_end(struct management *m)
{
	if (m->owner == OWNER_OURS)
		push_answer(m);
	m->stale += m->unhandled.n - m->unhandled.first;
	forget(m);
	begin(m);
}

/* ---- what comes of it ---- */

struct stanza *
management_next_up(struct management *m)
{
	return stanza_queue_shift(&m->up);
}

struct stanza *
management_next_down(struct management *m)
{
	return stanza_queue_shift(&m->down);
}

bool
management_is_ours(const struct management *m)
{
	return m->owner == OWNER_OURS;
}

bool
management_is_client_inactive(const struct management *m)
{
	return m->is_client_inactive;
}

uint32_t
management_unhandled(const struct management *m)
{
	return m->owner == OWNER_OURS ? m->received - handled(m) : 0;
}

uint32_t
management_unanswered(const struct management *m)
{
	return m->sent - m->answered;
}

size_t
management_queued(const struct management *m)
{
	return stanza_queue_cost(&m->held) + (m->unhandled.room * sizeof *m->unhandled.v);
}
