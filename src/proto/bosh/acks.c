#include "proto/bosh/acks.h"

/* An answer that the client has not heard after so long is worth a word; before, it may well be on its way (9.2). */
#define REPORT_AFTER 2000
/* The schema's largest number for "time". */
#define TIME_MAX 65535

uint64_t
acks_heard(const struct acks *a, const struct body *body)
{
	if (!a->is_on)
		return 0;
	/* "... if it has received responses to all its previous requests" there is none. */
	return body->has_ack ? body->ack : body->rid - 1;
}

void
acks_note(struct acks *a, const struct ring *ring, const struct ring_slot *slot, ms_t now)
{
	const struct ring_slot *missing;

	if (!a->is_on)
		return;
	/* Nobody can have heard what was not said. */
	if (slot->heard > a->heard && slot->heard < ring->answer_rid)
		a->heard = slot->heard;
	if (a->missing <= a->heard)
		a->missing = 0;
	missing = ring_find(ring, slot->heard + 1);
	if (missing != NULL && missing->state == SLOT_ANSWERED && missing->rid > a->reported &&
		now - missing->answered_at >= REPORT_AFTER)
		a->missing = missing->rid;
}

bool
acks_is_said(const struct acks *a, const struct ring_slot *slot)
{
	return a->is_on && slot->heard != slot->rid - 1;
}

/* Up to which rid nothing is open besides this request; it may be below 1. */
static int64_t
closed_up_to(const struct ring_slot *slot, unsigned margin)
{
	return (int64_t) slot->rid - (int64_t) margin - (slot->is_extra ? 1 : 0);
}

bool
acks_excludes(const struct acks *a, const struct ring_slot *slot, unsigned margin, uint64_t older)
{
	/* 9.2: without a word it has the answers to all. */
	return a->is_on ? !acks_is_said(a, slot) : (int64_t) older <= closed_up_to(slot, margin);
}

/*
 * Without acknowledgements.  A client has at most "requests" of them open, and
 * one more to pause or terminate (11).  All that we know send the next rid
 * only when the oldest that is open lies less than "requests" below it:
 * Strophe measures just that; stanza has two connections that take turns, so
 * that at most one other is open; a client with a hold of two has three.  So
 * when n is there, nothing is open up to n - margin: these answers are read.
 */
uint64_t
acks_proven(const struct acks *a, const struct ring *ring, const struct ring_slot *slot, unsigned margin)
{
	int64_t closed = closed_up_to(slot, margin);

	if (a->is_on)
		return a->heard;
	/* Who has more of them open, answers to which were not even sent, goes by no rule. */
	return closed > 0 && (uint64_t) closed < ring->answer_rid ? (uint64_t) closed : 0;
}

/* 9.1: "the value of the highest 'rid' attribute it has received in the case where it has also received all ... lower" */
static uint64_t
received(const struct ring *ring)
{
	return ring->next_rid - 1;
}

bool
acks_has_news(const struct acks *a, const struct ring *ring, const struct ring_slot *slot)
{
	return a->is_on && (received(ring) != slot->rid || a->missing != 0);
}

void
acks_write_received(const struct acks *a, const struct ring *ring, const struct ring_slot *slot, struct buf *out)
{
	if (a->is_on && received(ring) != slot->rid)
		buf_printf(out, " ack='%llu'", (unsigned long long) received(ring));
}

void
acks_write(struct acks *a, const struct ring *ring, const struct ring_slot *slot, ms_t now, struct buf *out)
{
	const struct ring_slot *missing;
	ms_t ago;

	acks_write_received(a, ring, slot, out);
	if (a->missing == 0 || slot->gone)
		return;
	missing = ring_find(ring, a->missing);
	a->missing = 0;
	/* It may be held again: nobody has read that answer, nor will. */
	if (missing == NULL || missing->state != SLOT_ANSWERED)
		return;
	ago = now - missing->answered_at;
	buf_printf(out, " report='%llu' time='%lld'", (unsigned long long) missing->rid,
		(long long) (ago < TIME_MAX ? ago : TIME_MAX));
	a->reported = missing->rid;
}
