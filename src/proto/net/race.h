/*
 * race.h: whom to try next to reach a server, and for how long: candidates
 * and time in, the next attempt out.  Pure: whoever asks has the names, the
 * addresses and the sockets, and counts them as here.
 *
 *      race_init -> race_next -> RACE_RESOLVE the first server's name
 *                                    |
 *      race_resolved(n) -> race_next -> RACE_CONNECT to its first address
 *                                    |  fails, or takes too long
 *                          race_next -> RACE_CONNECT to its second ... RACE_RESOLVE the next server's name ... RACE_LOST
 *
 * Servers are tried in their order, each with its addresses in theirs.  What
 * is left of the time is shared by those that are left: so many addresses of
 * the server at hand, and each server behind it as one.  The last has all.
 */
#ifndef CULVERT_PROTO_NET_RACE_H
#define CULVERT_PROTO_NET_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ms.h"

#define RACE_MIN_ATTEMPT 1000 /* ms an attempt gets, however many wait behind it */

struct race {
	size_t n_servers, servers; /* so many of them have begun */
	size_t n_addresses, addresses;
	ms_t give_up_at;
};

enum race_step {
	RACE_LOST,    /* nobody is left */
	RACE_RESOLVE, /* the server's name, then race_resolved() */
	RACE_CONNECT, /* to the server's address */
};

struct race_attempt {
	enum race_step step;
	size_t server, address; /* counted from 0; the address among those of the server */
	ms_t until;             /* when it has failed, without an answer; MS_NEVER: not by time */
};

/* timeout 0: as long as an attempt takes. */
void race_init(struct race *r, size_t n_servers, ms_t timeout, ms_t now);
/* The attempt that follows the one that failed, or the first. */
struct race_attempt race_next(struct race *r, ms_t now);
/* So many addresses has the server whose name was to be resolved; 0: none, and that has failed. */
void race_resolved(struct race *r, size_t n);
/* The time that passed was not the servers': all get so much more. */
void race_add_time(struct race *r, ms_t more);
/* Is there no time left, whoever is? */
bool race_is_over(const struct race *r, ms_t now);

#endif
