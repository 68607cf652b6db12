#include "unit.h"

#include "base/flood.h"

static void
so_many_a_second(void **state)
{
	struct flood f = {.n = 0};
	const char *name;
	uint64_t left_out;
	unsigned written = 0;

	(void) state;
	for (unsigned i = 0; i < 1000; i++)
		written += flood_admit(&f, SLICE("request refused client=127.0.0.1 status=400"), 7);
	assert_int_equal(written, FLOOD_LINES);
	/* Another kind has its own count, and the second is not over. */
	assert_true(flood_admit(&f, SLICE("upgrade refused client=127.0.0.1"), 7));
	assert_true(flood_admit(&f, SLICE("culvert stops"), 7));
	assert_false(flood_next(&f, 7, &name, &left_out));
	assert_true(flood_next(&f, 8, &name, &left_out));
	assert_string_equal(name, "request refused");
	assert_int_equal(left_out, 1000 - FLOOD_LINES);
	assert_false(flood_next(&f, 8, &name, &left_out));
	assert_true(flood_admit(&f, SLICE("request refused client=127.0.0.1 status=400"), 8));
}

static void
more_of_sessions(void **state)
{
	struct flood f = {.n = 0};
	unsigned written = 0;

	(void) state;
	for (unsigned i = 0; i < 5000; i++)
		written += flood_admit(&f, SLICE("session closed session=1 reason=x"), 7);
	assert_int_equal(written, FLOOD_SESSION_LINES);
}

/* A clock that goes back is another second, too. */
static void
clock_back(void **state)
{
	struct flood f = {.n = 0};

	(void) state;
	for (unsigned i = 0; i < 2 * FLOOD_LINES; i++)
		flood_admit(&f, SLICE("a b=c"), 7);
	assert_true(flood_admit(&f, SLICE("a b=c"), 6));
}

static void
many_kinds(void **state)
{
	struct flood f = {.n = 0};
	char line[128];
	const char *name;
	uint64_t left_out, sum = 0;
	unsigned written = 0;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof line, "kind %u of a line with very many words before its first key a=b", i % 100);
		written += flood_admit(&f, slice_str(line), 7);
	}
	assert_int_equal(written, FLOOD_KINDS * FLOOD_LINES);
	while (flood_next(&f, 8, &name, &left_out))
		sum += left_out;
	assert_int_equal(written + sum, 20000);
	assert_true(flood_admit(&f, SLICE(""), 9));
	assert_true(flood_admit(&f, SLICE("=x"), 9));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_a_second),
		cmocka_unit_test(more_of_sessions),
		cmocka_unit_test(clock_back),
		cmocka_unit_test(many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
