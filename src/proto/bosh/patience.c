#include "proto/bosh/patience.h"

/*
 * So many violations within this time are a flood: more than ten a second.
 *
 * DEVIATES: XEP-0124, 11 and 12 would end the session the first time.
 */
#define FLOOD 100
#define FLOOD_WITHIN 10000
/* From so many on, who makes them waits.  Not before: a client that waits has no connection left to speak on. */
#define BRISK 20
/* So many repeats of one request are borne that follow each other within this time. */
#define REPEATS 20
#define REPEATS_WITHIN 1000

/*
 * How many requests there are without an answer, this one included.  Those
 * whose connection is known gone get none, and are nobody's who waits: after
 * a page is loaded anew, the next one goes on with the next rid.
 */
static uint64_t
count_unanswered(const struct ring *ring, uint64_t rid)
{
	uint64_t n = 1;

	for (uint64_t before = ring->answer_rid; before < rid; before++) {
		const struct ring_slot *slot = ring_find(ring, before);
		n += slot == NULL || !slot->gone;
	}
	return n;
}

/*
 * 11: a sequence of new requests, none of which has been answered, longer
 * than "requests"; or as long, if the last is empty and came within "polling"
 * of the one before.  12: in a polling session, two empty ones within
 * "polling", the first of which was answered without payload.
 */
static enum closing
judge(const struct terms *terms, const struct ring *ring, const struct body *body, ms_t now)
{
	const struct ring_slot *before = ring_find(ring, body->rid - 1);
	uint64_t unanswered = count_unanswered(ring, body->rid);
	bool is_empty = body->payload.count == 0 && !body->restart;
	bool is_soon = before != NULL && now - before->arrived_at < terms->polling;

	if (patience_is_extra(body))
		return unanswered > terms->requests + 1 ? CLOSING_OVERACTIVE : CLOSING_NONE;
	if (unanswered > terms->requests)
		return CLOSING_OVERACTIVE;
	if (!is_empty || !is_soon)
		return CLOSING_NONE;
	if (unanswered == terms->requests)
		return CLOSING_POLLING;
	if (terms->is_polling && before->state == SLOT_ANSWERED && before->is_empty && !before->has_payload)
		return CLOSING_POLLING;
	return CLOSING_NONE;
}

enum closing
patience_new(struct patience *p, const struct terms *terms, const struct ring *ring, const struct body *body, ms_t now)
{
	enum closing closing = judge(terms, ring, body, now);

	if (closing == CLOSING_NONE)
		return CLOSING_NONE;
	if (now - p->since >= FLOOD_WITHIN)
		*p = (struct patience){.since = now};
	return ++p->violations > FLOOD ? closing : CLOSING_NONE;
}

ms_t
patience_release(const struct patience *p, const struct terms *terms, const struct ring *ring,
	const struct ring_slot *slot, ms_t now)
{
	const struct ring_slot *before = ring_find(ring, slot->rid - 1);

	if (!slot->is_empty || slot->has_pause)
		return now;
	if (!terms->is_polling)
		return now - p->since < FLOOD_WITHIN && p->violations > BRISK ? now + terms->polling : now;
	if (before == NULL || before->state != SLOT_ANSWERED || !before->is_empty || before->has_payload)
		return now;
	return ms_max(now, before->answered_at + terms->polling);
}

enum closing
patience_repeat(struct ring_slot *slot, ms_t now)
{
	slot->repeats = now - slot->repeated_at < REPEATS_WITHIN ? slot->repeats + 1 : 0;
	slot->repeated_at = now;
	return slot->repeats > REPEATS ? CLOSING_REPEATS : CLOSING_NONE;
}
