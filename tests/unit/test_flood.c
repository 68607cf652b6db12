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
		written += flood_admit(&f, false, SLICE("request refused client=127.0.0.1 status=400"), 7);
	assert_int_equal(written, FLOOD_LINES);
	/* Another kind has its own count, and the second is not over. */
	assert_true(flood_admit(&f, false, SLICE("upgrade refused client=127.0.0.1"), 7));
	assert_true(flood_admit(&f, false, SLICE("culvert stops"), 7));
	assert_false(flood_next(&f, 7, &name, &left_out));
	assert_true(flood_next(&f, 8, &name, &left_out));
	assert_string_equal(name, "request refused");
	assert_int_equal(left_out, 1000 - FLOOD_LINES);
	assert_false(flood_next(&f, 8, &name, &left_out));
	assert_true(flood_admit(&f, false, SLICE("request refused client=127.0.0.1 status=400"), 8));
}

static void
more_of_sessions(void **state)
{
	struct flood f = {.n = 0};
	unsigned written = 0;

	(void) state;
	for (unsigned i = 0; i < 5000; i++)
		written += flood_admit(&f, false, SLICE("session closed session=1 reason=x"), 7);
	assert_int_equal(written, FLOOD_SESSION_LINES);
}

/* A clock that goes back is another second, too. */
static void
clock_back(void **state)
{
	struct flood f = {.n = 0};

	(void) state;
	for (unsigned i = 0; i < 2 * FLOOD_LINES; i++)
		flood_admit(&f, false, SLICE("a b=c"), 7);
	assert_true(flood_admit(&f, false, SLICE("a b=c"), 6));
}

/* Whatever the kinds: so many in all, but for the first of each. */
static void
in_all(void **state)
{
	struct flood f = {.n = 0};
	char line[128];
	const char *name;
	uint64_t left_out, sum = 0;
	unsigned written = 0, first = 0;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof line, "session kind-%u a=b", i % 6);
		written += flood_admit(&f, false, slice_str(line), 7);
	}
	assert_int_equal(written, FLOOD_ALL_LINES);
	for (unsigned i = 0; i < 20; i++)
		first += flood_admit(&f, false, SLICE("culvert stops signal=TERM"), 7);
	assert_int_equal(first, FLOOD_FIRST_LINES);
	while (flood_next(&f, 8, &name, &left_out))
		sum += left_out;
	assert_int_equal(written + first + sum, 20020);
	assert_true(flood_admit(&f, false, SLICE("session kind-1 a=b"), 8));
}

/* They may be many, and take nobody's place. */
static void
debugging(void **state)
{
	struct flood f = {.n = 0};
	char line[128];
	const char *name;
	uint64_t left_out;
	unsigned written = 0;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof line, "state %u a=b", i % 100);
		written += flood_admit(&f, true, slice_str(line), 7);
	}
	assert_int_equal(written, FLOOD_DEBUG_LINES);
	assert_int_equal(f.n, 0);
	assert_true(flood_admit(&f, false, SLICE("session opened a=b"), 7));
	assert_false(flood_next(&f, 7, &name, &left_out));
	assert_true(flood_next(&f, 8, &name, &left_out));
	assert_string_equal(name, "debug");
	assert_int_equal(left_out, 20000 - FLOOD_DEBUG_LINES);
	assert_false(flood_next(&f, 8, &name, &left_out));
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
		written += flood_admit(&f, false, slice_str(line), 7);
	}
	assert_int_equal(f.n, FLOOD_KINDS);
	assert_in_range(written, FLOOD_ALL_LINES, FLOOD_ALL_LINES + FLOOD_KINDS * FLOOD_FIRST_LINES);
	while (flood_next(&f, 8, &name, &left_out))
		sum += left_out;
	assert_int_equal(written + sum, 20000);
	assert_true(flood_admit(&f, false, SLICE(""), 9));
	assert_true(flood_admit(&f, false, SLICE("=x"), 9));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_a_second),
		cmocka_unit_test(more_of_sessions),
		cmocka_unit_test(clock_back),
		cmocka_unit_test(in_all),
		cmocka_unit_test(debugging),
		cmocka_unit_test(many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
