/*
 * keys.h: the key sequence of one BOSH session (XEP-0124, 15): each request
 * shows the value whose SHA-1 hash the one before it has shown.
 *
 *      newkey=K(n)   key=K(n-1)   key=K(n-2)  ...  key=K(1) newkey=L(m)   key=L(m-1)  ...
 *
 * Requests come in any order; they are checked in that of their rids.
 */
#ifndef CULVERT_PROTO_BOSH_KEYS_H
#define CULVERT_PROTO_BOSH_KEYS_H

#include <stdint.h>

#include "base/hooks.h"
#include "base/slice.h"

struct keys;

/* For a session that knows n rids at a time; until keys_turn() is told of one with a key, none is asked for. */
struct keys *keys_new(unsigned n, const struct hooks *hooks);
void keys_free(struct keys *k);

/* What a request said; unset slices where it said nothing. */
void keys_put(struct keys *k, uint64_t rid, struct slice key, struct slice newkey);
/* It is this request's turn.  False: its key does not continue the sequence. */
bool keys_turn(struct keys *k, uint64_t rid);
/* A repeat of a request whose turn has been must show the same key: it is an exact copy (14.3). */
bool keys_is_repeat(const struct keys *k, uint64_t rid, struct slice key);

#endif
