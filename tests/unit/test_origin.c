/* Whose pages may connect. */
#include "unit.h"

#include "proto/http/origin.h"

static char a[] = "https://a.org", b[] = "https://b.org:8443", all[] = "*";
static char *const two_v[] = {a, b}, *const all_v[] = {all}, *const last_v[] = {a, all};
static const struct origins two = {two_v, 2}, everybody = {all_v, 1}, none = {NULL, 0}, last = {last_v, 2};

static void
rules(void **state)
{
	static const struct {
		const struct origins *list;
		struct slice origin;
		const char *host;
		bool is_allowed;
		size_t entry;
	} rows[] = {
		{&two, SLICE_INIT("https://a.org"), "x.org", true, 1},
		{&two, SLICE_INIT("https://A.org"), "x.org", true, 1},
		{&two, SLICE_INIT("HTTPS://b.ORG:8443"), "x.org", true, 2},
		{&two, SLICE_INIT("https://b.org"), "x.org", false, 0},
		{&two, SLICE_INIT("http://a.org"), "x.org", false, 0},
		{&two, SLICE_INIT("https://a.org.evil.com"), "x.org", false, 0},
		{&two, SLICE_INIT("https://a.org "), "x.org", false, 0},
		{&two, SLICE_INIT("null"), "x.org", false, 0},
		{&two, SLICE_INIT(""), "x.org", false, 0},
		{&two, SLICE_NONE_INIT, "x.org", true, 0},
		/* Of the host it asks. */
		{&two, SLICE_INIT("https://x.org"), "x.org", true, 0},
		{&two, SLICE_INIT("http://X.org"), "x.ORG", true, 0},
		{&two, SLICE_INIT("https://x.org:8443"), "x.org:8443", true, 0},
		{&two, SLICE_INIT("https://x.org:8443"), "x.org", false, 0},
		{&two, SLICE_INIT("ftp://x.org"), "x.org", false, 0},
		{&two, SLICE_INIT("https://"), "", false, 0},
		{&two, SLICE_INIT("https://x.org"), NULL, false, 0},
		/* All, and none. */
		{&everybody, SLICE_INIT("https://evil.com"), "x.org", true, 1},
		{&everybody, SLICE_INIT("null"), "x.org", true, 1},
		{&everybody, SLICE_INIT(""), "x.org", true, 1},
		{&everybody, SLICE_NONE_INIT, "x.org", true, 1},
		{&last, SLICE_INIT("https://a.org"), "x.org", true, 1},
		{&last, SLICE_INIT("https://c.org"), "x.org", true, 2},
		{&none, SLICE_NONE_INIT, "x.org", true, 0},
		{&none, SLICE_INIT("https://x.org"), "x.org", true, 0},
		{&none, SLICE_INIT("https://a.org"), "x.org", false, 0},
		{&none, SLICE_INIT("null"), "x.org", false, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice host = slice_str(rows[i].host);
		assert_row(
			origin_is_allowed(rows[i].list, rows[i].origin, host) == rows[i].is_allowed, rows[i].origin.p);
		assert_row(origin_entry(rows[i].list, rows[i].origin) == rows[i].entry, rows[i].origin.p);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(rules)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
