#include "unit.h"

#include "proto/xml/primer.h"

static unsigned n_freed;

static void
count_freed(void *parser)
{
	(void) parser;
	n_freed++;
}

static void
shared_by_text(void **state)
{
	struct primer_pool *pool = primer_pool_new();
	struct primer *a = primer_find(pool, SLICE("<r xmlns='u'>")), *b = primer_find(pool, SLICE("<r xmlns='v'>"));

	(void) state;
	assert_true(primer_is_shared(a));
	assert_slice(primer_text(a), "<r xmlns='u'>");
	assert_ptr_equal(primer_find(pool, SLICE("<r xmlns='u'>")), a);
	assert_ptr_not_equal(a, b);
	primer_unref(b, count_freed);
	primer_unref(a, count_freed);
	primer_unref(a, count_freed);
	primer_unref(NULL, count_freed);
	primer_pool_free(pool);
}

static void
lends_the_one_used_last(void **state)
{
	struct primer_pool *pool = primer_pool_new();
	struct primer *p = primer_find(pool, SLICE("<r>"));
	char parser[9];
	unsigned kept = 0;

	(void) state;
	assert_null(primer_take(p));
	assert_true(primer_lend(p, &parser[0]));
	assert_true(primer_lend(p, &parser[1]));
	assert_ptr_equal(primer_take(p), &parser[1]);
	assert_ptr_equal(primer_take(p), &parser[0]);
	assert_null(primer_take(p));
	while (kept < COUNT(parser) && primer_lend(p, &parser[kept]))
		kept++;
	assert_int_equal(kept, 8);
	n_freed = 0;
	primer_unref(p, count_freed);
	assert_int_equal(n_freed, kept);
	primer_pool_free(pool);
}

/* A server could give each stream another header: the search must not get long. */
static void
too_many(void **state)
{
	struct primer_pool *pool = primer_pool_new();
	struct primer *p[70], *again;
	char text[16];

	(void) state;
	for (size_t i = 0; i < COUNT(p); i++) {
		snprintf(text, sizeof text, "<r%zu>", i);
		p[i] = primer_find(pool, slice_str(text));
		assert_int_equal(primer_is_shared(p[i]), i < 64);
	}
	again = primer_find(pool, SLICE("<r69>"));
	assert_ptr_not_equal(again, p[69]);
	primer_unref(again, count_freed);
	primer_unref(p[0], count_freed);
	again = primer_find(pool, SLICE("<r69>"));
	assert_true(primer_is_shared(again));
	primer_unref(again, count_freed);
	for (size_t i = 1; i < COUNT(p); i++)
		primer_unref(p[i], count_freed);
	again = primer_find(NULL, SLICE("<r>"));
	assert_false(primer_is_shared(again));
	primer_unref(again, count_freed);
	primer_pool_free(pool);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_by_text),
		cmocka_unit_test(lends_the_one_used_last),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
