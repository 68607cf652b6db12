/*
 * budget.h: the bytes that one worker keeps for all its peers together
 * (limits.buffer_total).  Whoever keeps some says how many, each time they
 * change.
 *
 *      0 ............ max ............ 2 max
 *        as you like |   tight        |  spent
 *                      nobody gets      whoever keeps more than
 *                      more than        BUDGET_SHORT has to go
 *                      BUDGET_SHORT
 *
 * Between the two is room for what has begun and cannot be stopped halfway.
 */
#ifndef CULVERT_BASE_BUDGET_H
#define CULVERT_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#define BUDGET_SHORT 16384

struct budget {
	size_t used, max; /* max 0: no limit */
};

static inline bool
budget_is_tight(const struct budget *b)
{
	return b->max > 0 && b->used > b->max;
}

static inline bool
budget_is_spent(const struct budget *b)
{
	return b->max > 0 && b->used / 2 > b->max;
}

/* Who has kept *held keeps now so many. */
static inline void
budget_move(struct budget *b, size_t *held, size_t now)
{
	b->used += now - *held;
	*held = now;
}

#endif
