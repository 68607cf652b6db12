/*
 * wipe.h: memory that is given back does not keep what somebody said in it: a
 * password, or the id of a session.  What has just been written or read costs
 * next to nothing to be wiped.  Of a large piece only the beginning is: it has
 * all of a password, and a longer secret is of no use without it.
 */
#ifndef CULVERT_BASE_WIPE_H
#define CULVERT_BASE_WIPE_H

#include <stddef.h>
#include <string.h>

#define WIPE_MAX 2048

/* p may be NULL when n is 0. */
static inline void
wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n < WIPE_MAX ? n : WIPE_MAX);
}

#endif
