#include "unit.h"

#include "base/peer.h"

static const struct log full = {.addresses = LOG_ADDRESSES_FULL}, network = {.addresses = LOG_ADDRESSES_NETWORK},
			none = {.addresses = LOG_ADDRESSES_NONE};

static void
texts(void **state)
{
	static const struct {
		const char *address;
		uint16_t port;
		const char *text, *network;
	} rows[] = {
		{"192.0.2.7", 4711, "192.0.2.7:4711", "192.0.2.0/24"},
		{"192.0.2.7", 0, "192.0.2.7", "192.0.2.0/24"},
		{"::ffff:192.0.2.7", 1, "192.0.2.7:1", "192.0.2.0/24"},
		{"2001:DB8:0::1", 65535, "[2001:db8::1]:65535", "2001:db8::/48"},
		{"2001:db8::1", 0, "2001:db8::1", "2001:db8::/48"},
		{"1111:2222:3333:4444:5555:6666:7777:8888", 65535, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
			"1111:2222:3333::/48"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct peer peer = {.kind = PEER_UNIX, .is_secure = true, .listener = 3};
		unsigned char address[NETWORK_BYTES];
		assert_true(network_address(slice_str(rows[i].address), address));
		peer_set_address(&peer, address, rows[i].port);
		assert_string_equal(log_peer(&full, &peer).text, rows[i].text);
		assert_string_equal(log_peer(&network, &peer).text, rows[i].network);
		assert_string_equal(log_peer(&none, &peer).text, "-");
		assert_memory_equal(peer.address, address, NETWORK_BYTES);
		assert_int_equal(peer.kind, PEER_ADDRESS);
		assert_true(peer.is_secure && peer.listener == 3);
	}
}

static void
nobody(void **state)
{
	static const unsigned char zero[NETWORK_BYTES];
	struct peer peer = {.kind = PEER_ADDRESS, .port = 4711, .is_client = true, .address = {1}};

	(void) state;
	peer_set_nobody(&peer, PEER_UNKNOWN);
	assert_string_equal(log_peer(&full, &peer).text, "unknown");
	assert_string_equal(log_peer(&none, &peer).text, "unknown");
	assert_memory_equal(peer.address, zero, NETWORK_BYTES);
	assert_false(peer.is_client || peer.port != 0);
	peer_set_nobody(&peer, PEER_UNIX);
	assert_string_equal(log_peer(&network, &peer).text, "unix");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(nobody)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
