#include "unit.h"

#include "proto/net/race.h"

#define SECOND 1000

static void
expect(struct race_attempt a, enum race_step step, size_t server, size_t address, ms_t until, int line)
{
	if (a.step == step && a.server == server && (step != RACE_CONNECT || a.address == address) && a.until == until)
		return;
	print_error(
		"step %d server %zu address %zu until %lld\n", (int) a.step, a.server, a.address, (long long) a.until);
	_fail(__FILE__, line);
}

#define next_is(r, now, step, server, address, until) \
	expect(race_next((r), (now)), (step), (server), (address), (until), __LINE__)

/* One server with one address, the usual case: it has all the time. */
static void
one(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 1, 20 * SECOND, 500);
	next_is(&r, 500, RACE_RESOLVE, 0, 0, 20500);
	race_resolved(&r, 1);
	next_is(&r, 600, RACE_CONNECT, 0, 0, 20500);
	assert_false(race_is_over(&r, 20499));
	next_is(&r, 700, RACE_LOST, 0, 0, MS_NEVER);
	next_is(&r, 700, RACE_LOST, 0, 0, MS_NEVER);
	assert_true(race_is_over(&r, 20500));
}

/* Servers in their order, each with all its addresses before the next; what one does not use is the others'. */
static void
in_order(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 3, 12 * SECOND, 0);
	next_is(&r, 0, RACE_RESOLVE, 0, 0, 4000);
	race_resolved(&r, 2);
	next_is(&r, 0, RACE_CONNECT, 0, 0, 3000);
	next_is(&r, 3000, RACE_CONNECT, 0, 1, 6000);
	next_is(&r, 3100, RACE_RESOLVE, 1, 0, 3100 + 8900 / 2);
	race_resolved(&r, 0);
	next_is(&r, 4000, RACE_RESOLVE, 2, 0, 12000);
	race_resolved(&r, 3);
	next_is(&r, 6000, RACE_CONNECT, 2, 0, 8000);
	next_is(&r, 8000, RACE_CONNECT, 2, 1, 10000);
	next_is(&r, 8500, RACE_CONNECT, 2, 2, 12000);
	next_is(&r, 12000, RACE_LOST, 2, 0, MS_NEVER);
}

/* A share too small to be worth a try is more; but nobody gets more than there is. */
static void
small_shares(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 1, 3 * SECOND, 0);
	next_is(&r, 0, RACE_RESOLVE, 0, 0, 3000);
	race_resolved(&r, 16);
	next_is(&r, 0, RACE_CONNECT, 0, 0, 1000);
	next_is(&r, 1000, RACE_CONNECT, 0, 1, 2000);
	next_is(&r, 2500, RACE_CONNECT, 0, 2, 3000);
	assert_true(race_is_over(&r, 3000));
}

/* A name that is not answered has no addresses: the next server. */
static void
no_answer(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 2, 10 * SECOND, 0);
	next_is(&r, 0, RACE_RESOLVE, 0, 0, 5000);
	next_is(&r, 5000, RACE_RESOLVE, 1, 0, 10000);
	next_is(&r, 10000, RACE_LOST, 1, 0, MS_NEVER);
}

static void
no_limit(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 1, 0, 1000);
	next_is(&r, 1000, RACE_RESOLVE, 0, 0, MS_NEVER);
	race_resolved(&r, 2);
	next_is(&r, 90000, RACE_CONNECT, 0, 0, MS_NEVER);
	race_add_time(&r, 5000);
	next_is(&r, 90000, RACE_CONNECT, 0, 1, MS_NEVER);
	assert_false(race_is_over(&r, MS_NEVER - 1));
}

/* What a handshake waited for us is added. */
static void
our_own_time(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 2, 10 * SECOND, 0);
	next_is(&r, 0, RACE_RESOLVE, 0, 0, 5000);
	race_resolved(&r, 1);
	next_is(&r, 0, RACE_CONNECT, 0, 0, 5000);
	race_add_time(&r, 30 * SECOND);
	assert_false(race_is_over(&r, 32000));
	next_is(&r, 32000, RACE_RESOLVE, 1, 0, 40000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),
		cmocka_unit_test(in_order),
		cmocka_unit_test(small_shares),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(our_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
