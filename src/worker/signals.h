/* signals.h: signals as a descriptor to read them from. */
#ifndef CULVERT_WORKER_SIGNALS_H
#define CULVERT_WORKER_SIGNALS_H

#include <stddef.h>

/*
 * These n signals are blocked from here on, in this thread and those it starts,
 * and can be read from the descriptor that is returned, which is the caller's;
 * -1 with a reason in errno.  Peers that left, and a log that may not grow, are
 * errors of a call.
 */
int signals_open(const int *ours, size_t n);

#endif
