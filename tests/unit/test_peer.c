#include "unit.h"

#include "base/peer.h"

static void
texts(void **state)
{
	static const struct {
		const char *address;
		uint16_t port;
		const char *text;
	} rows[] = {
		{"192.0.2.7", 4711, "192.0.2.7:4711"},
		{"192.0.2.7", 0, "192.0.2.7"},
		{"::ffff:192.0.2.7", 1, "192.0.2.7:1"},
		{"2001:DB8:0::1", 65535, "[2001:db8::1]:65535"},
		{"2001:db8::1", 0, "2001:db8::1"},
		{"1111:2222:3333:4444:5555:6666:7777:8888", 65535, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct peer peer = {.is_unix = true, .is_secure = true, .listener = 3};
		unsigned char address[NETWORK_BYTES];
		assert_true(network_address(slice_str(rows[i].address), address));
		peer_set_address(&peer, address, rows[i].port);
		assert_string_equal(peer.text, rows[i].text);
		assert_int_equal(peer_port(&peer), rows[i].port);
		assert_memory_equal(peer.address, address, NETWORK_BYTES);
		assert_false(peer.is_unix);
		assert_true(peer.is_secure && peer.listener == 3);
	}
}

static void
nobody(void **state)
{
	static const unsigned char none[NETWORK_BYTES];
	struct peer peer = {.text = "192.0.2.7:4711", .is_client = true, .address = {1}};

	(void) state;
	peer_set_nobody(&peer, "unknown");
	assert_string_equal(peer.text, "unknown");
	assert_int_equal(peer_port(&peer), 0);
	assert_memory_equal(peer.address, none, NETWORK_BYTES);
	assert_false(peer.is_client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(nobody)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
