#include "proto/http/forwarded.h"

#include <arpa/inet.h>

#include "unit.h"

#define MAX_LINES 3

struct row {
	enum forwarded_kind kind;
	const char *lines[MAX_LINES];
	const char *client; /* NULL: nobody; "": unknown */
};

static const char *const proxies[] = {"127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8:ffff::/48"};

static void
check(const struct row *row)
{
	struct network trusted[COUNT(proxies)];
	unsigned char address[NETWORK_BYTES], expected[NETWORK_BYTES];
	struct forwarded f;

	for (size_t i = 0; i < COUNT(proxies); i++)
		assert_true(network_parse(slice_str(proxies[i]), &trusted[i]));
	forwarded_begin(&f, row->kind, trusted, COUNT(trusted));
	for (size_t i = 0; i < MAX_LINES && row->lines[i] != NULL; i++) {
		struct slice line = exact(slice_str(row->lines[i]));
		forwarded_field(&f, line);
		exact_free(line);
	}
	if (row->client == NULL) {
		assert_int_equal(forwarded_client(&f, address), FORWARDED_NOBODY);
	} else if (row->client[0] == '\0') {
		assert_int_equal(forwarded_client(&f, address), FORWARDED_UNKNOWN);
	} else {
		assert_int_equal(forwarded_client(&f, address), FORWARDED_ADDRESS);
		assert_true(network_address(slice_str(row->client), expected));
		assert_memory_equal(address, expected, sizeof address);
	}
}

static void
x_forwarded_for(void **state)
{
	static const struct row rows[] = {
		{FORWARDED_FOR, {NULL}, NULL},
		{FORWARDED_FOR, {""}, NULL},
		{FORWARDED_FOR, {" , "}, NULL},
		{FORWARDED_FOR, {"192.0.2.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"192.0.2.1:4711"}, "192.0.2.1"},
		{FORWARDED_FOR, {"2001:db8::1"}, "2001:db8::1"},
		{FORWARDED_FOR, {"[2001:db8::1]"}, "2001:db8::1"},
		{FORWARDED_FOR, {"[2001:db8::1]:4711"}, "2001:db8::1"},
		{FORWARDED_FOR, {"::ffff:192.0.2.1"}, "192.0.2.1"},
		/* The right-most that is no trusted proxy; what stands left of it may be anything. */
		{FORWARDED_FOR, {"198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"198.51.100.9,192.0.2.1,10.1.2.3, 127.0.0.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"<script>, 192.0.2.1, 2001:db8:ffff::7"}, "192.0.2.1"},
		{FORWARDED_FOR, {"10.9.9.9, 192.0.2.1"}, "192.0.2.1"},
		/* All are. */
		{FORWARDED_FOR, {"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		{FORWARDED_FOR, {"10.1.1.1", "10.2.2.2"}, "10.1.1.1"},
		/* Several lines are one list. */
		{FORWARDED_FOR, {"192.0.2.1", "198.51.100.9"}, "198.51.100.9"},
		{FORWARDED_FOR, {"192.0.2.1", "10.1.1.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"198.51.100.9", "192.0.2.1, 10.0.0.1", "10.1.1.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"192.0.2.1", ""}, "192.0.2.1"},
		/* Nobody knows. */
		{FORWARDED_FOR, {"192.0.2.1, unknown"}, ""},
		{FORWARDED_FOR, {"192.0.2.1, unknown, 10.0.0.1"}, ""},
		{FORWARDED_FOR, {"192.0.2.1", "_hidden"}, ""},
		{FORWARDED_FOR, {"unknown, 192.0.2.1"}, "192.0.2.1"},
		{FORWARDED_FOR, {"192.0.2.1:99999"}, ""},
		{FORWARDED_FOR, {"192.0.2.1:"}, ""},
		{FORWARDED_FOR, {"192.0.2.256"}, ""},
		{FORWARDED_FOR, {"[192.0.2.1]"}, ""},
		{FORWARDED_FOR, {"[2001:db8::1"}, ""},
		{FORWARDED_FOR, {"[2001:db8::1]4711"}, ""},
		{FORWARDED_FOR, {"[]:1"}, ""},
		{FORWARDED_FOR, {"\"192.0.2.1\""}, ""},
		{FORWARDED_FOR, {"chat.example.com"}, ""},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i]);
}

/* RFC 7239 */
static void
forwarded(void **state)
{
	static const struct row rows[] = {
		{FORWARDED_RFC, {NULL}, NULL},
		{FORWARDED_RFC, {"for=192.0.2.43"}, "192.0.2.43"},
		{FORWARDED_RFC, {"For=\"[2001:db8:cafe::17]:4711\""}, "2001:db8:cafe::17"},
		{FORWARDED_RFC, {"for=192.0.2.60;proto=http;by=203.0.113.43"}, "192.0.2.60"},
		{FORWARDED_RFC, {"proto=https ; FOR = \"192.0.2.60:80\" ; host=\"a,b;for=x\""}, "192.0.2.60"},
		{FORWARDED_RFC, {"for=192.0.2.43, for=198.51.100.17"}, "198.51.100.17"},
		{FORWARDED_RFC, {"for=192.0.2.43, for=\"[2001:db8:ffff::1]\""}, "192.0.2.43"},
		{FORWARDED_RFC, {"for=192.0.2.43", "for=10.0.0.1;by=_x"}, "192.0.2.43"},
		{FORWARDED_RFC, {"for=\"192.0.\\2.43\""}, "192.0.2.43"},
		/* 6.2, 6.3 */
		{FORWARDED_RFC, {"for=unknown"}, ""},
		{FORWARDED_RFC, {"for=192.0.2.43, for=_gazonk"}, ""},
		{FORWARDED_RFC, {"for=\"_SEVKISEK:4711\", for=10.0.0.1"}, ""},
		{FORWARDED_RFC, {"for=192.0.2.43, proto=https"}, ""},
		{FORWARDED_RFC, {"for=192.0.2.43;for=192.0.2.44"}, ""},
		{FORWARDED_RFC, {"for"}, ""},
		{FORWARDED_RFC, {"for="}, ""},
		{FORWARDED_RFC, {"for=\"\""}, ""},
		{FORWARDED_RFC, {"for=\""}, ""},
		{FORWARDED_RFC, {"for=\"\\"}, ""},
		{FORWARDED_RFC, {"for=\"192.0.2.43\"x"}, ""},
		{FORWARDED_RFC, {"for=192.0.2\"43\""}, ""},
		{FORWARDED_RFC, {"192.0.2.43"}, ""},
		/* A client's quotation mark hides nothing that a proxy writes behind it. */
		{FORWARDED_RFC, {"for=\"oops, for=192.0.2.43"}, "192.0.2.43"},
		{FORWARDED_RFC, {"for=\"oops, for=\"[2001:db8::2]\""}, "2001:db8::2"},
		{FORWARDED_RFC, {"for=\"oops\\, for=\"[2001:db8::2]\";by=\"[::1]\", for=10.0.0.1"}, "2001:db8::2"},
		{FORWARDED_RFC,
			{"for=\"1234567890123456789012345678901234567890123456789012345678901234567890\", for=192.0.2.43"},
			"192.0.2.43"},
		{FORWARDED_RFC, {"for=\"1234567890123456789012345678901234567890123456789012345678901234567890\""}, ""},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x_forwarded_for),
		cmocka_unit_test(forwarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
