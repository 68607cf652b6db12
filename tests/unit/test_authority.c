/* A host and its port. */
#include "unit.h"

#include "base/authority.h"

static void
forms(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: it is another form */
		uint16_t port;
	} rows[] = {
		{"a.org", "a.org", 7},
		{"a.org:80", "a.org", 80},
		{"a.org:0080", "a.org", 80},
		{"a.org:0", "a.org", 0},
		{"a.org:65535", "a.org", 65535},
		{"a.org:65536", NULL, 0},
		{"a.org:", NULL, 0},
		{"a.org:x", NULL, 0},
		{"a.org:-1", NULL, 0},
		{"a.org:80:80", NULL, 0},
		{"192.0.2.1:80", "192.0.2.1", 80},
		{"", "", 7},
		{":80", "", 80},
		{"[::1]", "::1", 7},
		{"[2001:db8::1]:443", "2001:db8::1", 443},
		{"[::1]80", NULL, 0},
		{"[::1]:", NULL, 0},
		{"[::1", NULL, 0},
		{"[", NULL, 0},
		{"[]", NULL, 0},
		{"[a.org]", NULL, 0},
		{"[192.0.2.1]", NULL, 0},
		{"[::1%eth0]", NULL, 0},
		{"::1", NULL, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(slice_str(rows[i].text)), host;
		uint16_t port = 7;
		bool is_one = authority_split(text, &host, &port);
		assert_row(is_one == (rows[i].host != NULL), rows[i].text);
		if (is_one) {
			assert_row(slice_eq(host, slice_str(rows[i].host)), rows[i].text);
			assert_row(port == rows[i].port, rows[i].text);
		}
		exact_free(text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
