/* Who is slow, and who is only silent. */
#include "base/rate.h"

#include "unit.h"

#define LEAST 100

/* How many looks, RATE_LOOK apart, until it is low; step bytes in each of them. */
static unsigned
looks(struct rate *r, uint64_t *bytes, uint64_t step, ms_t *now, unsigned most)
{
	for (unsigned i = 1; i <= most; i++) {
		*bytes += step;
		*now += RATE_LOOK;
		if (rate_is_low(r, *bytes, LEAST, *now))
			return i;
	}
	return 0;
}

static void
enough(void **state)
{
	struct rate r;
	uint64_t bytes = 7;
	ms_t now = 1000;

	(void) state;
	rate_begin(&r, bytes, now);
	assert_int_equal(looks(&r, &bytes, LEAST * RATE_LOOK / 1000, &now, 100), 0);
}

static void
slow(void **state)
{
	struct rate r;
	uint64_t bytes = 0;
	ms_t now = 1000;

	(void) state;
	rate_begin(&r, bytes, now);
	assert_int_equal(looks(&r, &bytes, LEAST * RATE_LOOK / 1000 - 1, &now, 100), 2);
	/* It is judged anew; and a limit of nothing is none. */
	assert_int_equal(looks(&r, &bytes, 1, &now, 1), 0);
	now += RATE_LOOK;
	assert_false(rate_is_low(&r, ++bytes, 0, now));
}

/* A link that is gone for a while; what comes then is measured from the silence's end. */
static void
silent(void **state)
{
	struct rate r;
	uint64_t bytes = 0;
	ms_t now = 1000;

	(void) state;
	rate_begin(&r, bytes, now);
	assert_int_equal(looks(&r, &bytes, 0, &now, RATE_SILENCE / RATE_LOOK - 1), 0);
	assert_int_equal(looks(&r, &bytes, LEAST * RATE_LOOK / 1000, &now, 10), 0);
	assert_int_equal(looks(&r, &bytes, 0, &now, 100), RATE_SILENCE / RATE_LOOK);
}

/* A byte now and then is no silence. */
static void
drops(void **state)
{
	struct rate r;
	uint64_t bytes = 0;
	ms_t now = 1000;

	(void) state;
	rate_begin(&r, bytes, now);
	assert_int_equal(looks(&r, &bytes, 0, &now, 5), 0);
	assert_int_equal(looks(&r, &bytes, 1, &now, 1), 0);
	assert_int_equal(looks(&r, &bytes, 0, &now, 5), 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough),
		cmocka_unit_test(slow),
		cmocka_unit_test(silent),
		cmocka_unit_test(drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
