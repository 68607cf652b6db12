/*
 * pool.h: how much memory the HTTP library gets for a connection: for a
 * request's head, and the start of its body.  All of it is touched with the
 * first answer.
 *
 * Heads do not grow much from one request of a browser to the next, so the
 * first one tells how much there must be; a proxy's connection carries
 * anybody's.  What does not fit is answered with 431, the connection is
 * closed, and the client's next one has more.
 */
#ifndef CULVERT_IO_POOL_H
#define CULVERT_IO_POOL_H

#include <stdbool.h>
#include <stddef.h>

enum pool {
	POOL_SHORT, /* cookies of 3.8 KB pass */
	POOL_USUAL, /* 7.9 KB */
	POOL_LONG,  /* 16 KB */
	POOLS,
};

static inline size_t
pool_bytes(enum pool pool)
{
	static const size_t bytes[POOLS] = {8192, 16384, 32768};

	return bytes[pool];
}

/* n_head: bytes of the first head, 0 when nobody knows. */
static inline enum pool
pool_choose(size_t n_head, bool is_proxy)
{
	if (n_head > 4096)
		return POOL_LONG;
	return n_head == 0 || n_head > 2048 || is_proxy ? POOL_USUAL : POOL_SHORT;
}

#endif
