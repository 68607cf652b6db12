#include "unit.h"

#include "base/due.h"

#define MEMBERS 200

struct member {
	unsigned number;
	struct due_link due;
};

static void
empty(void **state)
{
	struct due d;
	struct due_link link = {.at = MS_NEVER};

	(void) state;
	due_init(&d);
	assert_true(due_first(&d) == MS_NEVER);
	assert_null(due_shift(&d, MS_NEVER));
	due_set(&d, &link, MS_NEVER); /* not in: nothing to take out */
	assert_int_equal(link.place, 0);
	assert_true(due_first(&d) == MS_NEVER);
	due_fini(&d);
	due_fini(&d);
}

static void
one(void **state)
{
	struct due d;
	struct member m = {.number = 7};

	(void) state;
	due_init(&d);
	due_set(&d, &m.due, 100);
	assert_true(due_first(&d) == 100);
	assert_null(due_shift(&d, 99));
	due_set(&d, &m.due, 50);
	due_set(&d, &m.due, 80);
	assert_true(due_first(&d) == 80);
	assert_ptr_equal(due_shift(&d, 80), &m.due);
	assert_int_equal(due_entry(&m.due, struct member, due)->number, 7);
	assert_int_equal(m.due.place, 0);
	assert_true(due_first(&d) == MS_NEVER);
	due_set(&d, &m.due, 1);
	due_set(&d, &m.due, MS_NEVER);
	assert_int_equal(m.due.place, 0);
	assert_null(due_shift(&d, MS_NEVER));
	due_fini(&d);
}

/* The earliest of all, found the slow way. */
static ms_t
slow_first(const struct member *m)
{
	ms_t first = MS_NEVER;

	for (unsigned i = 0; i < MEMBERS; i++)
		if (m[i].due.place > 0)
			first = ms_min(first, m[i].due.at);
	return first;
}

static void
places_are_right(const struct due *d)
{
	for (size_t i = 0; i < d->n; i++) {
		assert_int_equal(d->heap[i]->place, i + 1);
		assert_true(i == 0 || d->heap[(i + 1) / 2 - 1]->at <= d->heap[i]->at);
	}
}

static void
many(void **state)
{
	static struct member m[MEMBERS];
	struct dice dice = {1};
	struct due d;
	ms_t now = 0;

	(void) state;
	due_init(&d);
	for (unsigned step = 0; step < 20000; step++) {
		struct member *some = &m[dice_roll(&dice, MEMBERS)];
		switch (dice_roll(&dice, 8)) {
		case 0:
			due_set(&d, &some->due, MS_NEVER);
			break;
		case 1: {
			struct due_link *link;
			ms_t first = slow_first(m);
			now += dice_roll(&dice, 50);
			link = due_shift(&d, now);
			assert_int_equal(link != NULL, first <= now);
			assert_true(link == NULL || link->at == first);
			break;
		}
		default:
			due_set(&d, &some->due, now + dice_roll(&dice, 1000));
		}
		assert_true(due_first(&d) == slow_first(m));
		if (step % 64 == 0)
			places_are_right(&d);
	}
	/* What is left comes in order. */
	for (ms_t last = 0; due_first(&d) != MS_NEVER;) {
		struct due_link *link = due_shift(&d, MS_NEVER - 1);
		assert_true(link->at >= last);
		last = link->at;
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_int_equal(m[i].due.place, 0);
	due_fini(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(one),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
