#include "unit.h"

#include "proto/net/special.h"

static const char *
judge(const char *text, const char *const *allow, size_t n)
{
	unsigned char address[NETWORK_BYTES];
	struct network allowed[4];

	assert_true(network_address(slice_str(text), address));
	for (size_t i = 0; i < n; i++)
		assert_true(network_parse(slice_str(allow[i]), &allowed[i]));
	return special_refused(address, strchr(text, ':') != NULL, allowed, n);
}

/* The first and the last address of each range, and its neighbours. */
static void
ranges(void **state)
{
	static const struct {
		const char *kind, *first, *last;
		const char *before, *behind; /* public; NULL: special for another reason, or none */
	} rows[] = {
		{"this network", "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0"},
		{"private", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
		{"shared", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
		{"loopback", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
		{"link-local", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
		{"private", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
		{"protocol assignments", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
		{"documentation", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
		{"6to4", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
		{"private", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
		{"benchmarking", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
		{"documentation", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
		{"documentation", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
		{"multicast", "224.0.0.0", "239.255.255.255", "223.255.255.255", NULL},
		{"reserved", "240.0.0.0", "255.255.255.255", NULL, NULL},
		{"unspecified", "::", "::", NULL, NULL},
		{"loopback", "::1", "::1", NULL, NULL},
		{"reserved", "::2", "::fffe:ffff:ffff", NULL, NULL}, /* IPv4-compatible ones among them */
		{"IPv4-mapped", "::ffff:1.0.0.0", "::ffff:223.255.255.255", NULL, NULL},
		{"reserved", "::1:0:0:0", "64:ff9a:ffff::", NULL, NULL},
		{"NAT64", "64:ff9b::", "64:ff9b::255.255.255.255", NULL, NULL},
		{"local NAT64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL},
		{"discard", "100::", "100::ffff:ffff:ffff:ffff", NULL, NULL},
		{"reserved", "100:0:0:1::", "1fff:ffff::", NULL, "2000::"},
		{"protocol assignments", "2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"},
		{"documentation", "2001:db8::", "2001:db8:ffff::", "2001:db7:ffff::", "2001:db9::"},
		{"6to4", "2002::", "2002:ffff::", "2001:ffff::", "2003::"},
		{"documentation", "3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"},
		{"reserved", "4000::", "fbff:ffff::", "3fff:ffff::", NULL},
		{"private", "fc00::", "fdff:ffff::", NULL, NULL},
		{"reserved", "fe00::", "fe7f:ffff::", NULL, NULL},
		{"link-local", "fe80::", "febf:ffff::", NULL, NULL},
		{"site-local", "fec0::", "feff:ffff::", NULL, NULL},
		{"multicast", "ff00::", "ffff:ffff::", NULL, NULL},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(judge(rows[i].first, NULL, 0), rows[i].kind);
		assert_string_equal(judge(rows[i].last, NULL, 0), rows[i].kind);
		if (rows[i].before != NULL)
			assert_null(judge(rows[i].before, NULL, 0));
		if (rows[i].behind != NULL)
			assert_null(judge(rows[i].behind, NULL, 0));
	}
}

/* An address of IPv4 in another form is no way around. */
static void
forms(void **state)
{
	static const char *const loopback[] = {"127.0.0.0/8"}, *const gateway[] = {"64:ff9b::/96"};
	static const char *const both[] = {"64:ff9b::/96", "127.0.0.0/8"}, *const all[] = {"::ffff:0:0/96"};

	(void) state;
	assert_string_equal(judge("::ffff:127.0.0.1", NULL, 0), "loopback");
	assert_string_equal(judge("::ffff:8.8.8.8", NULL, 0), "IPv4-mapped");
	assert_null(judge("::ffff:127.0.0.1", loopback, 1));
	assert_null(judge("::ffff:8.8.8.8", all, 1));
	assert_string_equal(judge("64:ff9b::8.8.8.8", NULL, 0), "NAT64");
	assert_null(judge("64:ff9b::8.8.8.8", gateway, 1));
	assert_string_equal(judge("64:ff9b::127.0.0.1", loopback, 1), "NAT64");
	assert_string_equal(judge("64:ff9b::127.0.0.1", gateway, 1), "loopback");
	assert_null(judge("64:ff9b::127.0.0.1", both, 2));
	assert_string_equal(judge("::127.0.0.1", loopback, 1), "reserved");
	assert_string_equal(judge("2002:7f00:1::", loopback, 1), "6to4");
}

static void
allowed(void **state)
{
	static const char *const some[] = {"10.1.0.0/16", "fd00::/8", "::1"};

	(void) state;
	assert_null(judge("10.1.255.255", some, 3));
	assert_string_equal(judge("10.2.0.0", some, 3), "private");
	assert_null(judge("fd00::1", some, 3));
	assert_string_equal(judge("fc00::1", some, 3), "private");
	assert_null(judge("::1", some, 3));
	assert_string_equal(judge("127.0.0.1", some, 3), "loopback");
	assert_null(judge("8.8.8.8", some, 3));
}

static void
ports(void **state)
{
	static const uint16_t good[] = {443, 5222, 5223, 1024, 65535}, bad[] = {0, 1, 22, 25, 80, 442, 444, 1023};

	(void) state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(special_has_port(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(special_has_port(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(forms),
		cmocka_unit_test(allowed),
		cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
