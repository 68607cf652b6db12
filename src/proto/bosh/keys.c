#include "proto/bosh/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

/* What one request said. */
struct link {
	uint64_t rid; /* 0: none */
	bool has_key; /* hash is that of the key it showed */
	bool has_next, is_next_bad;
	uint8_t hash[HOOKS_SHA1], next[HOOKS_SHA1]; /* next: what the following request's key must hash to */
};

struct keys {
	const struct hooks *hooks;
	bool is_on, is_broken; /* broken: nothing can continue the sequence */
	uint8_t expected[HOOKS_SHA1];
	unsigned n;
	struct link link[];
};

struct keys *
keys_new(unsigned n, const struct hooks *hooks)
{
	struct keys *k = xcalloc(1, sizeof *k + n * sizeof k->link[0]);

	k->n = n;
	k->hooks = hooks;
	return k;
}

void
keys_free(struct keys *k)
{
	free(k);
}

/* 15.3: "Because case is not significant in hexadecimal encoding, key comparisons SHOULD be case insensitive." */
static bool
read_hex(struct slice text, uint8_t hash[HOOKS_SHA1])
{
	if (text.n != (size_t) 2 * HOOKS_SHA1)
		return false;
	for (size_t i = 0; i < HOOKS_SHA1; i++) {
		int high = slice_hex(text.p[2 * i]), low = slice_hex(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

void
keys_put(struct keys *k, uint64_t rid, struct slice key, struct slice newkey)
{
	struct link *link = &k->link[rid % k->n];
	/* 15.4: the next key is compared "to the 'newkey' attribute ... (or the 'key' attribute if [it] was not set)". */
	struct slice next = slice_is_set(newkey) ? newkey : key;

	*link = (struct link){.rid = rid, .has_key = slice_is_set(key), .has_next = slice_is_set(next)};
	if (link->has_key)
		k->hooks->sha1(k->hooks->arg, key, link->hash);
	if (link->has_next)
		link->is_next_bad = !read_hex(next, link->next);
}

bool
keys_turn(struct keys *k, uint64_t rid)
{
	struct link *link = &k->link[rid % k->n];

	/* It came early, and before the first key did: it had none. */
	if (link->rid != rid)
		*link = (struct link){.rid = rid};
	if (k->is_on && (k->is_broken || !link->has_key || memcmp(link->hash, k->expected, HOOKS_SHA1) != 0))
		return false;
	k->is_on = k->is_on || link->has_next;
	k->is_broken = link->is_next_bad;
	memcpy(k->expected, link->next, HOOKS_SHA1);
	return true;
}

bool
keys_is_repeat(const struct keys *k, uint64_t rid, struct slice key)
{
	const struct link *link = &k->link[rid % k->n];
	uint8_t hash[HOOKS_SHA1];

	/* Not known: of a time before the first key, or forgotten, as its answer is. */
	if (link->rid != rid)
		return true;
	if (!link->has_key || !slice_is_set(key))
		return link->has_key == slice_is_set(key);
	k->hooks->sha1(k->hooks->arg, key, hash);
	return memcmp(hash, link->hash, HOOKS_SHA1) == 0;
}
