/* Shares of what may be kept: nobody gets more than is left for all others, and workers share one pool. */
#include "unit.h"

#include "base/budget.h"

static void
test_share(void **state)
{
	static const struct {
		size_t max, used, share;
	} rows[] = {
		{0, 0, SIZE_MAX},
		{0, 1 << 30, SIZE_MAX},
		{4 << 20, 0, 3 << 20},
		{4 << 20, 1 << 20, 2 << 20},
		{4 << 20, (3 << 20) - BUDGET_SHORT - 1, BUDGET_SHORT + 1},
		{4 << 20, (3 << 20) - BUDGET_SHORT, BUDGET_SHORT},
		{4 << 20, 3 << 20, BUDGET_SHORT},
		{1 << 20, (1 << 20) - 1, BUDGET_SHORT},
		{1 << 20, 1 << 20, BUDGET_LITTLE},
		{1 << 20, 1 << 21, BUDGET_LITTLE},
		{1, 0, BUDGET_SHORT},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct budget_pool pool = {.max = rows[i].max};
		struct budget b = {.pool = &pool};
		size_t held = 0;
		budget_move(&b, &held, rows[i].used);
		assert_int_equal(budget_share(&b), rows[i].share);
		assert_false(budget_refuses(&b, rows[i].share));
		assert_true(rows[i].max == 0 || budget_refuses(&b, rows[i].share + 1));
	}
}

/* However many eat all they can, in turn and a bit at a time: the sum stays below max, and the next gets some. */
static void
test_eaters(void **state)
{
	enum { EATERS = 100, MAX = 100 << 20, MANY = MAX / 4 * 3, BIT = 1000 };
	struct budget_pool pool = {.max = MAX};
	struct budget b = {.pool = &pool};
	size_t held[EATERS + 1] = {0}, most;
	bool has_grown = true;

	(void) state;
	while (has_grown) {
		has_grown = false;
		for (unsigned i = 0; i < EATERS; i++) {
			size_t had = held[i];
			budget_move(&b, &held[i], had + BIT);
			if (budget_refuses(&b, held[i]))
				budget_move(&b, &held[i], had);
			else
				has_grown = true;
		}
	}
	assert_true(budget_used(&b) < MANY);
	most = held[0];
	for (unsigned i = 0; i < EATERS; i++)
		assert_true(held[i] <= most && held[i] + 2 * BIT > MANY / (EATERS + 1));
	while (!budget_refuses(&b, held[EATERS]))
		budget_move(&b, &held[EATERS], held[EATERS] + BIT);
	assert_true(held[EATERS] > most / 2 - 2 * BIT);
}

/* A worker that takes over what another has counted leaves the sum right; what is not told yet is little. */
static void
test_workers(void **state)
{
	struct budget_pool pool = {.max = 10 << 20};
	struct budget a = {.pool = &pool}, b = {.pool = &pool};
	size_t none = 0, sent = 0;

	(void) state;
	for (unsigned i = 1; i <= 1000; i++) {
		budget_move(&a, &none, i * 1000);
		assert_true(i * 1000 - pool.used <= BUDGET_APART);
		assert_int_equal(budget_used(&a), i * 1000);
	}
	sent = none;
	budget_move(&b, &sent, 0);
	assert_true(budget_used(&b) <= BUDGET_APART);
	assert_true(budget_used(&a) <= 2 * BUDGET_APART);
	budget_move(&b, &sent, 300);
	budget_move(&b, &sent, 0);
	assert_true(pool.used + a.apart + b.apart == 0);
}

/* Less than nothing, as one worker may see it, is nothing. */
static void
test_below_zero(void **state)
{
	struct budget_pool pool = {.max = 1 << 20};
	struct budget a = {.pool = &pool}, b = {.pool = &pool};
	size_t none = 0;

	(void) state;
	budget_move(&a, &none, 5000);
	budget_move(&b, &none, 0);
	assert_int_equal(budget_used(&b), 0);
	assert_int_equal(budget_share(&b), 3 << 18);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_eaters),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
