/*
 * race.h: whom to try next to reach a server, when, and for how long
 * (RFC 8305): candidates and time in, the next attempt out.  Pure: whoever
 * asks has the names, the addresses and the sockets, and counts them as here.
 *
 *      race_add_server() for each  ->  race_next()
 *
 *      RACE_RESOLVE a server's name   ->  race_resolved(), with no address it has failed
 *      RACE_CONNECT to its address    ->  race_failed(), or race_lead(): this one is connected, and the others are put back
 *      RACE_WAIT    until then, unless one of these happens before
 *      RACE_LOST    nobody is left
 *
 * Servers are tried in their order, each with its addresses, IPv6 and IPv4 in
 * turn.  The next attempt begins when one fails, or some time after the last
 * has begun, without ending that one: a moment later when both have the same
 * rank, longer when it is of a lower one, who is there for want of others.
 * Whoever failed lately comes last.
 *
 * One that is connected still has to show that it is the right one, and until
 * it has failed nobody else is tried: race_lead() again at each step of its.
 *
 * Who leads has its share of what is left of the time; the last has all.
 */
#ifndef CULVERT_PROTO_NET_RACE_H
#define CULVERT_PROTO_NET_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ms.h"

#define RACE_DELAY 250        /* ms between the beginnings of two attempts (RFC 8305, 5) ... */
#define RACE_RANK_DELAY 1000  /* ... and before one of a lower rank */
#define RACE_PARALLEL 4       /* attempts under way at a time */
#define RACE_CROWDED 2000     /* ms that a connection may take where others wait for its place */
#define RACE_MIN_ATTEMPT 1000 /* ms that one who leads gets, however many wait behind it */

/* What is known of an address of a server. */
struct race_address {
	bool is_ip6;
	bool is_late; /* it failed lately */
};

struct race_candidate;

struct race {
	struct race_candidate *candidate; /* those that are left, in their order */
	size_t n, n_servers;
	size_t running;
	bool is_led;
	unsigned last_rank;
	size_t last_name; /* the server, if the last attempt was to resolve its name */
	ms_t last_at;     /* when the last attempt began; MS_NEVER: the next may at once */
	ms_t give_up_at;
};

enum race_kind {
	RACE_LOST,
	RACE_WAIT,
	RACE_RESOLVE,
	RACE_CONNECT,
};

struct race_step {
	enum race_kind kind;
	size_t server, address; /* counted from 0; the address among those of the server, as they were given */
	ms_t until;             /* WAIT; MS_NEVER: not by time */
};

/* timeout 0: as long as an attempt takes. */
void race_init(struct race *r, ms_t timeout, ms_t now);
void race_fini(struct race *r);
/* The next server in order, with its rank: as great as the last one's, or greater.  is_late: it failed lately. */
void race_add_server(struct race *r, unsigned rank, bool is_late);

/* What to do now.  An attempt counts as begun. */
struct race_step race_next(struct race *r, ms_t now);
/* So many addresses has the server whose name was to be resolved; 0: none, and that has failed. */
void race_resolved(struct race *r, size_t server, const struct race_address *address, size_t n);
/* The attempt at this address has failed, whatever came of it before. */
void race_failed(struct race *r, size_t server, size_t address);
/* This address is connected, or a step further.  Attempts at others are off, and may be begun again.  Returns its time. */
ms_t race_lead(struct race *r, size_t server, size_t address, ms_t now);
/* An attempt that has taken too long by now, as a step to resolve or connect; false when there is none. */
bool race_expired(const struct race *r, ms_t now, struct race_step *step);
/* The time that passed was not the servers': all get so much more. */
void race_add_time(struct race *r, ms_t more);
/* Is there somebody left beside the one that leads, and time for it? */
bool race_has_more(const struct race *r, ms_t now);
/* Is there no time left, whoever is? */
bool race_is_over(const struct race *r, ms_t now);

#endif
