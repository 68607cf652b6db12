/* What a connection can ask of the place it came in by. */
#include "unit.h"

#include "conf/conf_read.h"
#include "conf/listeners.h"

#include "base/buf.h"

static bool
to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (domain.n >= room)
		return false;
	memcpy(out, domain.p, domain.n);
	out[domain.n] = '\0';
	return true;
}

static const struct hooks hooks = {.to_ascii = to_ascii};

static struct conf *
read_conf(const char *text)
{
	struct conf *c = NULL;
	struct buf errors;

	buf_init(&errors, BUF_UNLIMITED);
	assert_int_equal(conf_read(&c, slice_str(text), "f", &hooks, &errors), 0);
	buf_fini(&errors);
	return c;
}

static void
table(void **state)
{
	static const char *const want[] = {"*:5280", "127.0.0.1:0", "[::1]:80", "/run/web.sock"};
	struct conf *c =
		read_conf("{\"listen\":[{\"address\":\"*\",\"port\":5280},{\"address\":\"127.0.0.1\",\"port\":0},"
			  "{\"address\":\"::1\",\"port\":80},{\"unix\":\"/run/web.sock\"}],"
			  "\"domains\":{\"example.com\":{\"connect\":\"xmpp://127.0.0.1\"}}}");
	struct listeners *l = listeners_new(c);

	(void) state;
	/* The table outlives the configuration that others use. */
	conf_unref(c);
	assert_int_equal(l->n, COUNT(want));
	for (uint32_t i = 0; i < l->n; i++) {
		const struct peer peer = {.listener = i};
		assert_string_equal(listeners_of(l, &peer)->text, want[i]);
		assert_ptr_equal(listeners_of(l, &peer)->conf, &l->conf->listen[i]);
	}
	listeners_opened(l, 1, 4711);
	listeners_opened(l, 3, 0);
	assert_string_equal(l->v[1].text, "127.0.0.1:4711");
	assert_int_equal(l->v[1].port, 4711);
	assert_string_equal(l->v[3].text, "/run/web.sock");
	assert_non_null(l->v[3].conf->unix_path);
	listeners_free(l);
	listeners_free(NULL);
}

static bool
is_own(const struct listeners *l, const char *self, const char *server, uint16_t port)
{
	unsigned char from[NETWORK_BYTES], to[NETWORK_BYTES];

	assert_true(network_address(slice_str(self), from) && network_address(slice_str(server), to));
	return listeners_have(l, from, to, port);
}

/* Who connects to an address of this machine does so from the same one, but for loopback. */
static void
own(void **state)
{
	struct conf *c = read_conf(
		"{\"listen\":[{\"address\":\"*\",\"port\":5280},{\"address\":\"127.0.0.1\",\"port\":5222},"
		"{\"address\":\"::\",\"port\":81},{\"address\":\"host.example\",\"port\":82},"
		"{\"address\":\"0.0.0.0\",\"port\":83},{\"address\":\"192.0.2.1\",\"port\":84},{\"unix\":\"/run/web.sock\"}],"
		"\"domains\":{\"example.com\":{\"connect\":\"xmpp://127.0.0.1\"}}}");
	struct listeners *l = listeners_new(c);

	(void) state;
	assert_true(is_own(l, "127.0.0.1", "127.0.0.1", 5280));
	assert_true(is_own(l, "127.0.0.1", "127.0.0.77", 5280));
	assert_true(is_own(l, "::1", "::1", 5280));
	assert_true(is_own(l, "192.0.2.1", "192.0.2.1", 5280));
	assert_true(is_own(l, "2001:db8::1", "2001:db8::1", 5280));
	assert_false(is_own(l, "192.0.2.1", "192.0.2.2", 5280)); /* another machine */
	assert_false(is_own(l, "127.0.0.1", "127.0.0.1", 5281));
	assert_true(is_own(l, "127.0.0.1", "127.0.0.1", 5222));
	assert_false(is_own(l, "127.0.0.1", "127.0.0.2", 5222)); /* somebody else may listen there */
	assert_false(is_own(l, "::1", "::1", 5222));
	assert_true(is_own(l, "::1", "::1", 81));
	assert_true(is_own(l, "192.0.2.1", "192.0.2.1", 82));
	assert_true(is_own(l, "192.0.2.1", "192.0.2.1", 83));
	assert_true(is_own(l, "192.0.2.1", "192.0.2.1", 84));
	assert_false(is_own(l, "127.0.0.1", "127.0.0.1", 84));
	conf_unref(c);
	listeners_free(l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
