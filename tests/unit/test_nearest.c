#include "base/nearest.h"

#include "unit.h"

static void
slips(void **state)
{
	static const struct {
		struct slice unknown;
		const char *meant; /* NULL: nothing is near */
	} rows[] = {
		{SLICE_INIT("check"), "check"},
		{SLICE_INIT("chekc"), "check"},
		{SLICE_INIT("CHECK"), "check"},
		{SLICE_INIT("heck"), "check"},
		{SLICE_INIT("checks!"), "check"},
		{SLICE_INIT("checking"), NULL},
		{SLICE_INIT("check\0"), "check"},
		/* One slip only, in what is short. */
		{SLICE_INIT("rn"), "run"},
		{SLICE_INIT("urn"), "run"},
		{SLICE_INIT("r"), NULL},
		/* The nearest, not the first. */
		{SLICE_INIT("tailed"), "tailer"},
		{SLICE_INIT("tale"), "tail"},
		{SLICE_INIT(""), NULL},
		{SLICE_INIT("a word of more letters than any that we know"), NULL},
	};
	static const char *const known[] = {"run", "check", "tail", "tailer", "another word of more letters than any"};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *best = NULL;
		struct nearest nearest;
		struct slice unknown = exact(rows[i].unknown);
		nearest_init(&nearest, unknown);
		for (size_t k = 0; k < COUNT(known); k++)
			if (nearest_try(&nearest, slice_str(known[k])))
				best = known[k];
		if (rows[i].meant == NULL)
			assert_null(best);
		else
			assert_string_equal(best, rows[i].meant);
		exact_free(unknown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
