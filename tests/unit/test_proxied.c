#include "unit.h"

#include "proto/http/proxied.h"

static const struct row {
	bool is_trusted;
	enum forwarded_kind kind;
	const char *fields[6]; /* name, value, name, value */
	const char *text;
	bool is_client, is_secure;
} rows[] = {
	/* Who connects is the client, whatever it says. */
	{false, FORWARDED_FOR, {NULL}, "10.0.0.3:4711", true, false},
	{false, FORWARDED_FOR, {"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https"}, "10.0.0.3:4711", true,
		false},
	{false, FORWARDED_RFC, {"Forwarded", "for=192.0.2.7"}, "10.0.0.3:4711", true, false},
	/* A proxy that says nothing is no client. */
	{true, FORWARDED_FOR, {NULL}, "10.0.0.3:4711", false, false},
	{true, FORWARDED_FOR, {"X-Forwarded-For", ""}, "10.0.0.3:4711", false, false},
	/* The one field that is configured, and no other. */
	{true, FORWARDED_FOR, {"x-forwarded-FOR", "192.0.2.7"}, "192.0.2.7", true, false},
	{true, FORWARDED_FOR, {"Forwarded", "for=192.0.2.7"}, "10.0.0.3:4711", false, false},
	{true, FORWARDED_RFC, {"forwarded", "for=\"[2001:db8::1]:4711\""}, "2001:db8::1", true, false},
	{true, FORWARDED_RFC, {"X-Forwarded-For", "192.0.2.7"}, "10.0.0.3:4711", false, false},
	{true, FORWARDED_NONE, {"X-Forwarded-For", "192.0.2.7", "Forwarded", "for=192.0.2.8"}, "10.0.0.3:4711", false,
		false},
	/* Proxies behind proxies, in several lines. */
	{true, FORWARDED_FOR, {"X-Forwarded-For", "198.51.100.1, 192.0.2.7, 10.0.0.9"}, "192.0.2.7", true, false},
	{true, FORWARDED_FOR,
		{"X-Forwarded-For", "198.51.100.1", "X-Forwarded-For", "192.0.2.7:99", "X-Forwarded-For", "10.0.0.9"},
		"192.0.2.7", true, false},
	{true, FORWARDED_FOR, {"X-Forwarded-For", "10.0.0.8, 10.0.0.9"}, "10.0.0.8", false, false},
	/* It does not know it, or does not tell. */
	{true, FORWARDED_FOR, {"X-Forwarded-For", "192.0.2.7, unknown"}, "unknown", false, false},
	{true, FORWARDED_RFC, {"Forwarded", "for=_hidden;proto=https"}, "unknown", false, false},
	/* TLS, by its word; said twice or with a list it may be the client's. */
	{true, FORWARDED_FOR, {"X-Forwarded-Proto", " HTTPS "}, "10.0.0.3:4711", false, true},
	{true, FORWARDED_FOR, {"X-Forwarded-Proto", "wss"}, "10.0.0.3:4711", false, true},
	{true, FORWARDED_FOR, {"X-Forwarded-Proto", "ws"}, "10.0.0.3:4711", false, false},
	{true, FORWARDED_FOR, {"X-Forwarded-Proto", "https", "X-Forwarded-Proto", "https"}, "10.0.0.3:4711", false,
		false},
	{true, FORWARDED_FOR, {"X-Forwarded-Proto", "https, http"}, "10.0.0.3:4711", false, false},
};

static void
clients(void **state)
{
	static const struct log log;
	struct network trusted;
	struct peer peer = {.listener = 7};
	unsigned char address[NETWORK_BYTES];

	(void) state;
	assert_true(network_parse(SLICE("10.0.0.0/8"), &trusted));
	assert_true(network_address(SLICE("10.0.0.3"), address));
	peer_set_address(&peer, address, 4711);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct proxied_rules rules = {&peer, rows[i].is_trusted, rows[i].kind, &trusted, 1};
		struct proxied p;
		struct peer client;
		proxied_begin(&p, &rules);
		for (size_t j = 0; j < COUNT(rows[i].fields) && rows[i].fields[j] != NULL; j += 2) {
			struct slice value = exact(slice_str(rows[i].fields[j + 1]));
			proxied_field(&p, slice_str(rows[i].fields[j]), value);
			exact_free(value);
		}
		client = proxied_client(&p);
		assert_string_equal(log_peer(&log, &client).text, rows[i].text);
		assert_int_equal(client.is_client, rows[i].is_client);
		assert_int_equal(client.is_secure, rows[i].is_secure);
		assert_int_equal(client.listener, 7);
	}
}

/* TLS of its own connection stays, unless a proxy that is believed says otherwise. */
static void
tls(void **state)
{
	const struct peer peer = {.kind = PEER_UNIX, .is_secure = true};
	struct proxied_rules rules = {.peer = &peer, .is_trusted = true};
	struct proxied p;

	(void) state;
	proxied_begin(&p, &rules);
	assert_true(proxied_client(&p).is_secure);
	assert_int_equal(proxied_client(&p).kind, PEER_UNIX);
	proxied_field(&p, SLICE("X-Forwarded-Proto"), SLICE("http"));
	assert_false(proxied_client(&p).is_secure);
	proxied_field(&p, SLICE("X-Forwarded-For"), SLICE("192.0.2.7"));
	assert_int_equal(proxied_client(&p).kind, PEER_ADDRESS);
	assert_true(proxied_client(&p).is_client);
	rules.is_trusted = false;
	proxied_begin(&p, &rules);
	proxied_field(&p, SLICE("X-Forwarded-Proto"), SLICE("http"));
	assert_true(proxied_client(&p).is_secure);
}

/* Whom not even a PROXY header told is nobody's client, however untrusted: unknown ones do not count as one. */
static void
unknown(void **state)
{
	const struct peer peer = {.kind = PEER_UNKNOWN};
	const struct proxied_rules rules = {.peer = &peer};
	struct proxied p;

	(void) state;
	proxied_begin(&p, &rules);
	proxied_field(&p, SLICE("X-Forwarded-For"), SLICE("192.0.2.7"));
	assert_int_equal(proxied_client(&p).kind, PEER_UNKNOWN);
	assert_false(proxied_client(&p).is_client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(clients), cmocka_unit_test(tls), cmocka_unit_test(unknown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
