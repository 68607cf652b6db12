#include "base/utf8.h"

#include "unit.h"

#define ROW(text, bad) \
	{ \
		SLICE_INIT(text), bad \
	}

/* RFC 3629, 4: where each kind of sequence begins and ends. */
static void
sequences(void **state)
{
	static const struct {
		struct slice text;
		size_t bad;
	} rows[] = {
		ROW("", 0),
		ROW("a\x7f\0b", 4),
		ROW("\xc2\x80\xdf\xbf", 4),
		ROW("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12),
		ROW("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8),
		/* No sequence begins so. */
		ROW("a\x80", 1),
		ROW("a\xbf", 1),
		ROW("a\xc1\xbf", 1),
		ROW("a\xf5\x80\x80\x80", 1),
		ROW("a\xff", 1),
		/* Longer than need be, surrogates, beyond U+10FFFF. */
		ROW("a\xe0\x9f\xbf", 1),
		ROW("a\xf0\x8f\xbf\xbf", 1),
		ROW("a\xed\xa0\x80", 1),
		ROW("a\xf4\x90\x80\x80", 1),
		/* Cut, at the end and before it. */
		ROW("ab\xc3", 2),
		ROW("ab\xe2\x82", 2),
		ROW("ab\xf0\x9f\x98", 2),
		ROW("ab\xc3(", 2),
		ROW("ab\xe2\x82\xc3\xa9", 2),
		ROW("ab\xf0\x9f\x98z", 2),
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(rows[i].text);
		assert_int_equal(utf8_first_bad(text), rows[i].bad);
		exact_free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
