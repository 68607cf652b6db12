#include "unit.h"

#include "base/fatal.h"
#include "base/turns.h"

#define EACH 4

struct waiter {
	struct turn turn;
	char name[8];
};

static const struct turns_rules rules = {.waiting = 20, .waiting_each = 10, .served_each = EACH};

static const unsigned char *
address(unsigned last)
{
	static unsigned char a[NETWORK_BYTES];
	const unsigned char v4[4] = {192, 0, 2, (unsigned char) last};

	network_map(v4, a);
	return a;
}

static bool
wait_as(struct turns *t, const char *name, const unsigned char *from, bool is_quick)
{
	struct waiter *w = xcalloc(1, sizeof *w);

	snprintf(w->name, sizeof w->name, "%s", name);
	if (turns_wait(t, &w->turn, from, is_quick))
		return true;
	free(w);
	return false;
}

static struct waiter *
next(struct turns *t)
{
	struct turn *turn = turns_next(t);

	return turn != NULL ? (struct waiter *) (void *) ((char *) turn - offsetof(struct waiter, turn)) : NULL;
}

static void
done(struct turns *t, struct waiter *w)
{
	turns_done(t, &w->turn);
	free(w);
}

/* The names in the order they are served, each done before the next. */
static const char *
order(struct turns *t)
{
	static char text[256];
	struct waiter *w;

	text[0] = '\0';
	while ((w = next(t)) != NULL) {
		strcat(text, w->name);
		done(t, w);
	}
	return text;
}

/* Who comes often waits for himself. */
static void
each_address_in_turn(void **state)
{
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	for (int i = 0; i < 6; i++)
		assert_true(wait_as(&t, "a", address(1), false));
	assert_true(wait_as(&t, "b", address(2), false));
	assert_true(wait_as(&t, "c", address(3), false));
	assert_true(wait_as(&t, "c", address(3), false));
	assert_true(turns_are_waiting(&t));
	assert_text(order(&t), "abcacaaaa");
	assert_false(turns_are_waiting(&t));
	turns_fini(&t);
}

/* Three of four times; never alone so that others wait for ever. */
static void
quick_ones_first(void **state)
{
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	for (unsigned i = 0; i < 3; i++)
		wait_as(&t, "s", address(i), false);
	for (unsigned i = 0; i < 7; i++)
		wait_as(&t, "Q", address(100 + i), true);
	assert_text(order(&t), "QQQsQQQsQs");
	turns_fini(&t);
}

static void
bounds(void **state)
{
	struct waiter *served[2 * EACH];
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	/* So many may wait from one address, and of all; */
	for (unsigned i = 0; i < rules.waiting_each; i++)
		assert_true(wait_as(&t, "a", address(1), i % 2 == 0));
	assert_false(wait_as(&t, "a", address(1), true));
	for (unsigned i = 0; i < rules.waiting_each; i++)
		assert_true(wait_as(&t, "b", address(2), false));
	assert_false(wait_as(&t, "c", address(3), false));
	/* so many of one address are served at a time, */
	for (unsigned i = 0; i < 2 * EACH; i++)
		assert_non_null(served[i] = next(&t));
	assert_null(next(&t));
	assert_false(turns_are_waiting(&t));
	/* and when one of them is done, another of its address may be. */
	done(&t, served[0]);
	assert_true(turns_are_waiting(&t));
	assert_string_equal((served[0] = next(&t))->name, "a");
	assert_null(next(&t));
	for (unsigned i = 0; i < 2 * EACH; i++)
		done(&t, served[i]);
	assert_int_equal(strlen(order(&t)), 2 * rules.waiting_each - 2 * EACH - 1);
	turns_fini(&t);
}

/* Only who is served while others of its address may not be, for that, is in their way. */
static void
in_the_way(void **state)
{
	struct waiter *served[EACH], *other, *unknown;
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	wait_as(&t, "b", address(2), false);
	assert_non_null(other = next(&t));
	wait_as(&t, "?", NULL, false);
	assert_non_null(unknown = next(&t));
	for (unsigned i = 0; i < EACH; i++) {
		wait_as(&t, "a", address(1), false);
		assert_non_null(served[i] = next(&t));
		assert_false(turns_is_in_the_way(&t, &served[0]->turn));
	}
	wait_as(&t, "a", address(1), false);
	for (unsigned i = 0; i < EACH; i++)
		assert_true(turns_is_in_the_way(&t, &served[i]->turn));
	wait_as(&t, "?", NULL, false);
	assert_false(turns_is_in_the_way(&t, &other->turn));
	assert_false(turns_is_in_the_way(&t, &unknown->turn));
	done(&t, served[0]);
	assert_false(turns_is_in_the_way(&t, &served[1]->turn));
	for (unsigned i = 1; i < EACH; i++)
		done(&t, served[i]);
	done(&t, other);
	done(&t, unknown);
	assert_int_equal(strlen(order(&t)), 2);
	turns_fini(&t);
}

/* Of one IPv6 network 64 bits count; of who is not known nothing but the bound of all. */
static void
addresses(void **state)
{
	unsigned char one[NETWORK_BYTES] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, other[NETWORK_BYTES];
	struct turns t;

	(void) state;
	memcpy(other, one, sizeof other);
	other[9] = 1;
	turns_init(&t, &rules, 7);
	for (unsigned i = 0; i < rules.waiting_each; i++)
		assert_true(wait_as(&t, "a", i % 2 == 0 ? one : other, false));
	assert_false(wait_as(&t, "a", other, false));
	other[7] = 1;
	assert_true(wait_as(&t, "a", other, false));
	for (unsigned i = 0; i < rules.waiting - rules.waiting_each - 1; i++)
		assert_true(wait_as(&t, "?", NULL, false));
	assert_false(wait_as(&t, "?", NULL, false));
	order(&t);
	turns_fini(&t);
}

/* At the end everybody is found. */
static void
the_end(void **state)
{
	struct waiter *served[EACH];
	unsigned n = 0;
	struct turn *turn;
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	for (unsigned i = 0; i < 9; i++)
		wait_as(&t, "a", address(1), false);
	for (unsigned i = 0; i < EACH; i++)
		served[i] = next(&t);
	assert_null(turns_next(&t));
	while ((turn = turns_any(&t)) != NULL) {
		done(&t, (struct waiter *) (void *) ((char *) turn - offsetof(struct waiter, turn)));
		n++;
	}
	assert_int_equal(n, 9 - EACH);
	for (unsigned i = 0; i < EACH; i++)
		done(&t, served[i]);
	turns_fini(&t);
}

/* Any order of events: bounds hold, nobody is lost, nobody is served twice. */
static void
any_order(void **state)
{
	struct waiter *served[64] = {NULL};
	unsigned waiting = 0, n = 0;
	struct dice dice = {1};
	struct turns t;

	(void) state;
	turns_init(&t, &rules, 7);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned roll = dice_roll(&dice, 3);
		if (roll == 0) {
			waiting += wait_as(&t, "x", address(dice_roll(&dice, 6)), dice_roll(&dice, 2) == 0);
		} else if (roll == 1 && n < COUNT(served)) {
			served[n] = next(&t);
			if (served[n] != NULL) {
				n++;
				waiting--;
			}
		} else if (n > 0) {
			done(&t, served[--n]);
		}
		assert_int_equal(t.waiting, waiting);
		assert_true(waiting <= rules.waiting && n <= 6 * EACH);
	}
	while (n > 0)
		done(&t, served[--n]);
	assert_int_equal(strlen(order(&t)), waiting);
	turns_fini(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_in_turn),
		cmocka_unit_test(quick_ones_first),
		cmocka_unit_test(bounds),
		cmocka_unit_test(in_the_way),
		cmocka_unit_test(addresses),
		cmocka_unit_test(the_end),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
