#include "unit.h"

#include <stdio.h>

#include "base/cache.h"

static bool
has(const struct cache *c, const char *key, ms_t now, const char *value)
{
	struct slice found;

	if (!cache_find(c, slice_str(key), now, &found))
		return false;
	assert_true(slice_eq(found, slice_str(value)));
	return true;
}

static void
for_a_time(void **state)
{
	struct cache c;

	(void) state;
	cache_init(&c, 4, 1);
	assert_false(has(&c, "a", 0, ""));
	cache_put(&c, SLICE("a"), SLICE("one"), 100);
	cache_put(&c, SLICE("b"), SLICE_NONE, MS_NEVER);
	assert_true(has(&c, "a", 99, "one"));
	assert_false(has(&c, "a", 100, "one"));
	assert_true(has(&c, "b", 100000, ""));
	/* Anew, in place of what was. */
	cache_put(&c, SLICE("a"), SLICE("two"), 200);
	assert_true(has(&c, "a", 100, "two"));
	assert_int_equal(c.n, 2);
	cache_forget(&c, SLICE("a"));
	cache_forget(&c, SLICE("a"));
	assert_false(has(&c, "a", 100, ""));
	cache_clear(&c);
	assert_false(has(&c, "b", 100, ""));
	assert_int_equal(c.n, 0);
	cache_fini(&c);
}

/* It never has more than its maximum; the oldest goes first. */
static void
bounded(void **state)
{
	struct cache c;
	char key[16];

	(void) state;
	cache_init(&c, 100, 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "%d", i);
		cache_put(&c, slice_str(key), slice_str(key), MS_NEVER);
		assert_true(c.n <= 100);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "%d", i);
		assert_int_equal(has(&c, key, 0, key), i >= 900);
	}
	cache_fini(&c);
}

/* A key may hold any bytes. */
static void
any_bytes(void **state)
{
	struct cache c;
	struct slice found;

	(void) state;
	cache_init(&c, 4, 1);
	cache_put(&c, slice_of("a\0b", 3), slice_of("\0", 1), 10);
	assert_true(cache_find(&c, slice_of("a\0b", 3), 0, &found));
	assert_int_equal(found.n, 1);
	assert_false(cache_find(&c, slice_of("a\0c", 3), 0, &found));
	assert_false(cache_find(&c, SLICE("a"), 0, &found));
	cache_fini(&c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_a_time),
		cmocka_unit_test(bounded),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
