/*
 * budget.h: the bytes that the process keeps for all its peers together
 * (limits.buffer_total).  Whoever keeps some says how many, each time they
 * change.
 *
 *      0 ............ used ............ 3/4 max ........ max
 *                     |<-- is left -->|  only for little
 *                     nobody who keeps more than this gets more
 *
 * So one alone gets at most half of it, two a third each: a peer that eats all
 * it can only makes its own share small.  Whoever keeps more than his share may
 * go on keeping it; he is refused when he asks for more.  The last quarter is
 * for those who want little, such as new connections; when that is used up,
 * too, everybody gets next to nothing.
 *
 * Workers share one pool.  Each tells it only of what adds up to a noticeable
 * difference, so that counting costs no locked instruction for each message.
 */
#ifndef CULVERT_BASE_BUDGET_H
#define CULVERT_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_SHORT 16384  /* little: everybody's, while anything is left */
#define BUDGET_LITTLE 2048  /* next to nothing */
#define BUDGET_APART 65536u /* bytes by which a worker may differ from what the pool was told */

/* Of the process.  All zero: no limit. */
struct budget_pool {
	_Atomic size_t used;
	_Atomic size_t max; /* 0: no limit */
};

/* Of one worker, in its thread. */
struct budget {
	struct budget_pool *pool; /* NULL: nobody counts */
	size_t apart;             /* not told to the pool yet; "below zero" when it was told too much */
};

/* What all keep, as far as this worker knows: what others have not told yet is missing. */
static inline size_t
budget_used(const struct budget *b)
{
	size_t used = atomic_load_explicit(&b->pool->used, memory_order_relaxed) + b->apart;

	return used <= SIZE_MAX / 2 ? used : 0;
}

/* The most that anybody may keep who asks for more. */
static inline size_t
budget_share(const struct budget *b)
{
	size_t max = b->pool != NULL ? atomic_load_explicit(&b->pool->max, memory_order_relaxed) : 0;
	size_t used, for_many = max - max / 4;

	if (max == 0)
		return SIZE_MAX;
	used = budget_used(b);
	if (used >= max)
		return BUDGET_LITTLE;
	return used + BUDGET_SHORT < for_many ? for_many - used : BUDGET_SHORT;
}

/* Who keeps so many, the last of them counted already, asks for too much. */
static inline bool
budget_refuses(const struct budget *b, size_t keeps)
{
	return keeps > budget_share(b);
}

/* Who has kept *held keeps now so many. */
static inline void
budget_move(struct budget *b, size_t *held, size_t now)
{
	if (now == *held)
		return;
	b->apart += now - *held;
	*held = now;
	if (b->pool != NULL && b->apart + BUDGET_APART > 2 * BUDGET_APART) {
		atomic_fetch_add_explicit(&b->pool->used, b->apart, memory_order_relaxed);
		b->apart = 0;
	}
}

#endif
