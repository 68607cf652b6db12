#include "unit.h"

#include <stdio.h>

#include "proto/net/race.h"

#define SECOND 1000

static const struct race_address v4 = {.is_ip6 = false};

static void
expect(struct race_step a, enum race_kind kind, size_t server, size_t address, ms_t until, int line)
{
	if (a.kind == kind && a.until == until && a.server == server && a.address == address)
		return;
	print_error(
		"kind %d server %zu address %zu until %lld\n", (int) a.kind, a.server, a.address, (long long) a.until);
	_fail(__FILE__, line);
}

#define resolves(r, now, server, until) expect(race_next((r), (now)), RACE_RESOLVE, (server), 0, (until), __LINE__)
#define connects(r, now, server, address, until) \
	expect(race_next((r), (now)), RACE_CONNECT, (server), (address), (until), __LINE__)
#define waits(r, now, until) expect(race_next((r), (now)), RACE_WAIT, 0, 0, (until), __LINE__)
#define is_lost(r, now) expect(race_next((r), (now)), RACE_LOST, 0, 0, MS_NEVER, __LINE__)

static void
resolved(struct race *r, size_t server, size_t n)
{
	struct race_address address[16] = {{0}};

	race_resolved(r, server, address, n);
}

/* Servers of one rank. */
static void
begin(struct race *r, size_t n, ms_t timeout, ms_t now)
{
	race_init(r, timeout, now);
	for (size_t i = 0; i < n; i++)
		race_add_server(r, 0, false);
}

/* One server with one address, the usual case: it has all the time. */
static void
one(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 1, 20 * SECOND, 500);
	resolves(&r, 500, 0, 20500);
	waits(&r, 500, 20500);
	resolved(&r, 0, 1);
	connects(&r, 600, 0, 0, 20500);
	waits(&r, 600, 20500);
	assert_true(race_lead(&r, 0, 0, 700) == 20500);
	waits(&r, 700, 20500);
	assert_false(race_has_more(&r, 700));
	assert_false(race_is_over(&r, 20499));
	race_failed(&r, 0, 0);
	is_lost(&r, 800);
	is_lost(&r, 800);
	assert_true(race_is_over(&r, 20500));
	race_fini(&r);
}

/* Who fails at once costs no time: the next begins in the same moment. */
static void
refused(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 3, 20 * SECOND, 0);
	for (size_t i = 0; i < 3; i++) {
		resolves(&r, 0, i, 20000);
		resolved(&r, i, 2);
		connects(&r, 0, i, 0, 20000);
		race_failed(&r, i, 0);
		connects(&r, 0, i, 1, 20000);
		race_failed(&r, i, 1);
	}
	is_lost(&r, 0);
	race_fini(&r);
}

/* RFC 8305, 5: the next begins a moment later, and the one before goes on. */
static void
silent(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 1, 20 * SECOND, 0);
	resolves(&r, 0, 0, 20000);
	resolved(&r, 0, 3);
	connects(&r, 10, 0, 0, 20000);
	waits(&r, 10, 260);
	connects(&r, 260, 0, 1, 20000);
	waits(&r, 300, 510);
	/* One fails: its successor does not wait. */
	race_failed(&r, 0, 1);
	connects(&r, 300, 0, 2, 20000);
	waits(&r, 300, 20000);
	assert_true(race_has_more(&r, 300));
	/* The first was only slow. */
	assert_true(race_lead(&r, 0, 0, 1000) == 1000 + 19000 / 2);
	assert_true(race_has_more(&r, 1000));
	/* It turns out to be the wrong one: whom it put back is tried again. */
	race_failed(&r, 0, 0);
	connects(&r, 2000, 0, 2, 20000);
	race_failed(&r, 0, 2);
	is_lost(&r, 2000);
	race_fini(&r);
}

/* Who leads is alone, at each step of its way. */
static void
leads(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 2, 9 * SECOND, 0);
	resolves(&r, 0, 0, 9000);
	resolved(&r, 0, 2);
	connects(&r, 0, 0, 0, 9000);
	assert_true(race_lead(&r, 0, 0, 0) == 3000);
	waits(&r, 250, 3000);
	assert_true(race_lead(&r, 0, 0, 1500) == 1500 + 2500);
	waits(&r, 2900, 4000);
	race_failed(&r, 0, 0);
	connects(&r, 4000, 0, 1, 9000);
	assert_true(race_lead(&r, 0, 1, 4000) == 4000 + 2500);
	race_failed(&r, 0, 1);
	resolves(&r, 6500, 1, 9000);
	resolved(&r, 1, 1);
	connects(&r, 6500, 1, 0, 9000);
	assert_true(race_lead(&r, 1, 0, 6500) == 9000);
	race_fini(&r);
}

/* A lookup that takes long holds nobody up; its addresses come before those of the servers behind it. */
static void
slow_name(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 2, 20 * SECOND, 0);
	resolves(&r, 0, 0, 20000);
	waits(&r, 0, 250);
	resolves(&r, 250, 1, 20000);
	resolved(&r, 1, 2);
	connects(&r, 260, 1, 0, 20000);
	resolved(&r, 0, 1);
	waits(&r, 300, 510);
	connects(&r, 510, 0, 0, 20000);
	connects(&r, 760, 1, 1, 20000);
	race_fini(&r);
}

/* One that resolves while another leads is kept. */
static void
name_while_led(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 2, 20 * SECOND, 0);
	resolves(&r, 0, 0, 20000);
	resolves(&r, 250, 1, 20000);
	resolved(&r, 1, 1);
	connects(&r, 250, 1, 0, 20000);
	race_lead(&r, 1, 0, 300);
	resolved(&r, 0, 1);
	waits(&r, 400, 20000);
	race_failed(&r, 1, 0);
	connects(&r, 500, 0, 0, 20000);
	race_fini(&r);
}

/* A server of a lower rank is there for want of others (RFC 2782, Priority): it gets its chance later. */
static void
ranks(void **state)
{
	struct race r;

	(void) state;
	race_init(&r, 20 * SECOND, 0);
	race_add_server(&r, 10, false);
	race_add_server(&r, 10, false);
	race_add_server(&r, 20, false);
	for (size_t i = 0; i < 2; i++) {
		resolves(&r, (ms_t) i * 250, i, 20000);
		resolved(&r, i, 1);
		if (i == 0)
			connects(&r, 0, 0, 0, 20000);
	}
	connects(&r, 250, 1, 0, 20000);
	waits(&r, 250, 1250);
	resolves(&r, 1250, 2, 20000);
	race_fini(&r);
}

/* IPv6 and IPv4 in turn, IPv6 first (RFC 8305, 4). */
static void
families(void **state)
{
	static const struct race_address address[] = {
		{false, false}, {false, false}, {true, false}, {true, false}, {true, false}};
	static const size_t order[] = {2, 0, 3, 1, 4};
	struct race r;

	(void) state;
	begin(&r, 1, 0, 0);
	resolves(&r, 0, 0, MS_NEVER);
	race_resolved(&r, 0, address, 5);
	for (size_t i = 0; i < 5; i++) {
		struct race_step step = race_next(&r, 0);
		assert_int_equal(step.kind, RACE_CONNECT);
		assert_int_equal(step.address, order[i]);
		race_failed(&r, 0, order[i]);
	}
	is_lost(&r, 0);
	race_fini(&r);
}

/* Whoever failed lately comes last: a server, or an address of one. */
static void
late(void **state)
{
	static const struct race_address address[] = {{false, true}, {false, false}};
	struct race r;

	(void) state;
	race_init(&r, 20 * SECOND, 0);
	race_add_server(&r, 1, true);
	race_add_server(&r, 2, false);
	race_add_server(&r, 3, false);
	resolves(&r, 0, 1, 20000);
	race_resolved(&r, 1, address, 2);
	connects(&r, 0, 1, 1, 20000);
	race_failed(&r, 1, 1);
	resolves(&r, 0, 2, 20000);
	race_resolved(&r, 2, &v4, 1);
	connects(&r, 0, 2, 0, 20000);
	race_failed(&r, 2, 0);
	resolves(&r, 0, 0, 20000);
	race_resolved(&r, 0, &v4, 1);
	connects(&r, 0, 0, 0, 20000);
	race_failed(&r, 0, 0);
	connects(&r, 0, 1, 0, 20000);
	race_failed(&r, 1, 0);
	is_lost(&r, 0);
	race_fini(&r);
}

/* No more than four at a time; where others wait, a connection that takes long is given up. */
static void
crowd(void **state)
{
	struct race_step step;
	struct race r;

	(void) state;
	begin(&r, 1, 20 * SECOND, 0);
	resolves(&r, 0, 0, 20000);
	resolved(&r, 0, 6);
	connects(&r, 0, 0, 0, 2000);
	connects(&r, 250, 0, 1, 2250);
	connects(&r, 500, 0, 2, 2500);
	connects(&r, 750, 0, 3, 2750);
	waits(&r, 1000, 2000);
	assert_false(race_expired(&r, 1999, &step));
	assert_true(race_expired(&r, 2000, &step));
	assert_true(step.kind == RACE_CONNECT && step.address == 0);
	race_failed(&r, 0, 0);
	connects(&r, 2000, 0, 4, 4000);
	waits(&r, 2000, 2250);
	assert_true(race_expired(&r, 2250, &step));
	race_failed(&r, 0, 1);
	connects(&r, 2250, 0, 5, 20000);
	/* One of the last two is it; the others have their second chance should it fail. */
	race_lead(&r, 0, 4, 2300);
	race_failed(&r, 0, 4);
	connects(&r, 2300, 0, 2, 20000);
	race_fini(&r);
}

/* A share too small to be worth a try is more; but nobody gets more than there is. */
static void
small_shares(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 1, 3 * SECOND, 0);
	resolves(&r, 0, 0, 3000);
	resolved(&r, 0, 16);
	connects(&r, 0, 0, 0, 2000);
	assert_true(race_lead(&r, 0, 0, 0) == 1000);
	race_failed(&r, 0, 0);
	connects(&r, 2500, 0, 1, 3000);
	assert_true(race_lead(&r, 0, 1, 2500) == 3000);
	assert_true(race_has_more(&r, 2999));
	assert_false(race_has_more(&r, 3000));
	race_fini(&r);
}

/* A name that is not answered has no addresses: the next server. */
static void
no_answer(void **state)
{
	struct race_step step;
	struct race r;

	(void) state;
	begin(&r, 2, 10 * SECOND, 0);
	resolves(&r, 0, 0, 10000);
	resolved(&r, 0, 0);
	resolves(&r, 100, 1, 10000);
	waits(&r, 100, 10000);
	assert_false(race_expired(&r, 9999, &step));
	assert_true(race_expired(&r, 10000, &step));
	assert_true(step.kind == RACE_RESOLVE && step.server == 1);
	resolved(&r, 1, 0);
	/* An answer that comes too late, or twice, is nobody's. */
	resolved(&r, 1, 3);
	is_lost(&r, 10000);
	race_fini(&r);
}

static void
no_limit(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 1, 0, 1000);
	resolves(&r, 1000, 0, MS_NEVER);
	resolved(&r, 0, 2);
	connects(&r, 90000, 0, 0, MS_NEVER);
	race_add_time(&r, 5000);
	connects(&r, 90250, 0, 1, MS_NEVER);
	waits(&r, 90250, MS_NEVER);
	assert_true(race_lead(&r, 0, 1, 90300) == MS_NEVER);
	assert_false(race_is_over(&r, MS_NEVER - 1));
	race_fini(&r);
}

/* What a handshake waited for us is added. */
static void
our_own_time(void **state)
{
	struct race r;

	(void) state;
	begin(&r, 2, 10 * SECOND, 0);
	resolves(&r, 0, 0, 10000);
	resolved(&r, 0, 1);
	connects(&r, 0, 0, 0, 10000);
	assert_true(race_lead(&r, 0, 0, 0) == 5000);
	race_add_time(&r, 30 * SECOND);
	race_failed(&r, 0, 0);
	assert_false(race_is_over(&r, 32000));
	resolves(&r, 32000, 1, 40000);
	race_fini(&r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),
		cmocka_unit_test(refused),
		cmocka_unit_test(silent),
		cmocka_unit_test(leads),
		cmocka_unit_test(slow_name),
		cmocka_unit_test(name_while_led),
		cmocka_unit_test(ranks),
		cmocka_unit_test(families),
		cmocka_unit_test(late),
		cmocka_unit_test(crowd),
		cmocka_unit_test(small_shares),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(our_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
