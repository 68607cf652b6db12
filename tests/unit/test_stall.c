#include "unit.h"

#include "base/stall.h"

/* Deadlines come while the loop sleeps no longer than it wants: judged when it has looked once more. */
static void
in_time(void **state)
{
	struct stall s = {.looked_at = 900};
	ms_t until = 0;

	(void) state;
	assert_false(stall_is_over(&s, 1000, 950, &until));
	assert_true(stall_wake(&s, 1000) == 1000);
	/* It is time, but the last look was before. */
	assert_false(stall_is_over(&s, 1000, 1001, &until));
	assert_true(stall_wake(&s, 1000) <= 1001);
	assert_true(stall_is_over(&s, 1000, 1002, &until));
	assert_true(until == 1001);
	assert_false(stall_is_over(&s, 2000, 1003, &until));
	assert_false(stall_is_over(&s, MS_NEVER, 90000, &until));
	assert_true(stall_wake(&s, MS_NEVER) == MS_NEVER);
}

/* Nobody who has spoken by the last look is among those that may be judged. */
static void
what_came_since_is_not_known(void **state)
{
	struct stall s = {.looked_at = 1000};
	ms_t until = 0;

	(void) state;
	/* Between the two looks we were stopped for a minute: deadlines in it are not judged by what was read before. */
	assert_true(stall_is_over(&s, 1000, 1019, &until));
	assert_true(until == 1000);
	assert_false(stall_is_over(&s, 1030, 61000, &until));
}

/* Who was late himself waits as long again, but not for ever. */
static void
late(void **state)
{
	static const struct {
		ms_t late, waits;
	} row[] = {{20, 20}, {300, 300}, {2000, 2000}, {60000, 2000}};

	(void) state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct stall s = {.looked_at = 900};
		ms_t until, now = 1000 + row[i].late;
		assert_false(stall_is_over(&s, 1000, now, &until));
		assert_false(stall_is_over(&s, 1000, now, &until));
		assert_true(stall_wake(&s, 1000) == now + row[i].waits);
		/* Others become due meanwhile, and it gets no longer. */
		assert_false(stall_is_over(&s, 500, now + row[i].waits, &until));
		assert_true(stall_is_over(&s, 500, now + row[i].waits + 100, &until));
		assert_true(until == now + row[i].waits);
	}
}

/* The overdue one has spoken: the next one is not his fault. */
static void
forgiven(void **state)
{
	struct stall s = {.looked_at = 900};
	ms_t until;

	(void) state;
	assert_false(stall_is_over(&s, 1000, 5000, &until));
	assert_false(stall_is_over(&s, 1000, 5000, &until));
	assert_true(stall_wake(&s, 1000) == 7000);
	assert_false(stall_is_over(&s, 5500, 5001, &until));
	assert_true(stall_wake(&s, 5500) == 5500);
	assert_false(stall_is_over(&s, 5500, 5500, &until));
	assert_true(stall_is_over(&s, 5500, 5501, &until));
}

/* A loop that is always late judges all the same. */
static void
always_late(void **state)
{
	struct stall s = {.looked_at = 0};
	ms_t until, first = 1000, now = 0;
	unsigned judged = 0;

	(void) state;
	for (unsigned turn = 0; turn < 1000; turn++) {
		now += 50;
		if (stall_is_over(&s, first, now, &until)) {
			judged++;
			first = until + 10;
		}
	}
	assert_true(judged > 200);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_time),
		cmocka_unit_test(what_came_since_is_not_known),
		cmocka_unit_test(late),
		cmocka_unit_test(forgiven),
		cmocka_unit_test(always_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
