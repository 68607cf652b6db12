/*
 * cache.h: what was found out lately, by name: at most so many things, each
 * for a time of its own.  When it is full, the one that was put in first goes.
 */
#ifndef CULVERT_BASE_CACHE_H
#define CULVERT_BASE_CACHE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/ms.h"

struct cache {
	struct hash by_key;
	struct list entries; /* the oldest first */
	size_t n, max;
};

/* max: at least 1.  seed: as hash.h has it. */
void cache_init(struct cache *c, size_t max, uint64_t seed);
void cache_fini(struct cache *c);
/* Keeps a copy of the value until then, in place of what the key had. */
void cache_put(struct cache *c, struct slice key, struct slice value, ms_t until);
/* True: the value is borrowed until the next call that changes the cache, and aligned as what malloc gives. */
bool cache_find(const struct cache *c, struct slice key, ms_t now, struct slice *value);
void cache_forget(struct cache *c, struct slice key);
void cache_clear(struct cache *c);

#endif
