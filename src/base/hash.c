#include "base/hash.h"

#include <stdlib.h>

#include "base/fatal.h"

#define HASH_FIRST_BUCKETS 16

/* FNV-1a over the seed and the key, with a final mix so that the low bits are good. */
static uint64_t
hash_value(uint64_t seed, struct slice key)
{
	uint64_t v = 0xcbf29ce484222325u ^ seed;

	for (size_t i = 0; i < key.n; i++)
		v = (v ^ (unsigned char) key.p[i]) * 0x100000001b3u;
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93u ^ (seed | 1);
	return v ^ (v >> 32);
}

void
hash_init(struct hash *h, uint64_t seed)
{
	*h = (struct hash){.n_buckets = HASH_FIRST_BUCKETS, .seed = seed};
	h->bucket = xcalloc(h->n_buckets, sizeof *h->bucket);
}

void
hash_fini(struct hash *h)
{
	free(h->bucket);
	h->bucket = NULL;
	h->n_buckets = 0;
	h->n = 0;
}

static struct hash_link **
place(const struct hash *h, uint64_t value)
{
	return &h->bucket[value & (h->n_buckets - 1)];
}

static void
grow(struct hash *h)
{
	struct hash_link **old = h->bucket;
	size_t n_old = h->n_buckets;

	h->n_buckets = n_old * 2;
	h->bucket = xcalloc(h->n_buckets, sizeof *h->bucket);
	for (size_t i = 0; i < n_old; i++) {
		struct hash_link *next;
		for (struct hash_link *link = old[i]; link != NULL; link = next) {
			struct hash_link **at = place(h, link->value);
			next = link->next;
			link->next = *at;
			*at = link;
		}
	}
	free(old);
}

void
hash_insert(struct hash *h, struct hash_link *link, struct slice key)
{
	struct hash_link **at;

	if (h->n >= h->n_buckets)
		grow(h);
	link->key = key;
	link->value = hash_value(h->seed, key);
	at = place(h, link->value);
	link->next = *at;
	*at = link;
	h->n++;
}

struct hash_link *
hash_find(const struct hash *h, struct slice key)
{
	uint64_t value = hash_value(h->seed, key);

	for (struct hash_link *link = *place(h, value); link != NULL; link = link->next)
		if (link->value == value && slice_eq(link->key, key))
			return link;
	return NULL;
}

void
hash_remove(struct hash *h, struct hash_link *link)
{
	struct hash_link **at = place(h, link->value);

	while (*at != link) {
		must(*at != NULL);
		at = &(*at)->next;
	}
	*at = link->next;
	link->next = NULL;
	h->n--;
}
