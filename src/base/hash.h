/*
 * hash.h: a table keyed by bytes.  The links live in the members, the key in
 * whatever the member owns; the seed is an argument, so that nobody who
 * chooses keys can choose collisions.  Grows by doubling; never shrinks.
 */
#ifndef CULVERT_BASE_HASH_H
#define CULVERT_BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

struct hash_link {
	struct hash_link *next;
	struct slice key; /* borrowed from the member, which must outlive its place in the table */
	uint64_t value;
};

struct hash {
	struct hash_link **bucket;
	size_t n_buckets, n;
	uint64_t seed;
};

#define hash_entry(link, type, member) ((type *) (void *) ((char *) (link) -offsetof(type, member)))

void hash_init(struct hash *h, uint64_t seed);
/* Frees the table, not the members. */
void hash_fini(struct hash *h);
/* The key must not be in the table yet. */
void hash_insert(struct hash *h, struct hash_link *link, struct slice key);
/* NULL when there is none. */
struct hash_link *hash_find(const struct hash *h, struct slice key);
/* The link must be in the table. */
void hash_remove(struct hash *h, struct hash_link *link);

#endif
