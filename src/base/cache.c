#include "base/cache.h"

#include <stdlib.h>

#include "base/fatal.h"

struct entry {
	struct list link;
	struct hash_link by_key;
	ms_t until;
	char *key;
	void *value;
	size_t n; /* bytes of the value */
};

void
cache_init(struct cache *c, size_t max, uint64_t seed)
{
	must(max > 0);
	*c = (struct cache){.max = max};
	hash_init(&c->by_key, seed);
	list_init(&c->entries);
}

static void
drop(struct cache *c, struct entry *e)
{
	hash_remove(&c->by_key, &e->by_key);
	list_remove(&e->link);
	c->n--;
	free(e->key);
	free(e->value);
	free(e);
}

void
cache_clear(struct cache *c)
{
	while (!list_is_empty(&c->entries))
		drop(c, list_entry(c->entries.next, struct entry, link));
}

void
cache_fini(struct cache *c)
{
	cache_clear(c);
	hash_fini(&c->by_key);
}

static struct entry *
find(const struct cache *c, struct slice key)
{
	struct hash_link *link = hash_find(&c->by_key, key);

	return link != NULL ? hash_entry(link, struct entry, by_key) : NULL;
}

void
cache_forget(struct cache *c, struct slice key)
{
	struct entry *e = find(c, key);

	if (e != NULL)
		drop(c, e);
}

void
cache_put(struct cache *c, struct slice key, struct slice value, ms_t until)
{
	struct entry *e;

	cache_forget(c, key);
	if (c->n == c->max)
		drop(c, list_entry(c->entries.next, struct entry, link));
	e = xcalloc(1, sizeof *e);
	e->key = xstrndup(key.p, key.n);
	e->value = xmalloc(value.n > 0 ? value.n : 1);
	if (value.n > 0)
		memcpy(e->value, value.p, value.n);
	e->n = value.n;
	e->until = until;
	hash_insert(&c->by_key, &e->by_key, slice_of(e->key, key.n));
	list_append(&c->entries, &e->link);
	c->n++;
}

bool
cache_find(const struct cache *c, struct slice key, ms_t now, struct slice *value)
{
	const struct entry *e = find(c, key);

	if (e == NULL || now >= e->until)
		return false;
	*value = slice_of(e->value, e->n);
	return true;
}
