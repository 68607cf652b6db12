/*
 * stall.h: when may somebody be judged for being silent?  Not before we have
 * looked at what came by the deadline: we may have been late ourselves,
 * stopped or starved.  Then the other threads were, too, and what they have
 * to hand over is waited for, about as long again.
 *
 *      turn:   what came is read, somebody is overdue -- looks again, without sleeping
 *      turn:   what came is read, somebody still is   -- is judged; or, if we were late, after a while
 */
#ifndef CULVERT_BASE_STALL_H
#define CULVERT_BASE_STALL_H

#include <stdbool.h>

#include "base/ms.h"

struct stall {
	ms_t looked_at;  /* when the last look began: what had come by then has been read */
	ms_t wait_until; /* nobody is judged before; 0: nobody is overdue, or it is his own fault */
};

/*
 * To be called once per turn of a loop, when all that it has found is read
 * and before it looks again.  first is the earliest deadline of all.  True:
 * those that are due by *until may be judged.
 */
bool stall_is_over(struct stall *s, ms_t first, ms_t now, ms_t *until);
/* When the loop has to look again for a deadline; may be now or past. */
ms_t stall_wake(const struct stall *s, ms_t first);

#endif
