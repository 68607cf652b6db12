#include "proto/bosh/ending.h"

#include <stdlib.h>

#include "proto/bosh/body.h"

static const char empty[] = BODY_EMPTY;
static const char other_request[] = "<body xmlns='" BODY_NS "' type='terminate' condition='other-request'/>";
static const char not_found[] = "<body xmlns='" BODY_NS "' type='terminate' condition='item-not-found'/>";

void
ending_fini(struct ending *e)
{
	free(e->terminal);
}

void
ending_accuse(struct ending *e, struct req_id req)
{
	e->has_culprit = true;
	e->culprit = req;
}

void
ending_accuse_rid(struct ending *e, struct req_id req, uint64_t rid)
{
	ending_accuse(e, req);
	e->has_told_rid = true;
	e->told_rid = rid;
}

/* To one request at a time, when it is large: whoever asks again did not get it, or does not read. */
static void
tell(struct ending *e, struct answers *answers, struct req_id req)
{
	if (e->n_terminal >= ANSWER_LARGE && e->copies > 0)
		answers_push_cut(answers, e->copy);
	e->copies++;
	e->copy = req;
	answers_push(answers, req, e->status, slice_of(e->terminal, e->n_terminal));
}

static bool
is_waiting(const struct ring_slot *slot)
{
	return slot->state == SLOT_HELD || slot->state == SLOT_EARLY;
}

void
ending_begin(struct ending *e, char *terminal, size_t n, const struct ring *ring, struct answers *answers)
{
	/* 13: "On all other open connections ... an empty <body/> element"; 17.2: unless it was not their doing. */
	struct slice others = slice_of(empty, sizeof empty - 1);

	e->terminal = terminal;
	e->n_terminal = n;
	if (e->has_culprit) {
		tell(e, answers, e->culprit);
		others = slice_of(other_request, sizeof other_request - 1);
		e->is_told = true;
	}
	for (uint64_t rid = ring->answer_rid; rid < ring->answer_rid + ring->n; rid++) {
		const struct ring_slot *slot = ring_find(ring, rid);
		if (slot == NULL || !is_waiting(slot) || slot->gone)
			continue;
		if (e->is_told)
			answers_push(answers, slot->req, 200, others);
		else
			tell(e, answers, slot->req);
		e->is_told = true;
	}
}

bool
ending_gone(struct ending *e, struct req_id req)
{
	if (!e->is_told || e->copies != 1 || !req_eq(e->copy, req))
		return false;
	e->is_told = e->has_told_rid = false;
	e->copies = 0;
	return true;
}

/* Was this rid waiting when the session ended, or the one that learnt of the end? */
static bool
has_been_told(const struct ending *e, const struct ring *ring, uint64_t rid)
{
	const struct ring_slot *slot = ring_find(ring, rid);

	return e->is_told && ((e->has_told_rid && rid == e->told_rid) || (slot != NULL && is_waiting(slot)));
}

bool
ending_request(struct ending *e, const struct ring *ring, struct answers *answers, uint64_t rid, struct req_id req)
{
	if (!e->is_told) {
		e->is_told = true;
		e->has_told_rid = true;
		e->told_rid = rid;
		tell(e, answers, req);
		return true;
	}
	ending_refuse(e, answers, req, !has_been_told(e, ring, rid));
	return false;
}

void
ending_refuse(struct ending *e, struct answers *answers, struct req_id req, bool is_stranger)
{
	if (is_stranger)
		answers_push(answers, req, e->status_not_found, slice_of(not_found, sizeof not_found - 1));
	else
		tell(e, answers, req);
}
