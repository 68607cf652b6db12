#include "unit.h"

#include "proto/net/server_name.h"

static void
matches(void **state)
{
	static const struct {
		const char *pattern, *name;
		enum server_name_match match;
	} row[] = {
		{"a.test", "a.test", SERVER_NAME_EXACT},
		{"a.test", "A.Test", SERVER_NAME_EXACT},
		{"a.test", "a.test.", SERVER_NAME_EXACT},
		{"a.test", "b.test", SERVER_NAME_OTHER},
		{"a.test", "x.a.test", SERVER_NAME_OTHER},
		{"a.test", "", SERVER_NAME_OTHER},
		{"a.test", ".", SERVER_NAME_OTHER},
		{"*.a.test", "x.a.test", SERVER_NAME_WILDCARD},
		{"*.A.test", "X.a.TEST.", SERVER_NAME_WILDCARD},
		{"*.a.test", "a.test", SERVER_NAME_OTHER},
		{"*.a.test", ".a.test", SERVER_NAME_OTHER},
		{"*.a.test", "y.x.a.test", SERVER_NAME_OTHER},
		{"*.a.test", "*.a.test", SERVER_NAME_EXACT},
		{"x*.a.test", "xy.a.test", SERVER_NAME_OTHER},
		{"*", "a", SERVER_NAME_OTHER},
		{"*.", "a.", SERVER_NAME_OTHER},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(row); i++)
		assert_row(server_name_match(slice_str(row[i].pattern), slice_str(row[i].name)) == row[i].match,
			row[i].pattern);
}

/* Once per name and hour; of made-up names not more than there is room for. */
static void
told(void **state)
{
	struct server_names_told t = {0};
	unsigned n = 0;
	char name[16];

	(void) state;
	assert_true(server_names_tell(&t, SLICE("a.test"), 1000));
	assert_false(server_names_tell(&t, SLICE("a.test"), 1001));
	assert_false(server_names_tell(&t, SLICE("A.TEST"), 1000 + SERVER_NAMES_PERIOD - 1));
	assert_true(server_names_tell(&t, SLICE("b.test"), 1001));
	assert_true(server_names_tell(&t, SLICE("a.test"), 1000 + SERVER_NAMES_PERIOD));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%d.test", i);
		n += server_names_tell(&t, slice_str(name), 50000);
	}
	assert_int_equal(n, SERVER_NAMES_TOLD);
	/* The clock was set back. */
	assert_true(server_names_tell(&t, SLICE("5.test"), 100));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
