/*
 * pool.h: how much memory the HTTP library gets for a connection: for a
 * request's head (upgrade.h says how much room that needs), the head of the
 * answer, and a piece of a body.  All of it is touched with the first answer.
 *
 * Heads do not grow much from one request of a browser to the next, so the
 * first one tells how much there must be: twice its room, if that is to be
 * had; a proxy's connection carries anybody's.  When a later one does not fit
 * the connection is closed, and the client's next one has more.
 */
#ifndef CULVERT_IO_POOL_H
#define CULVERT_IO_POOL_H

#include <stdbool.h>
#include <stddef.h>

enum pool {
	POOL_SHORT, /* one cookie of 3.8 KB passes */
	POOL_USUAL, /* 7.9 KB */
	POOL_LONG,  /* 15.5 KB; more would be a mapping of its own each, of which the kernel gives 65,530 */
	POOLS,
};

static inline size_t
pool_bytes(enum pool pool)
{
	static const size_t bytes[POOLS] = {8192, 16384, 32768};

	return bytes[pool];
}

/* What the head of an answer needs; pages have the longest. */
#define POOL_ANSWER 1024

/* room: what the first head needs. */
static inline enum pool
pool_choose(size_t room, bool is_proxy)
{
	enum pool pool = is_proxy ? POOL_USUAL : POOL_SHORT;

	while (pool < POOL_LONG && 2 * room > pool_bytes(pool))
		pool++;
	return pool;
}

#endif
