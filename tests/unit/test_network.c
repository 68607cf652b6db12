/* Ranges of addresses. */
#include "unit.h"

#include "base/network.h"

static void
ranges(void **state)
{
	static const struct {
		const char *network, *in[3], *out[4];
	} rows[] = {
		{"127.0.0.0/8", {"127.0.0.1", "127.255.255.255", "::ffff:127.1.2.3"},
			{"126.255.255.255", "128.0.0.0", "::1", "10.0.0.1"}},
		{"192.0.2.1", {"192.0.2.1", "::ffff:c000:201"}, {"192.0.2.2", "192.0.2.0", "::192.0.2.1"}},
		{"192.0.2.128/25", {"192.0.2.128", "192.0.2.255"}, {"192.0.2.127", "192.0.3.128"}},
		{"192.0.2.254/31", {"192.0.2.254", "192.0.2.255"}, {"192.0.2.253", "192.0.3.0"}},
		{"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1", "2001:db8::1"}},
		{"::/0", {"::", "2001:db8::1", "192.0.2.1"}, {NULL}},
		{"::1", {"::1"}, {"::2", "::", "127.0.0.1"}},
		{"2001:db8::/33", {"2001:db8::1", "2001:db8:7fff::"}, {"2001:db8:8000::", "2001:db9::"}},
		{"::ffff:10.0.0.0/104", {"10.0.0.1", "10.255.0.1"}, {"11.0.0.1", "9.255.255.255"}},
		{"fe80::/10", {"fe80::1", "febf::1"}, {"fec0::1", "fe7f::1"}},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct network n;
		struct slice text = exact(slice_str(rows[i].network));
		unsigned char address[NETWORK_BYTES];
		assert_row(network_parse(text, &n), rows[i].network);
		exact_free(text);
		for (size_t k = 0; k < COUNT(rows[i].in) && rows[i].in[k] != NULL; k++) {
			assert_row(network_address(slice_str(rows[i].in[k]), address), rows[i].in[k]);
			assert_row(network_has(&n, address), rows[i].in[k]);
		}
		for (size_t k = 0; k < COUNT(rows[i].out) && rows[i].out[k] != NULL; k++) {
			assert_row(network_address(slice_str(rows[i].out[k]), address), rows[i].out[k]);
			assert_row(!network_has(&n, address), rows[i].out[k]);
		}
	}
}

static void
no_ranges(void **state)
{
	static const char *const rows[] = {"", "/", "/8", "x", "localhost", "127.0.0.1/", "127.0.0.1/8", "127.0.0.0/33",
		"127.0.0.0/-1", "127.0.0.0/+8", "127.0.0.0/8/8", "127.0.0.0/ 8", " 127.0.0.0/8", "127.0.0/8", "127.1",
		"1.2.3.4.5", "256.0.0.1", "::/129", "::1/0", "2001:db8::1/32", "[::1]", "[::]/0", "::1%lo",
		"fe80::1%1/64", ":::1", "1:2:3:4:5:6:7:8:9", "127.0.0.0/0x8", "127.0.0.0/99999999999999999999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
	struct network n = {.bits = 77};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(slice_str(rows[i]));
		assert_row(!network_parse(text, &n), rows[i]);
		exact_free(text);
	}
	assert_false(network_parse(slice_of("::1\0", 4), &n));
	assert_false(network_parse(SLICE_NONE, &n));
	assert_int_equal(n.bits, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ranges), cmocka_unit_test(no_ranges)};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
