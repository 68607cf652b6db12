/*
 * acks.h: acknowledgements (XEP-0124, 9), in a session whose client asked for
 * them: which answers it has, and which requests we have.
 */
#ifndef CULVERT_PROTO_BOSH_ACKS_H
#define CULVERT_PROTO_BOSH_ACKS_H

#include "base/buf.h"
#include "proto/bosh/ring.h"

struct acks {
	bool is_on;
	uint64_t heard;    /* the client has the answers to all rids up to this one; 0: nothing is known */
	uint64_t missing;  /* the client is to be told that it lacks the answer to this one; 0: none */
	uint64_t reported; /* the last that it has been told of */
};

/* What a request with this rid says about answers; 0 when acknowledgements are not used (9.2). */
uint64_t acks_heard(const struct acks *a, const struct body *body);
/* A request was taken up: what it says counts. */
void acks_note(struct acks *a, const struct ring *ring, const struct ring_slot *slot, ms_t now);
/*
 * Up to which rid the client has the answers, now that this new request was
 * taken up; 0: that is not known.  With acknowledgements it says so.  Without,
 * who may have so many requests open has the answers to all before them; a
 * repeat proves nothing, and an answer that was written does not either.
 */
uint64_t acks_proven(const struct acks *a, const struct ring *ring, const struct ring_slot *slot, unsigned margin);
/* Does the request say itself which answers the client has (9.2)?  Without a word it says: all. */
bool acks_is_said(const struct acks *a, const struct ring_slot *slot);
/* Can the request not be that of a client that still has to ask for the answer to an older one?  margin as above. */
bool acks_excludes(const struct acks *a, const struct ring_slot *slot, unsigned margin, uint64_t older);
/* Has the answer to this request anything to say beyond what its payload does? */
bool acks_has_news(const struct acks *a, const struct ring *ring, const struct ring_slot *slot);
/* Writes that: attributes of a <body/>. */
void acks_write(struct acks *a, const struct ring *ring, const struct ring_slot *slot, ms_t now, struct buf *out);
/* Of that, which requests we have. */
void acks_write_received(const struct acks *a, const struct ring *ring, const struct ring_slot *slot, struct buf *out);

#endif
