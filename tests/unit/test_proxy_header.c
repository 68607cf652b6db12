#include "proto/net/proxy_header.h"

#include "unit.h"

#define LOCAL "itself"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct row {
	struct slice bytes;
	enum proxy_header_result result;
	const char *address; /* of DONE; LOCAL; NULL: nobody knows */
	unsigned port;
	size_t behind; /* bytes that follow the header */
};

/* clang-format off */
#define ROW(bytes, ...) {SLICE_INIT(bytes), __VA_ARGS__}
/* clang-format on */

static enum proxy_header_who
who_of(const char *address)
{
	if (address == NULL)
		return PROXY_HEADER_UNKNOWN;
	return strcmp(address, LOCAL) == 0 ? PROXY_HEADER_ITSELF : PROXY_HEADER_ADDRESS;
}

/* The result comes at the header's last byte, or before it when the header is bad; each prefix is MORE. */
static void
check(const struct row *row)
{
	struct slice whole = exact(row->bytes);
	struct proxy_header h;
	unsigned char address[NETWORK_BYTES];

	assert_int_equal(proxy_header_read(&h, whole), row->result);
	if (row->result == PROXY_HEADER_DONE) {
		assert_int_equal(h.n + row->behind, whole.n);
		assert_int_equal(h.who, who_of(row->address));
		if (h.who == PROXY_HEADER_ADDRESS) {
			assert_true(network_address(slice_str(row->address), address));
			assert_memory_equal(h.address, address, sizeof address);
			assert_int_equal(h.port, row->port);
		}
		for (size_t n = 0; n < h.n; n++) {
			struct slice part = exact(slice_of(whole.p, n));
			struct proxy_header early;
			assert_int_equal(proxy_header_read(&early, part), PROXY_HEADER_MORE);
			exact_free(part);
		}
	} else if (row->result == PROXY_HEADER_BAD) {
		assert_non_null(h.reason);
	}
	exact_free(whole);
}

static void
version_1(void **state)
{
	static const struct row rows[] = {
		ROW("", PROXY_HEADER_MORE, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n", PROXY_HEADER_DONE, "192.0.2.1", 4711, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\nGET / HTTP/1.1\r\n", PROXY_HEADER_DONE, "192.0.2.1",
			0, 16),
		ROW("PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", PROXY_HEADER_DONE, "2001:db8::1", 4711, 0),
		ROW("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
			PROXY_HEADER_DONE, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 0),
		ROW("PROXY UNKNOWN\r\n", PROXY_HEADER_DONE, NULL, 0, 0),
		ROW("PROXY UNKNOWN and more  words\r\nx", PROXY_HEADER_DONE, NULL, 0, 1),
		ROW("GET / HTTP/1.1\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("P", PROXY_HEADER_MORE, NULL, 0, 0),
		ROW("PO", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("proxy TCP4 ", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY \r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP5 192.0.2.1 198.51.100.1 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4  192.0.2.1 198.51.100.1 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 1\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 4711 65536\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 2001:db8::1 198.51.100.1 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP6 192.0.2.1 198.51.100.1 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1 198.51.100 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY TCP4 192.0.2.1\0 198.51.100.1 4711 443\r\n", PROXY_HEADER_BAD, NULL, 0, 0),
		/* 107 bytes with no end, and one less. */
		ROW("PROXY UNKNOWN 890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
		    "8901234567",
			PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("PROXY UNKNOWN 890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
		    "",
			PROXY_HEADER_MORE, NULL, 0, 0),
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i]);
}

static void
version_2(void **state)
{
	static const struct row rows[] = {
		ROW(SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x67\x01\xbb", PROXY_HEADER_DONE,
			"192.0.2.1", 4711, 0),
		/* TLVs are skipped. */
		ROW(SIGNATURE "\x21\x11\x00\x10\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x67\x01\xbb\x04\x00\x01\x00"
			      "GET",
			PROXY_HEADER_DONE, "192.0.2.1", 4711, 3),
		ROW(SIGNATURE
			"\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0"
			"\0\x02\x12\x67\x01\xbb",
			PROXY_HEADER_DONE, "2001:db8::1", 4711, 0),
		/* LOCAL, whatever follows; UNSPEC; UDP; unix. */
		ROW(SIGNATURE "\x20\x00\x00\x00", PROXY_HEADER_DONE, LOCAL, 0, 0),
		ROW(SIGNATURE "\x20\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x67\x01\xbb", PROXY_HEADER_DONE,
			LOCAL, 0, 0),
		ROW(SIGNATURE "\x20\xff\x00\x02xyGET", PROXY_HEADER_DONE, LOCAL, 0, 3),
		ROW(SIGNATURE "\x20\x13\x00\x00", PROXY_HEADER_DONE, LOCAL, 0, 0),
		ROW(SIGNATURE "\x21\x00\x00\x02xyGET", PROXY_HEADER_DONE, NULL, 0, 3),
		ROW(SIGNATURE "\x21\x12\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x67\x01\xbb", PROXY_HEADER_DONE,
			NULL, 0, 0),
		ROW(SIGNATURE "\x21\x31\x00\x04path", PROXY_HEADER_DONE, NULL, 0, 0),
		/* What is wrong is seen as soon as it is there. */
		ROW("\r\n\r\n\0\r\nQUIT\r", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW("\r\n\r\nGET", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x11", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x22", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x21\x41\x00\x0c", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x21\x13\x00\x0c", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x21\x11\x0f\xf1", PROXY_HEADER_BAD, NULL, 0, 0),
		ROW(SIGNATURE "\x21\x11\x0f\xf0", PROXY_HEADER_MORE, NULL, 0, 0),
		ROW(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x67\x01", PROXY_HEADER_BAD, NULL, 0,
			0),
		ROW(SIGNATURE "\x21\x21\x00\x00", PROXY_HEADER_BAD, NULL, 0, 0),
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
