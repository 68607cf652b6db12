/*
 * patience.h: overactivity (XEP-0124, 11, 12, 14.3): too many requests at a time,
 * empty ones too soon after each other, the same one again and again.  A
 * client that does so is slowed: there are some that keep "requests" of them
 * open at all times, and networks hold requests back and then let them go
 * together.  Only a flood is too much.
 */
#ifndef CULVERT_PROTO_BOSH_PATIENCE_H
#define CULVERT_PROTO_BOSH_PATIENCE_H

#include "proto/bosh/ring.h"
#include "proto/bosh/terms.h"

struct patience {
	unsigned violations;
	ms_t since;
};

/* A new request came in, which has no slot yet.  A reason: the client has gone too far. */
enum closing
patience_new(struct patience *p, const struct terms *terms, const struct ring *ring, const struct body *body, ms_t now);
/*
 * Until when the oldest request may be held when this one, just taken up and
 * without payload, makes one more than "hold".  Mostly that is now; but when
 * there were many of these in a short time, an answer at once would be followed
 * by another.  The same for one that polls too soon.
 */
ms_t patience_release(const struct patience *p, const struct terms *terms, const struct ring *ring,
	const struct ring_slot *slot, ms_t now);
/* A request came in again. */
enum closing patience_repeat(struct ring_slot *slot, ms_t now);

/* 11: may there be one request more than "requests" if it is this one? */
static inline bool
patience_is_extra(const struct body *body)
{
	return slice_eq(body->type, SLICE("terminate")) || body->has_pause;
}

#endif
