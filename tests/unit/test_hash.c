#include "unit.h"

#include "base/hash.h"

struct member {
	char key[16];
	size_t n;
	struct hash_link link;
};

static struct slice
key_of(const struct member *m)
{
	return slice_of(m->key, m->n);
}

static void
name_member(struct member *m, unsigned i)
{
	m->n = (size_t) snprintf(m->key, sizeof m->key, "key-%u", i);
}

static void
insert_find_remove(void **state)
{
	enum { MANY = 3000 };
	static const uint64_t seeds[] = {0, 1, UINT64_MAX, 0x123456789abcdef0u};

	(void) state;
	for (size_t s = 0; s < COUNT(seeds); s++) {
		struct member *m = calloc(MANY, sizeof *m);
		struct hash h;
		hash_init(&h, seeds[s]);
		for (unsigned i = 0; i < MANY; i++) {
			name_member(&m[i], i);
			assert_null(hash_find(&h, key_of(&m[i])));
			hash_insert(&h, &m[i].link, key_of(&m[i]));
			assert_int_equal(h.n, i + 1);
		}
		/* The keys are found by their bytes, not by their address. */
		for (unsigned i = 0; i < MANY; i++) {
			struct slice copy = exact(key_of(&m[i]));
			struct hash_link *found = hash_find(&h, copy);
			assert_non_null(found);
			assert_ptr_equal(hash_entry(found, struct member, link), &m[i]);
			exact_free(copy);
		}
		for (unsigned i = 0; i < MANY; i += 2)
			hash_remove(&h, &m[i].link);
		assert_int_equal(h.n, MANY / 2);
		for (unsigned i = 0; i < MANY; i++)
			assert_int_equal(hash_find(&h, key_of(&m[i])) != NULL, i % 2 == 1);
		for (unsigned i = 0; i < MANY; i += 2)
			hash_insert(&h, &m[i].link, key_of(&m[i]));
		for (unsigned i = 0; i < MANY; i++)
			hash_remove(&h, &m[MANY - 1 - i].link);
		assert_int_equal(h.n, 0);
		hash_fini(&h);
		free(m);
	}
}

static void
keys_are_any_bytes(void **state)
{
	static const struct slice keys[] = {SLICE_INIT(""), SLICE_INIT("\0"), SLICE_INIT("\0\0"), SLICE_INIT("a"),
		SLICE_INIT("a\0"), SLICE_INIT("\0a"), SLICE_INIT("\xff"), SLICE_INIT("A")};
	struct member m[COUNT(keys)];
	struct hash h;

	(void) state;
	hash_init(&h, 42);
	for (size_t i = 0; i < COUNT(keys); i++) {
		assert_null(hash_find(&h, keys[i]));
		hash_insert(&h, &m[i].link, keys[i]);
	}
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_ptr_equal(hash_find(&h, keys[i]), &m[i].link);
	assert_ptr_equal(hash_find(&h, SLICE_NONE), &m[0].link);
	hash_fini(&h);
}

/* Regular keys must not end up in few buckets. */
static void
keys_are_spread(void **state)
{
	enum { MANY = 4096 };
	struct member *m = calloc(MANY, sizeof *m);
	struct hash h;
	size_t longest = 0;

	(void) state;
	hash_init(&h, 7);
	for (unsigned i = 0; i < MANY; i++) {
		name_member(&m[i], i);
		hash_insert(&h, &m[i].link, key_of(&m[i]));
	}
	assert_true(h.n_buckets >= MANY);
	for (size_t i = 0; i < h.n_buckets; i++) {
		size_t n = 0;
		for (struct hash_link *link = h.bucket[i]; link != NULL; link = link->next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_true(longest < 12);
	hash_fini(&h);
	free(m);
}

static void
seeds_differ(void **state)
{
	struct member m[2];
	struct hash a, b;

	(void) state;
	hash_init(&a, 1);
	hash_init(&b, 2);
	hash_insert(&a, &m[0].link, SLICE("same"));
	hash_insert(&b, &m[1].link, SLICE("same"));
	assert_true(m[0].link.value != m[1].link.value);
	hash_fini(&a);
	hash_fini(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(insert_find_remove),
		cmocka_unit_test(keys_are_any_bytes),
		cmocka_unit_test(keys_are_spread),
		cmocka_unit_test(seeds_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
