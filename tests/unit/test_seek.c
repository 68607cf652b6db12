#include "unit.h"

#include "proto/bosh/seek.h"

/* As many releases as it takes, in equal distance; then each waits twice as long, up to a minute. */
static void
backs_off(void **state)
{
	static const struct {
		enum seek how;
		ms_t after[10];
	} rows[] = {
		{SEEK_CALMLY, {1500, 1500, 1500, 3000, 6000, 12000, 24000, 48000, 60000, 60000}},
		{SEEK_URGENTLY, {250, 250, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000}},
	};

	(void) state;
	for (size_t row = 0; row < COUNT(rows); row++) {
		struct seeking k = {.how = rows[row].how};
		ms_t now = 1000000;

		seeking_moved(&k, now);
		for (size_t i = 0; i < COUNT(rows[row].after); i++) {
			/* Two releases are followed by the request that proves what came before them, and should be there by now. */
			assert_true(seeking_due(&k, 3) == now + rows[row].after[i]);
			now = seeking_due(&k, 3);
			seeking_released(&k);
			seeking_moved(&k, now);
		}
		seeking_begin(&k);
		assert_true(seeking_due(&k, 3) == now + rows[row].after[0]);
	}
}

static void
not_wanted(void **state)
{
	struct seeking k = {.how = SEEK_NOT};

	(void) state;
	seeking_moved(&k, 1000);
	assert_true(seeking_due(&k, 2) == MS_NEVER);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(backs_off),
		cmocka_unit_test(not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
