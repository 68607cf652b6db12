/* Which fields pages of other sites may send. */
#include "unit.h"

#include "base/buf.h"
#include "proto/http/cors.h"

#define USUAL "Content-Type, Content-Encoding, X-Requested-With"

static void
names(void **state)
{
	static const struct {
		const char *asked, *allowed;
	} rows[] = {
		{NULL, USUAL},
		{"", USUAL},
		{"content-type", USUAL},
		{"content-type,x-requested-with", USUAL},
		{"authorization", USUAL ", authorization"},
		{"x-a, X-B ,\tx-c", USUAL ", x-a, X-B, x-c"},
		{"x-a,x-a,X-A", USUAL ", x-a"},
		{",,x-a,", USUAL ", x-a"},
		/* What is no name is left out, not the rest. */
		{"x a,x-b", USUAL ", x-b"},
		{"x-a\r\nSet-Cookie: a=b,x-b", USUAL ", x-b"},
		{"x:a,x-b", USUAL ", x-b"},
		{"x\xc3\xa4,x-b", USUAL ", x-b"},
		{"*", USUAL ", *"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[CORS_HEADERS_MAX];
		cors_allow_headers(out, slice_str(rows[i].asked));
		assert_string_equal(out, rows[i].allowed);
	}
}

/* As many as there is room for, and no more. */
static void
bounds(void **state)
{
	char out[CORS_HEADERS_MAX];
	struct buf asked;

	(void) state;
	for (unsigned n = 900; n < 1100; n++) {
		buf_init(&asked, BUF_UNLIMITED);
		for (unsigned i = 0; i < n; i++)
			buf_append_char(&asked, 'x');
		cors_allow_headers(out, buf_slice(&asked));
		assert_int_equal(strlen(out), strlen(USUAL) + (strlen(USUAL) + 2 + n < CORS_HEADERS_MAX ? 2 + n : 0));
		buf_fini(&asked);
	}
	buf_init(&asked, BUF_UNLIMITED);
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&asked, "x%03u,", i);
	cors_allow_headers(out, buf_slice(&asked));
	assert_true(strlen(out) > CORS_HEADERS_MAX - 8 && strlen(out) < CORS_HEADERS_MAX);
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&asked, "x%u,", i);
	cors_allow_headers(out, buf_slice(&asked));
	assert_string_equal(out, USUAL);
	buf_fini(&asked);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(bounds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
