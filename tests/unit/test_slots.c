/* Names that are never given twice. */
#include "unit.h"

#include "base/slots.h"

static void
names(void **state)
{
	struct slots s = {.v = NULL};
	int a, b, c;
	uint64_t ga, gb, gc;
	uint32_t sa, sb, sc, i = 0;

	(void) state;
	assert_null(slots_find(&s, 0, 0));
	assert_null(slots_next(&s, &i));
	sa = slots_add(&s, &a, &ga);
	sb = slots_add(&s, &b, &gb);
	assert_int_not_equal(sa, sb);
	assert_true(ga != 0 && gb != 0 && ga != gb);
	assert_ptr_equal(slots_find(&s, sa, ga), &a);
	assert_ptr_equal(slots_find(&s, sb, gb), &b);
	assert_null(slots_find(&s, sa, gb));
	assert_null(slots_find(&s, sa, 0));
	assert_null(slots_find(&s, 1000, ga));
	assert_null(slots_find(&s, UINT32_MAX, ga));

	/* The slot comes back, the name does not. */
	slots_remove(&s, sa);
	assert_null(slots_find(&s, sa, ga));
	sc = slots_add(&s, &c, &gc);
	assert_int_equal(sc, sa);
	assert_true(gc != ga && gc != gb);
	assert_null(slots_find(&s, sa, ga));
	assert_ptr_equal(slots_find(&s, sc, gc), &c);

	i = 0;
	assert_ptr_equal(slots_next(&s, &i), &c);
	assert_ptr_equal(slots_next(&s, &i), &b);
	assert_null(slots_next(&s, &i));
	slots_fini(&s);
	assert_null(slots_find(&s, sb, gb));
}

/* As many as there are, added and removed in any order. */
static void
many(void **state)
{
	enum { MANY = 1000 };
	static int item[MANY];
	static uint32_t slot[MANY];
	static uint64_t generation[MANY];
	struct slots s = {.v = NULL};
	unsigned n = 0, seen = 0;
	uint32_t x = 7, i = 0;

	(void) state;
	for (int round = 0; round < 20000; round++) {
		unsigned k;
		x = x * 1664525 + 1013904223;
		k = (x >> 8) % MANY;
		if (generation[k] == 0) {
			slot[k] = slots_add(&s, &item[k], &generation[k]);
			n++;
		} else {
			assert_ptr_equal(slots_find(&s, slot[k], generation[k]), &item[k]);
			slots_remove(&s, slot[k]);
			assert_null(slots_find(&s, slot[k], generation[k]));
			generation[k] = 0;
			n--;
		}
	}
	while (slots_next(&s, &i) != NULL)
		seen++;
	assert_int_equal(seen, n);
	for (unsigned k = 0; k < MANY; k++)
		if (generation[k] != 0)
			assert_ptr_equal(slots_find(&s, slot[k], generation[k]), &item[k]);
	slots_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(many)};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
