#include "unit.h"

static void
number(void **state)
{
	static const struct {
		struct slice text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{SLICE_INIT("0"), 10, true, 0},
		{SLICE_INIT("10"), 10, true, 10},
		{SLICE_INIT("11"), 10, false, 0},
		{SLICE_INIT("007"), 10, true, 7},
		{SLICE_INIT("00000000000000000000000000000000001"), 10, true, 1},
		{SLICE_INIT(""), 10, false, 0},
		{SLICE_NONE_INIT, 10, false, 0},
		{SLICE_INIT("-1"), 10, false, 0},
		{SLICE_INIT("+1"), 10, false, 0},
		{SLICE_INIT(" 1"), 10, false, 0},
		{SLICE_INIT("1 "), 10, false, 0},
		{SLICE_INIT("1.0"), 10, false, 0},
		{SLICE_INIT("0x1"), 10, false, 0},
		{SLICE_INIT("1\0"), 10, false, 0},
		{SLICE_INIT("/"), 10, false, 0},
		{SLICE_INIT(":"), 10, false, 0},
		{SLICE_INIT("\xff"), 10, false, 0},
		{SLICE_INIT("9007199254740991"), (UINT64_C(1) << 53) - 1, true, 9007199254740991u},
		{SLICE_INIT("9007199254740992"), (UINT64_C(1) << 53) - 1, false, 0},
		{SLICE_INIT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
		{SLICE_INIT("18446744073709551616"), UINT64_MAX, false, 0},
		{SLICE_INIT("18446744073709551625"), UINT64_MAX, false, 0},
		{SLICE_INIT("99999999999999999999999999"), UINT64_MAX, false, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(rows[i].text);
		uint64_t value = 77;
		assert_row(slice_number(text, rows[i].max, &value) == rows[i].ok, rows[i].text.p);
		assert_row(value == (rows[i].ok ? rows[i].value : 77), rows[i].text.p);
		exact_free(text);
	}
}

/* Rows with the largest numbers that a stream's version may have; a session's may be larger. */
static void
version(void **state)
{
	static const struct {
		const char *text;
		int major; /* -1: no version */
	} rows[] = {
		{"1.0", 1},
		{"0.9", 0},
		{"10.2", 10},
		{"1.10", 1},
		{"001.000", 1},
		{"65535.65535", 65535},
		{"65536.0", -1},
		{"1.65536", -1},
		{"", -1},
		{".", -1},
		{"1", -1},
		{"1.", -1},
		{".1", -1},
		{"1.0.0", -1},
		{"-1.0", -1},
		{"+1.0", -1},
		{" 1.0", -1},
		{"1.0 ", -1},
		{"1,0", -1},
		{"one.zero", -1},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(slice_str(rows[i].text));
		uint64_t major = 77, minor = 77;
		bool is_version = slice_version(text, UINT16_MAX, &major, &minor);
		assert_row(is_version == (rows[i].major >= 0), rows[i].text);
		assert_row(!is_version || major == (uint64_t) rows[i].major, rows[i].text);
		exact_free(text);
	}
	assert_false(slice_version(SLICE_NONE, UINT16_MAX, &(uint64_t){0}, &(uint64_t){0}));
}

static void
letters(void **state)
{
	(void) state;
	for (int i = 0; i < 256; i++) {
		static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
		char c = (char) (unsigned char) i;
		const char *small = i != 0 ? strchr(digits, c) : NULL, *large = i != 0 ? strchr(capitals, c) : NULL;
		int value = small != NULL ? (int) (small - digits) : large != NULL ? (int) (large - capitals) : -1;
		assert_int_equal(slice_hex(c), value);
		assert_int_equal(slice_is_digit(c), value >= 0 && value < 10);
		assert_int_equal(slice_is_letter(c), (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z'));
	}
}

static void
cut(void **state)
{
	static const struct {
		const char *text, *head, *tail;
	} rows[] = {
		{"a:b", "a", "b"},
		{"a:b:c", "a", "b:c"},
		{":", "", ""},
		{"a:", "a", ""},
		{":b", "", "b"},
		{"ab", "ab", NULL},
		{"", "", NULL},
	};
	struct slice head, tail;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(slice_str(rows[i].text));
		assert_row(slice_cut(text, ':', &head, &tail) == (rows[i].tail != NULL), rows[i].text);
		assert_slice(head, rows[i].head);
		assert_slice(tail, rows[i].tail);
		exact_free(text);
	}
	assert_false(slice_cut(SLICE_NONE, ':', &head, &tail));
	assert_false(slice_is_set(head));
	tail = SLICE("a=b>");
	assert_slice(slice_take_to(&tail, "=>"), "a");
	assert_slice(tail, "=b>");
	assert_slice(slice_take_to(&tail, "=>"), "");
	assert_slice(slice_take_to(&tail, ">"), "=b");
	assert_slice(slice_take_to(&tail, "<"), ">");
	assert_slice(tail, "");
}

static void
trim(void **state)
{
	static const struct {
		struct slice text;
		const char *want;
	} rows[] = {
		{SLICE_INIT(""), ""},
		{SLICE_INIT("a"), "a"},
		{SLICE_INIT(" a"), "a"},
		{SLICE_INIT("a\t"), "a"},
		{SLICE_INIT("\r\n \ta b\n"), "a b"},
		{SLICE_INIT(" \t\r\n"), ""},
		{SLICE_INIT("\va\v"), "\va\v"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(rows[i].text);
		assert_slice(slice_trim(text), rows[i].want);
		exact_free(text);
	}
	assert_false(slice_is_set(slice_trim(SLICE_NONE)));
}

static void
equality(void **state)
{
	static const struct {
		struct slice a, b;
		bool eq, nocase, prefix;
	} rows[] = {
		{SLICE_INIT(""), SLICE_INIT(""), true, true, true},
		{SLICE_NONE_INIT, SLICE_INIT(""), true, true, true},
		{SLICE_INIT(""), SLICE_NONE_INIT, true, true, true},
		{SLICE_NONE_INIT, SLICE_NONE_INIT, true, true, true},
		{SLICE_INIT("a"), SLICE_INIT(""), false, false, true},
		{SLICE_INIT("a"), SLICE_NONE_INIT, false, false, true},
		{SLICE_NONE_INIT, SLICE_INIT("a"), false, false, false},
		{SLICE_INIT("Upgrade"), SLICE_INIT("upgrade"), false, true, false},
		{SLICE_INIT("upgrade"), SLICE_INIT("upgrade"), true, true, true},
		{SLICE_INIT("upgrades"), SLICE_INIT("upgrade"), false, false, true},
		{SLICE_INIT("upgrad"), SLICE_INIT("upgrade"), false, false, false},
		{SLICE_INIT("a\0b"), SLICE_INIT("a\0b"), true, true, true},
		{SLICE_INIT("a\0b"), SLICE_INIT("a\0c"), false, false, false},
		{SLICE_INIT("A\0B"), SLICE_INIT("a\0b"), false, true, false},
		/* Only letters have a case: these differ in the same bit. */
		{SLICE_INIT("["), SLICE_INIT("{"), false, false, false},
		{SLICE_INIT("@"), SLICE_INIT("`"), false, false, false},
		{SLICE_INIT("\xc4"), SLICE_INIT("\xe4"), false, false, false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(slice_eq(rows[i].a, rows[i].b) == rows[i].eq, rows[i].a.p);
		assert_row(slice_eq_nocase(rows[i].a, rows[i].b) == rows[i].nocase, rows[i].a.p);
		assert_row(slice_has_prefix(rows[i].a, rows[i].b) == rows[i].prefix, rows[i].a.p);
	}
}

static void
truth(void **state)
{
	(void) state;
	assert_true(slice_is_true(SLICE("true")));
	assert_true(slice_is_true(SLICE("1")));
	assert_false(slice_is_true(SLICE("TRUE")));
	assert_false(slice_is_true(SLICE("0")));
	assert_false(slice_is_true(SLICE("false")));
	assert_false(slice_is_true(SLICE("")));
	assert_false(slice_is_true(SLICE_NONE));
}

static void
set_or_empty(void **state)
{
	(void) state;
	assert_false(slice_is_set(SLICE_NONE));
	assert_false(slice_is_set(slice_str(NULL)));
	assert_true(slice_is_set(SLICE("")));
	assert_true(slice_is_set(slice_str("")));
	assert_int_equal(slice_str("abc").n, 3);
	assert_int_equal(SLICE("a\0b").n, 3);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(number),
		cmocka_unit_test(version),
		cmocka_unit_test(letters),
		cmocka_unit_test(cut),
		cmocka_unit_test(trim),
		cmocka_unit_test(equality),
		cmocka_unit_test(truth),
		cmocka_unit_test(set_or_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
