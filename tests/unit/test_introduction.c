#include "unit.h"

#include "proto/net/introduction.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define AUTHORITY \
	"\x02\0\x0b" \
	"example.org"

/* We are at 192.0.2.1:9.  A client "" has no address, NULL is nobody at all. */
static size_t
write(unsigned version, const char *client, const char *server, bool is_secure, char out[INTRODUCTION_MAX])
{
	struct peer peer = {.kind = PEER_UNIX, .is_secure = is_secure};
	struct introduction i = {
		.version = version, .self_port = 9, .server_port = 5222, .domain = SLICE("example.org")};
	unsigned char address[NETWORK_BYTES];

	if (client != NULL && network_address(slice_str(client), address))
		peer_set_address(&peer, address, 4711);
	assert_true(network_address(SLICE("192.0.2.1"), i.self));
	assert_true(network_address(slice_str(server), i.server));
	i.client = client != NULL ? &peer : NULL;
	return introduction_write(&i, out);
}

/* The PROXY protocol, 2.1. */
static void
version_1(void **state)
{
	static const struct {
		const char *client, *server, *line;
	} cases[] = {
		{"192.0.2.7", "198.51.100.4", "PROXY TCP4 192.0.2.7 198.51.100.4 4711 5222\r\n"},
		{"::ffff:192.0.2.7", "198.51.100.4", "PROXY TCP4 192.0.2.7 198.51.100.4 4711 5222\r\n"},
		{"2001:db8::7", "2001:db8::4", "PROXY TCP6 2001:db8::7 2001:db8::4 4711 5222\r\n"},
		{"192.0.2.7", "2001:db8::4", "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::4 4711 5222\r\n"},
		{"2001:db8::7", "198.51.100.4", "PROXY TCP6 2001:db8::7 ::ffff:198.51.100.4 4711 5222\r\n"},
		{"::1", "::1", "PROXY TCP6 ::1 ::1 4711 5222\r\n"},
		{"", "198.51.100.4", "PROXY TCP4 192.0.2.1 198.51.100.4 9 5222\r\n"},
		{"", "2001:db8::4", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::4 9 5222\r\n"},
		{NULL, "198.51.100.4", "PROXY TCP4 192.0.2.1 198.51.100.4 9 5222\r\n"},
	};
	char out[INTRODUCTION_MAX];

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = write(1, cases[i].client, cases[i].server, true, out);
		if (!slice_eq(slice_of(out, n), slice_str(cases[i].line)))
			fail_msg("%zu: %.*s", i, (int) n, out);
	}
}

/* The PROXY protocol, 2.2. */
static void
version_2(void **state)
{
#define ADDRESS_6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
#define MAPPED_7 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07"
#define SELF "\xc0\0\x02\x01\xc6\x33\x64\x04\0\x09\x14\x66"
#define PORTS "\x12\x67\x14\x66"
	static const struct {
		const char *client, *server;
		bool is_secure;
		struct slice bytes;
	} cases[] = {
		{"192.0.2.7", "198.51.100.4", false,
			SLICE_INIT(SIGNATURE "\x21\x11\0\x1a\xc0\0\x02\x07\xc6\x33\x64\x04" PORTS AUTHORITY)},
		{"192.0.2.7", "198.51.100.4", true,
			SLICE_INIT(SIGNATURE "\x21\x11\0\x22\xc0\0\x02\x07\xc6\x33\x64\x04" PORTS AUTHORITY
					     "\x20\0\x05\x01\0\0\0\x01")},
		{"2001:db8::7", "2001:db8::4", false,
			SLICE_INIT(SIGNATURE "\x21\x21\0\x32" ADDRESS_6 "\x07" ADDRESS_6 "\x04" PORTS AUTHORITY)},
		{"192.0.2.7", "2001:db8::4", false,
			SLICE_INIT(SIGNATURE "\x21\x21\0\x32" MAPPED_7 ADDRESS_6 "\x04" PORTS AUTHORITY)},
		{"", "198.51.100.4", false, SLICE_INIT(SIGNATURE "\x21\x11\0\x1a" SELF AUTHORITY)},
		{"", "198.51.100.4", true,
			SLICE_INIT(SIGNATURE "\x21\x11\0\x22" SELF AUTHORITY "\x20\0\x05\x01\0\0\0\x01")},
		{NULL, "198.51.100.4", false, SLICE_INIT(SIGNATURE "\x20\x11\0\x1a" SELF AUTHORITY)},
	};
	char out[INTRODUCTION_MAX];

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = write(2, cases[i].client, cases[i].server, cases[i].is_secure, out);
		assert_int_equal(n, cases[i].bytes.n);
		assert_memory_equal(out, cases[i].bytes.p, n);
	}
}

/* The longest domain there is. */
static void
longest(void **state)
{
	char out[INTRODUCTION_MAX], domain[255];
	struct peer peer = {.address = {0x20}, .is_secure = true};
	const struct introduction i = {
		.version = 2, .client = &peer, .server = {0x20}, .domain = slice_of(domain, sizeof domain)};

	(void) state;
	memset(domain, 'd', sizeof domain);
	assert_int_equal(introduction_write(&i, out), 16 + 36 + 3 + 255 + 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1), cmocka_unit_test(version_2), cmocka_unit_test(longest)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
