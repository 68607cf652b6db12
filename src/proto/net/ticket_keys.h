/*
 * ticket_keys.h: the keys that session tickets are locked by (RFC 5077): one
 * for new tickets, and those before it for as long as a ticket of theirs may
 * be used.  Who gets hold of them reads what was said under tickets of their
 * time, so they rotate.  Time is seconds of the wall clock, which all
 * processes of the machine have in common; chance is an argument.
 *
 *      newest  |  before  |  before that        each PERIOD seconds one step to the right
 */
#ifndef CULVERT_PROTO_NET_TICKET_KEYS_H
#define CULVERT_PROTO_NET_TICKET_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define TICKET_KEYS 3
#define TICKET_KEY_NAME 16
#define TICKET_KEY_BYTES 32
#define TICKET_KEYS_PERIOD (6 * 3600)
/* What a client is told: a ticket is good for as long at least. */
#define TICKET_LIFETIME ((TICKET_KEYS - 1) * TICKET_KEYS_PERIOD)

struct ticket_key {
	unsigned char name[TICKET_KEY_NAME]; /* stands in front of a ticket */
	unsigned char bytes[TICKET_KEY_BYTES];
	int64_t made_at; /* 0: there is none */
};

/* All zero to begin with. */
struct ticket_keys {
	struct ticket_key key[TICKET_KEYS]; /* the newest first */
};

/* Is it time for a new one?  Also when the clock was set back behind the newest. */
bool ticket_keys_are_due(const struct ticket_keys *k, int64_t now);
/* The newest becomes the one before; the oldest is wiped.  random: the new one's name and bytes. */
void
ticket_keys_rotate(struct ticket_keys *k, const unsigned char random[TICKET_KEY_NAME + TICKET_KEY_BYTES], int64_t now);
/* The one with this name, if a ticket of it may be used still; or NULL. */
const struct ticket_key *
ticket_keys_find(const struct ticket_keys *k, const unsigned char name[TICKET_KEY_NAME], int64_t now);

/*
 * For another process.  Big-endian: version (1), then each key: made_at (8),
 * name, bytes.
 */
#define TICKET_KEYS_ENCODED (1 + TICKET_KEYS * (8 + TICKET_KEY_NAME + TICKET_KEY_BYTES))
void ticket_keys_write(const struct ticket_keys *k, unsigned char out[TICKET_KEYS_ENCODED]);
/* False, changing nothing, when it is nothing of this version. */
bool ticket_keys_read(struct ticket_keys *k, struct slice bytes);

#endif
