#include "proto/bosh/ring.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wipe.h"

static const struct state states[] = {
	[SLOT_FREE] = {"free", STEP(SLOT_EARLY)},
	[SLOT_EARLY] = {"early", STEP(SLOT_HELD) | STEP(SLOT_FREE)},
	[SLOT_HELD] = {"held", STEP(SLOT_ANSWERED)},
	[SLOT_ANSWERED] = {"answered", STEP(SLOT_HELD) | STEP(SLOT_FREE)},
};

static void
set_state(const struct ring *s, struct ring_slot *slot, enum slot_state to)
{
	struct trace trace = {.log = s->trace->log, .kind = "rid", .number = slot->rid, .of = s->trace};

	state_step(states, "request", &trace, slot->state, to);
	slot->state = to;
}

static void
clear(struct ring_slot *slot)
{
	stanza_queue_fini(&slot->payload);
	if (slot->restart != NULL)
		stream_header_fini(slot->restart);
	free(slot->restart);
	wipe(slot->reply, slot->n_reply);
	free(slot->reply);
	parts_fini(&slot->parts);
	*slot = (struct ring_slot){.state = SLOT_FREE};
	stanza_queue_init(&slot->payload);
}

void
ring_init(struct ring *s, unsigned n, uint64_t rid, const struct trace *trace)
{
	s->trace = trace;
	s->n = n;
	s->v = xcalloc(n, sizeof *s->v);
	for (unsigned i = 0; i < n; i++)
		clear(&s->v[i]);
	s->next_rid = s->answer_rid = rid;
}

void
ring_fini(struct ring *s)
{
	for (unsigned i = 0; i < s->n; i++)
		clear(&s->v[i]);
	free(s->v);
}

struct ring_slot *
ring_find(const struct ring *s, uint64_t rid)
{
	struct ring_slot *slot = s->n > 0 ? ring_at(s, rid) : NULL;

	return slot != NULL && slot->state != SLOT_FREE && slot->rid == rid ? slot : NULL;
}

struct ring_slot *
ring_request(const struct ring *s, struct req_id req)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].state != SLOT_FREE && req_eq(s->v[i].req, req))
			return &s->v[i];
	return NULL;
}

static struct stream_header *
copy_header(const struct body *body)
{
	struct stream_header *h = xcalloc(1, sizeof *h);

	stream_header_set(h, body->to, body->from, body->lang, body->version, SLICE_NONE);
	return h;
}

struct ring_slot *
ring_fill(struct ring *s, struct body *body, struct req_id req, ms_t now)
{
	struct ring_slot *slot = ring_at(s, body->rid);

	ring_forget(s, slot);
	slot->rid = body->rid;
	set_state(s, slot, SLOT_EARLY);
	s->n_early++;
	slot->req = req;
	slot->arrived_at = slot->repeated_at = now;
	slot->restart = body->restart ? copy_header(body) : NULL;
	slot->terminate = slice_eq(body->type, SLICE("terminate"));
	slot->is_empty = body->payload.count == 0 && !body->restart;
	stanza_queue_move(&slot->payload, &body->payload);
	return slot;
}

struct ring_slot *
ring_take_up(struct ring *s)
{
	struct ring_slot *slot = ring_at(s, s->next_rid);

	must(slot->state == SLOT_EARLY && slot->rid == s->next_rid);
	set_state(s, slot, SLOT_HELD);
	s->n_early--;
	s->next_rid++;
	return slot;
}

struct ring_slot *
ring_answer(struct ring *s, ms_t now)
{
	struct ring_slot *slot = ring_at(s, s->answer_rid);

	must(slot->state == SLOT_HELD && slot->rid == s->answer_rid);
	set_state(s, slot, SLOT_ANSWERED);
	slot->answered_at = now;
	s->answer_rid++;
	return slot;
}

void
ring_reply(struct ring *s, struct ring_slot *slot, char *reply, size_t n, struct parts *parts)
{
	slot->reply = reply;
	slot->n_reply = n;
	slot->parts = *parts;
	*parts = (struct parts){.v = NULL};
	s->kept += n + parts_cost(&slot->parts);
	s->returnable += parts_returnable(&slot->parts);
}

/* Its parts are about to be let go, or taken back. */
static void
discount_parts(struct ring *s, const struct ring_slot *slot)
{
	s->kept -= parts_cost(&slot->parts);
	s->returnable -= parts_returnable(&slot->parts);
}

static void
drop_parts(struct ring *s, struct ring_slot *slot)
{
	discount_parts(s, slot);
	parts_fini(&slot->parts);
}

static void
drop_reply(struct ring *s, struct ring_slot *slot)
{
	s->kept -= slot->n_reply;
	wipe(slot->reply, slot->n_reply);
	free(slot->reply);
	slot->reply = NULL;
	slot->n_reply = 0;
}

void
ring_take_back(struct ring *s, struct ring_slot *slot, struct stanza_queue *down)
{
	must(slot->state == SLOT_ANSWERED && slot->rid == s->answer_rid - 1);
	set_state(s, slot, SLOT_HELD);
	s->answer_rid--;
	discount_parts(s, slot);
	parts_take_back(&slot->parts, slice_of(slot->reply, slot->n_reply), down);
	drop_reply(s, slot);
	slot->has_payload = slot->has_greeting = false;
}

void
ring_confirm(struct ring *s, uint64_t rid, struct stanza_tally *tally)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].parts.n > 0 && s->v[i].rid <= rid) {
			parts_count(&s->v[i].parts, tally);
			drop_parts(s, &s->v[i]);
		}
}

size_t
ring_recall(struct ring *s, struct stanza_queue *down)
{
	size_t had = down->count;

	/* From the youngest to the oldest: each goes in front. */
	for (uint64_t n = 1; n <= s->n && n <= s->answer_rid; n++) {
		struct ring_slot *slot = ring_find(s, s->answer_rid - n);
		if (slot == NULL || slot->parts.n == 0)
			continue;
		discount_parts(s, slot);
		parts_take_back(&slot->parts, slice_of(slot->reply, slot->n_reply), down);
	}
	return down->count - had;
}

void
ring_disclaim(struct ring *s)
{
	for (unsigned i = 0; i < s->n; i++)
		drop_parts(s, &s->v[i]);
}

uint64_t
ring_abandoned(const struct ring *s, uint64_t from, uint64_t below)
{
	uint64_t lowest = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct ring_slot *slot = &s->v[i];
		if (slot->gone && slot->rid >= from && slot->rid < below && (lowest == 0 || slot->rid < lowest))
			lowest = slot->rid;
	}
	return lowest;
}

bool
ring_has_unproven(const struct ring *s, uint64_t rid)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].parts.n > 0 && s->v[i].rid < rid)
			return true;
	return false;
}

void
ring_grow(struct ring *s, unsigned n)
{
	struct ring_slot *old = s->v;
	unsigned n_old = s->n;

	if (n <= n_old)
		return;
	s->v = xcalloc(n, sizeof *s->v);
	s->n = n;
	for (unsigned i = 0; i < n; i++)
		clear(&s->v[i]);
	for (unsigned i = 0; i < n_old; i++) {
		if (old[i].state == SLOT_FREE)
			continue;
		struct ring_slot *slot = ring_at(s, old[i].rid);
		*slot = old[i];
		stanza_queue_init(&slot->payload);
		stanza_queue_move(&slot->payload, &old[i].payload);
	}
	free(old);
}

void
ring_forget(struct ring *s, struct ring_slot *slot)
{
	drop_parts(s, slot);
	drop_reply(s, slot);
	if (slot->state == SLOT_EARLY)
		s->n_early--;
	set_state(s, slot, SLOT_FREE);
	clear(slot);
}

void
ring_forget_below(struct ring *s, uint64_t rid)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].state == SLOT_ANSWERED && s->v[i].rid < rid)
			ring_forget(s, &s->v[i]);
}

bool
ring_has_live(const struct ring *s)
{
	for (uint64_t rid = s->answer_rid; rid < s->next_rid; rid++)
		if (!ring_at(s, rid)->gone)
			return true;
	return false;
}

static bool
has_early(const struct ring *s)
{
	for (unsigned i = 0; s->n_early > 0 && i < s->n; i++)
		if (s->v[i].state == SLOT_EARLY && !s->v[i].gone)
			return true;
	return false;
}

bool
ring_has_waiting(const struct ring *s)
{
	return ring_has_live(s) || has_early(s);
}

bool
ring_is_overdue(const struct ring *s, ms_t now)
{
	for (uint64_t rid = s->answer_rid; rid < s->next_rid; rid++)
		if (!ring_at(s, rid)->gone && ring_at(s, rid)->deadline <= now)
			return true;
	return false;
}

ms_t
ring_deadline(const struct ring *s)
{
	ms_t deadline = MS_NEVER;

	for (uint64_t rid = s->answer_rid; rid < s->next_rid; rid++)
		if (!ring_at(s, rid)->gone)
			deadline = ms_min(deadline, ring_at(s, rid)->deadline);
	for (unsigned i = 0; s->n_early > 0 && i < s->n; i++)
		if (s->v[i].state == SLOT_EARLY && !s->v[i].gone)
			deadline = ms_min(deadline, s->v[i].deadline);
	return deadline;
}

size_t
ring_queued(const struct ring *s)
{
	size_t cost = 0;

	for (unsigned i = 0; s->n_early > 0 && i < s->n; i++)
		cost += stanza_queue_cost(&s->v[i].payload);
	return cost;
}

void
ring_discard(struct ring *s)
{
	for (unsigned i = 0; i < s->n; i++)
		stanza_queue_fini(&s->v[i].payload);
}
