/*
 * turns.h: who is served next when more wait than can be served: each address
 * in turn, so that who comes a thousand times waits for himself and not the
 * others for him.  Quick ones come first, three of four times.
 *
 *      turns_wait(t, turn, address, quick)  -- waits -->  turns_next(t)  -- is served -->  turns_done(t, turn)
 *
 * How many may wait, in all and of one address, and how many of one address
 * may be served at a time, is bounded.
 */
#ifndef CULVERT_BASE_TURNS_H
#define CULVERT_BASE_TURNS_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/network.h"

struct turns_address;

/* Embedded in who waits. */
struct turn {
	struct list link;
	struct turns_address *of;
};

struct turns_rules {
	unsigned waiting; /* in all */
	unsigned waiting_each, served_each;
};

struct turns {
	struct turns_rules rules;
	struct hash addresses;
	struct list rotation[2]; /* addresses that wait and may be served; the quick ones' first */
	unsigned waiting;
	unsigned quick; /* that were served since one was not */
};

/* The seed is a secret: addresses that meet in the table cannot be chosen. */
void turns_init(struct turns *t, const struct turns_rules *rules, uint64_t seed);
/* Nobody must wait or be served any more. */
void turns_fini(struct turns *t);

/*
 * Somebody waits.  Of IPv6 the first 64 bits of the address count; NULL: nobody
 * knows it, or it is a proxy's, and the bounds of one address do not hold.
 * False when too many wait already.
 */
bool turns_wait(struct turns *t, struct turn *turn, const unsigned char *address, bool is_quick);
/* Whose turn it is, or NULL when nobody may be served now. */
struct turn *turns_next(struct turns *t);
/* Who was served, or waited in vain. */
void turns_done(struct turns *t, struct turn *turn);
/* Would somebody else of its address be served if this one, who is served, were done? */
bool turns_is_in_the_way(const struct turns *t, const struct turn *turn);
/* Somebody who waits, whatever the bounds; to be called until it is NULL, when all is to end. */
struct turn *turns_any(struct turns *t);

static inline bool
turns_are_waiting(const struct turns *t)
{
	return !list_is_empty(&t->rotation[0]) || !list_is_empty(&t->rotation[1]);
}

#endif
