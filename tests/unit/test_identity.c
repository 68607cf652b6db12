#include "unit.h"

#include "proto/net/identity.h"

/* As IDNA has it, for one name. */
static bool
to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (!slice_eq_nocase(domain, SLICE("m\xc3\xbcnchen.example")))
		return false;
	snprintf(out, room, "xn--mnchen-3ya.example");
	return true;
}

static const struct hooks hooks = {.to_ascii = to_ascii};

static bool
is_for(enum identity_kind kind, const char *name, const char *domain)
{
	struct slice copy = exact(slice_str(name));
	const struct identity i = {kind, copy};
	bool result = identity_is_among(&i, 1, slice_str(domain), &hooks);

	exact_free(copy);
	return result;
}

/* RFC 6125, 6.4: whole names, letters without case; a wildcard is a whole first label and stands for one label. */
static void
dns(void **state)
{
	static const struct {
		const char *name, *domain;
		bool is;
	} cases[] = {
		{"example.com", "example.com", true}, {"EXAMPLE.com", "example.COM", true},
		{"example.com", "example.org", false}, {"example.com", "im.example.com", false},
		{"im.example.com", "example.com", false}, {"example.com.", "example.com", false},
		{"", "example.com", false}, {"example.com", "", false}, {"*.example.com", "im.example.com", true},
		{"*.EXAMPLE.com", "IM.example.com", true}, {"*.example.com", "example.com", false},
		{"*.example.com", "a.im.example.com", false}, {"*.example.com", ".example.com", false},
		{"*.com", "example.com", false}, {"*", "com", false}, {"*.", "com.", false},
		{"*.*.com", "im.example.com", false}, {"i*.example.com", "im.example.com", false},
		{"*m.example.com", "im.example.com", false}, {"im.*.com", "im.example.com", false},
		{"xn--*.example.com", "xn--mnchen-3ya.example.com", false},
		{"xn--mnchen-3ya.example", "xn--mnchen-3ya.example", true},
		{"m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", false}, /* an IA5String has none of these */
	};

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (is_for(IDENTITY_DNS, cases[i].name, cases[i].domain) != cases[i].is)
			fail_msg("%s for %s", cases[i].name, cases[i].domain);
}

/* What stands behind a NUL does not make a name another's. */
static void
nul(void **state)
{
	static const enum identity_kind kinds[] = {IDENTITY_DNS, IDENTITY_XMPP, IDENTITY_COMMON};

	(void) state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct identity one = {kinds[i], SLICE_INIT("example.com\0.evil.example")};
		assert_false(identity_is_among(&one, 1, SLICE("example.com"), &hooks));
	}
}

/* RFC 4985; RFC 6125, 6.5.1: the service must be ours. */
static void
srv(void **state)
{
	(void) state;
	assert_true(is_for(IDENTITY_SRV, "_xmpp-client.example.com", "example.com"));
	assert_true(is_for(IDENTITY_SRV, "_XMPP-Client.Example.com", "example.com"));
	assert_true(is_for(IDENTITY_SRV, "_xmpp-client.*.example.com", "im.example.com"));
	assert_false(is_for(IDENTITY_SRV, "_xmpp-server.example.com", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "_xmpps-client.example.com", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "xmpp-client.example.com", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "_xmpp-client.example.org", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "_xmpp-client.", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "_xmpp-client", "example.com"));
	assert_false(is_for(IDENTITY_SRV, "example.com", "example.com"));
}

/* RFC 6120, 13.7.1.4: a domain as people write it, and no wildcard. */
static void
xmpp(void **state)
{
	(void) state;
	assert_true(is_for(IDENTITY_XMPP, "example.com", "example.com"));
	assert_true(is_for(IDENTITY_XMPP, "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example"));
	assert_true(is_for(IDENTITY_XMPP, "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"));
	assert_false(is_for(IDENTITY_XMPP, "m\xc3\xbcnchen.example", "example.com"));
	assert_false(is_for(IDENTITY_XMPP, "*.example.com", "im.example.com"));
	assert_false(is_for(IDENTITY_XMPP, "alice@example.com", "example.com"));
	assert_false(is_for(IDENTITY_XMPP, "example.com/x", "example.com"));
	assert_false(is_for(IDENTITY_XMPP, "", "example.com"));
}

/* RFC 6125, 6.4.4: the common name counts only where there is no other. */
static void
common(void **state)
{
	const struct identity v[] = {
		{IDENTITY_DNS, SLICE_INIT("other.example")},
		{IDENTITY_SRV, SLICE_INIT("_xmpp-server.example.com")},
		{IDENTITY_COMMON, SLICE_INIT("example.com")},
	};

	(void) state;
	assert_true(identity_is_among(v + 2, 1, SLICE("example.com"), &hooks));
	assert_false(identity_is_among(v, 3, SLICE("example.com"), &hooks));
	assert_false(identity_is_among(v + 1, 2, SLICE("example.com"), &hooks));
	assert_true(identity_is_among(v, 3, SLICE("other.example"), &hooks));
	assert_false(identity_is_among(NULL, 0, SLICE("example.com"), &hooks));
}

static void
describe(const struct identity *v, size_t n, const char *expected)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	identity_describe(v, n, &out);
	assert_string_equal(buf_cstr(&out), expected);
	buf_fini(&out);
}

/* In the log: what was found, without what a log gives a meaning, and not too much. */
static void
for_people(void **state)
{
	const struct identity v[] = {
		{IDENTITY_DNS, SLICE_INIT("a.example")},
		{IDENTITY_SRV, SLICE_INIT("_xmpp-client.b.example")},
		{IDENTITY_XMPP, SLICE_INIT("m\xc3\xbc\n\"")},
		{IDENTITY_COMMON, SLICE_INIT("c.example")},
	};
	struct identity many[10];
	char name[200];

	(void) state;
	describe(v, 4, "a.example, SRV _xmpp-client.b.example, XmppAddr m???\"");
	describe(v + 3, 1, "CN c.example");
	describe(v, 0, "no name");
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (struct identity){IDENTITY_DNS, SLICE("x")};
	describe(many, COUNT(many), "x, x, x, x, x, x, x, x, ...");
	memset(name, 'n', sizeof name);
	many[0].name = slice_of(name, sizeof name);
	memcpy(name + 80, "...", 4);
	describe(many, 1, name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dns),
		cmocka_unit_test(nul),
		cmocka_unit_test(srv),
		cmocka_unit_test(xmpp),
		cmocka_unit_test(common),
		cmocka_unit_test(for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
