#include "proto/bosh/proof.h"

#define MARGIN_RELOADED 5 /* rids that the requests of a page which was loaded anew may be apart (Strophe's window) */

void
proof_begin(struct proof *p, uint64_t first_rid, unsigned requests)
{
	p->first_rid = first_rid;
	p->margin = requests;
}

/* A page was loaded anew, by all that can be known.  It may go on more freely than the one before. */
static void
note_page(struct proof *p, uint64_t rid)
{
	p->page_rid = rid;
	p->is_doubtful = false;
	if (p->margin < MARGIN_RELOADED)
		p->margin = MARGIN_RELOADED;
}

/*
 * This request comes while an older one has lost its connection, and is not
 * repeated.  The client repeats it later, or is a page that was loaded anew,
 * which knows nothing of answers that were on their way to the one before: no
 * later rid can prove those, and they wait again.  It is known which when the
 * older one is repeated, or when nobody who keeps to the rules could have come
 * so far without.
 *
 * Until then nothing but empty answers are given, and these at once, so that
 * the client goes on: nothing comes twice to who is still the same, or in the
 * wrong order to who is not.
 */
static void
doubt(struct proof *p, const struct acks *a, struct ring *ring, uint64_t rid, uint64_t abandoned,
	struct stanza_queue *down)
{
	if (acks_excludes(a, ring_at(ring, rid), p->margin, abandoned)) {
		ring_recall(ring, down);
		note_page(p, rid);
	} else {
		p->is_doubtful = true;
	}
}

bool
proof_is_in_doubt(const struct proof *p, const struct ring *ring)
{
	return p->is_doubtful && ring_abandoned(ring, p->page_rid, ring->next_rid) != 0;
}

/* Who says itself what it has is believed, loaded anew or not. */
static void
confirm(struct proof *p, const struct acks *a, struct ring *ring, uint64_t rid, struct stanza_queue *down)
{
	const struct ring_slot *s = ring_at(ring, rid);
	uint64_t proven = acks_proven(a, ring, s, p->margin), had = p->confirmed.returnable;
	uint64_t abandoned = acks_is_said(a, s) ? 0 : ring_abandoned(ring, p->page_rid, rid);

	if (rid > p->first_rid)
		ring_confirm(ring, p->first_rid, &p->confirmed);
	if (abandoned != 0 && ring->returnable > 0) {
		doubt(p, a, ring, rid, abandoned, down);
		return;
	}
	/* There is nothing to be had twice.  What is not proven by now never is. */
	if (abandoned != 0 && abandoned >= ring->answer_rid)
		ring_disclaim(ring);
	ring_confirm(ring, proven, &p->confirmed);
	if (abandoned != 0)
		note_page(p, rid);
	if (p->confirmed.returnable > had)
		seeking_begin(&p->seeking);
}

void
proof_request(
	struct proof *p, const struct acks *a, struct ring *ring, uint64_t rid, struct stanza_queue *down, ms_t now)
{
	confirm(p, a, ring, rid, down);
	seeking_moved(&p->seeking, now);
}

/* If it was the one in question, the client is who it was, and the last rid shows what it has. */
void
proof_repeat(struct proof *p, const struct acks *a, struct ring *ring, struct stanza_queue *down, ms_t now)
{
	if (!p->is_doubtful || proof_is_in_doubt(p, ring))
		return;
	p->is_doubtful = false;
	proof_request(p, a, ring, ring->next_rid - 1, down, now);
}

void
proof_answer(struct proof *p, size_t returnable, ms_t now)
{
	if (returnable > 0)
		seeking_begin(&p->seeking);
	seeking_moved(&p->seeking, now);
}

ms_t
proof_due(const struct proof *p, const struct ring *ring)
{
	if (ring->returnable == 0 || !ring_has_live(ring))
		return MS_NEVER;
	return seeking_due(&p->seeking, p->margin);
}
