/*
 * req.h: a request that waits for its answer, as a value.  It names the
 * worker whose connection it came on, a slot there, and how often the slot
 * has been used: an answer to a request that is gone finds nobody.
 */
#ifndef CULVERT_BASE_REQ_H
#define CULVERT_BASE_REQ_H

#include <stdbool.h>
#include <stdint.h>

struct req_id {
	uint32_t worker, slot;
	uint64_t generation; /* never 0 in a request that exists */
};

static inline bool
req_eq(struct req_id a, struct req_id b)
{
	return a.worker == b.worker && a.slot == b.slot && a.generation == b.generation;
}

#endif
