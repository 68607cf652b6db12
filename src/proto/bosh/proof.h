/*
 * proof.h: what a client is known to have.  Only its requests show that: not
 * that an answer was written, nor that a request came again.
 *
 *      a new rid n       the answers to all rids up to n - margin (acks.h)
 *      what it says      in a session with acknowledgements
 *      its first rid     the creation answer: the sid stands in there
 *
 * margin is "requests", and more when a page may have been loaded anew.  An
 * answer is forgotten when it is proven, or what it held waits again: nothing
 * falls between.
 */
#ifndef CULVERT_PROTO_BOSH_PROOF_H
#define CULVERT_PROTO_BOSH_PROOF_H

#include "proto/bosh/acks.h"
#include "proto/bosh/seek.h"

struct proof {
	unsigned margin;
	uint64_t first_rid;            /* of the creation request */
	uint64_t page_rid;             /* the requests of a page that was loaded anew begin here, at the latest */
	bool is_doubtful;              /* one may have been */
	struct stanza_tally confirmed; /* that the client is known to have */
	struct seeking seeking;
};

void proof_begin(struct proof *p, uint64_t first_rid, unsigned requests);
/*
 * A new request was taken up.  What it shows is counted; what no request can
 * show any more waits again, in front of the queue.
 */
void proof_request(
	struct proof *p, const struct acks *a, struct ring *ring, uint64_t rid, struct stanza_queue *down, ms_t now);
/* A request was repeated. */
void proof_repeat(struct proof *p, const struct acks *a, struct ring *ring, struct stanza_queue *down, ms_t now);
/* An answer went out: it held so many stanzas that are to be proven. */
void proof_answer(struct proof *p, size_t returnable, ms_t now);
/* May the client be a page that was loaded anew?  Until that is clear, only empty answers are given, and at once. */
bool proof_is_in_doubt(const struct proof *p, const struct ring *ring);
/* When a request that is held is to be answered, empty if need be, so that the client shows what it has. */
ms_t proof_due(const struct proof *p, const struct ring *ring);

#endif
