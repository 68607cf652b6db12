/*
 * req.h: a BOSH request that waits for its answer, as a value.  It names the
 * process and the worker that have its connection, a slot there, and how often
 * the slot has been used: an answer to a request that is gone finds nobody.
 */
#ifndef CULVERT_BASE_REQ_H
#define CULVERT_BASE_REQ_H

#include <stdbool.h>
#include <stdint.h>

/* Who has something, among all who share the work: a process by its generation, and a worker of it. */
struct owner {
	uint32_t generation, worker;
};

struct req_id {
	struct owner owner;
	uint32_t slot;
	uint64_t use; /* never 0 in a request that exists */
};

/* What happens to a request while it waits, or to its answer. */
enum req_event {
	REQ_GONE,   /* its client is gone, and has read no answer: one that was given meanwhile is not written */
	REQ_HURRY,  /* its client has sent more behind it on the same connection: it waits for the answer */
	REQ_UNSENT, /* so many bytes of a large answer are on their way, or, below zero, not any more */
	REQ_MOVES, /* bytes of it come, or bytes of its answer go: it will take a while, in which its client is not idle */
	REQ_RESTS, /* not any more; once for each of the former */
	REQ_SLOW,  /* they came too slowly, and no more of them are read: it was answered with CLOSING_SLOW_UPLOAD */
};

struct req_fate {
	enum req_event event;
	int64_t unsent; /* bytes, for REQ_UNSENT */
};

static inline bool
owner_eq(struct owner a, struct owner b)
{
	return a.generation == b.generation && a.worker == b.worker;
}

static inline bool
req_eq(struct req_id a, struct req_id b)
{
	return owner_eq(a.owner, b.owner) && a.slot == b.slot && a.use == b.use;
}

#endif
