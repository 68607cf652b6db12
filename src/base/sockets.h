/*
 * sockets.h: how many connections the process has, with clients and with
 * servers (limits.connections).  Whoever holds one counts it; any thread may.
 *
 *      clients ----- at most max_clients
 *      clients + others + servers ----- at most max_all: a client that could not be given a server is turned away first
 *
 * A client that comes by TLS takes two descriptors more, the others: with them
 * clients have at most three quarters of all.
 */
#ifndef CULVERT_BASE_SOCKETS_H
#define CULVERT_BASE_SOCKETS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/ms.h"

#define SOCKETS_NEWS_MS 60000
#define SOCKETS_REFUSED 16 /* clients above the limit that are told so; more are not listened to */

/* Of the process.  All zero: no limits. */
struct sockets {
	_Atomic unsigned clients, servers;
	_Atomic unsigned others;
	_Atomic unsigned max_clients, max_all; /* 0: no limit */
	_Atomic ms_t news_at;                  /* no line about a refusal before */
};

/* Are there so many that another client, and some more besides, would be too many? */
static inline bool
sockets_are_full(const struct sockets *q, unsigned besides)
{
	unsigned clients = q->clients, others = q->others, max_clients = q->max_clients, max_all = q->max_all;

	return (max_clients > 0 && clients >= max_clients + besides) ||
		(max_all > 0 && clients + others + q->servers >= max_all + besides) ||
		(max_all > 0 && others > 0 && clients + others >= max_all - max_all / 4 + besides);
}

/* Is a refusal worth a line in the log?  Once a minute, whoever is refused, and by which thread. */
static inline bool
sockets_is_news(struct sockets *q, ms_t now)
{
	ms_t before = q->news_at;

	return now >= before && atomic_compare_exchange_strong(&q->news_at, &before, now + SOCKETS_NEWS_MS);
}

#endif
