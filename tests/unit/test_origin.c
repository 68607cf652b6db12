/* Whose pages may connect. */
#include "unit.h"

#include "proto/http/origin.h"

/* The domains of these tests: xn--bcher-kva.example and chat.lan. */
static bool
has_name(const void *arg, struct slice name)
{
	(void) arg;
	return slice_eq_nocase(name, SLICE("xn--bcher-kva.example")) || slice_eq_nocase(name, SLICE("chat.lan"));
}

static char a[] = "https://a.org", b[] = "https://b.org:8443", all[] = "*", below[] = "https://*.w.org",
	    below_port[] = "http://*.w.org:8080", capacitor[] = "capacitor://localhost", app[] = "app://",
	    extension[] = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai", file[] = "file://";
static char *const two_v[] = {a, b}, *const all_v[] = {all}, *const last_v[] = {a, all};
static char *const patterns_v[] = {below, below_port, capacitor, app, extension, file};
static const struct origins two = {.v = two_v, .n = 2, .own = "https://own.org:444", .has_name = has_name},
			    everybody = {.v = all_v, .n = 1}, none = {.n = 0}, last = {.v = last_v, .n = 2},
			    patterns = {.v = patterns_v, .n = 6};

#define YES ORIGIN_ALLOWED
#define NAME ORIGIN_UNKNOWN_NAME
#define OTHER ORIGIN_OTHER_SITE
#define LONG_100 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct slice
copy(const char *text)
{
	return text != NULL ? exact(slice_str(text)) : SLICE_NONE;
}

static void
rules(void **state)
{
	static const struct {
		const struct origins *list;
		const char *origin, *host, *forwarded;
		enum origin_verdict verdict;
		enum origin_readers readers;
	} rows[] = {
		/* In the list. */
		{&two, "https://a.org", "x.org", NULL, YES, ORIGIN_THIS},
		{&two, "https://A.org", "x.org", NULL, YES, ORIGIN_THIS},
		{&two, "https://a.org.", "x.org", NULL, YES, ORIGIN_THIS},
		{&two, "https://a.org:443", "x.org", NULL, YES, ORIGIN_THIS},
		{&two, "HTTPS://b.ORG:8443", "x.org", NULL, YES, ORIGIN_THIS},
		{&two, "https://b.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "http://a.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org:80", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org:0", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org:", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org..", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org.evil.com", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://evil.com#a.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://evil.com@a.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org/", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org ", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https:a.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "a.org", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "null", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "null", "null", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, NULL, "x.org", NULL, YES, ORIGIN_NOBODY},
		/* Of the host it asks, by a name that is known or not: DNS rebinding. */
		{&two, "https://evil.com", "evil.com", NULL, NAME, ORIGIN_NOBODY},
		{&two, "http://evil.com:5280", "evil.com:5280", NULL, NAME, ORIGIN_NOBODY},
		{&none, "https://evil.com", "evil.com", NULL, NAME, ORIGIN_NOBODY},
		{&none, "https://a.org", "a.org", NULL, NAME, ORIGIN_NOBODY},
		{&none, "https://chat.lan", "chat.lan", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://evil.com", "a.org", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://127.0.0.1.evil.com", "127.0.0.1.evil.com", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://localhost.evil.com", "localhost.evil.com", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://evillocalhost", "evillocalhost", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://2130706433", "2130706433", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://127.1", "127.1", NULL, NAME, ORIGIN_NOBODY},
		/* Known: an address, localhost. */
		{&none, "http://192.0.2.1:5280", "192.0.2.1:5280", NULL, YES, ORIGIN_NOBODY},
		{&none, "https://127.0.0.1", "127.0.0.1", NULL, YES, ORIGIN_NOBODY},
		{&none, "http://[2001:db8::1]", "[2001:db8::1]", NULL, YES, ORIGIN_NOBODY},
		{&none, "http://[2001:DB8::1]:5280", "[2001:db8::1]:5280", NULL, YES, ORIGIN_NOBODY},
		{&none, "http://localhost:5280", "LOCALHOST:5280", NULL, YES, ORIGIN_NOBODY},
		{&none, "http://chat.localhost", "chat.localhost", NULL, YES, ORIGIN_NOBODY},
		{&none, "http://192.0.2.1", "192.0.2.2", NULL, OTHER, ORIGIN_NOBODY},
		{&none, "http://192.0.2.1", "192.0.2.1:5280", NULL, OTHER, ORIGIN_NOBODY},
		/* Known: a domain, the host of an entry whatever its port and scheme, that of public_url. */
		{&two, "http://chat.lan:5280", "chat.lan:5280", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://xn--bcher-kva.example", "XN--BCHER-KVA.example.", NULL, YES, ORIGIN_NOBODY},
		{&two,
			"https://b\xc3\xbc"
			"cher.example",
			"xn--bcher-kva.example", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "http://b.org:5280", "b.org:5280", NULL, YES, ORIGIN_NOBODY},
		{&two, "http://own.org", "own.org", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://sub.own.org", "sub.own.org", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://sub.a.org", "sub.a.org", NULL, NAME, ORIGIN_NOBODY},
		{&patterns, "http://x.w.org:5280", "x.w.org:5280", NULL, YES, ORIGIN_NOBODY},
		{&patterns, "http://w.org:5280", "w.org:5280", NULL, NAME, ORIGIN_NOBODY},
		/* Pages of public_url are at home, whatever a proxy made of Host. */
		{&two, "https://own.org:444", "backend:5280", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://OWN.org.:444", NULL, NULL, YES, ORIGIN_NOBODY},
		{&two, "https://own.org", "backend", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "http://own.org:444", "backend", NULL, OTHER, ORIGIN_NOBODY},
		/* Ports: the scheme's own is as good as none. */
		{&two, "https://chat.lan", "chat.lan:443", NULL, YES, ORIGIN_NOBODY},
		{&two, "http://chat.lan", "chat.lan:80", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan:443", "chat.lan", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "chat.lan:80", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "http://chat.lan", "chat.lan:443", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://chat.lan:8443", "chat.lan", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://chat.lan:8443", "chat.lan:8443", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "chat.lan:", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://chat.lan.", "chat.lan.:443", NULL, YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "chat.lan.", NULL, YES, ORIGIN_NOBODY},
		/* A proxy that is believed said what Host was. */
		{&two, "https://chat.lan", "meet.internal", "chat.lan", YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "meet.internal", "chat.lan:443", YES, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "chat.lan", "other.lan", YES, ORIGIN_NOBODY},
		{&two, "https://evil.com", "meet.internal", "evil.com", NAME, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "meet.internal", "evil.com, chat.lan", OTHER, ORIGIN_NOBODY},
		{&two, "https://chat.lan", "meet.internal", NULL, OTHER, ORIGIN_NOBODY},
		/* What is no web site is of no host. */
		{&two, "ftp://chat.lan", "chat.lan", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "app://chat.lan", "chat.lan", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://", "", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://.", ".", NULL, NAME, ORIGIN_NOBODY},
		{&two, "https://chat.lan", NULL, NULL, OTHER, ORIGIN_NOBODY},
		/* One level of names. */
		{&patterns, "https://x.w.org", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "https://X_1-y.W.org.", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "https://w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://y.x.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://xw.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://evil/x.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://a@b.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://*.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "https://x.w.org.evil.com", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "http://x.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "http://x.w.org:8080", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "https://x.w.org:8080", "h", NULL, OTHER, ORIGIN_NOBODY},
		/* Applications, extensions, files. */
		{&patterns, "capacitor://localhost", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "ionic://localhost", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "http://localhost", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "app://", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "app://x", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "file://", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "file:///", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "file://x", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "file://:0", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "file:", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&patterns, "null", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "file://", "h", NULL, OTHER, ORIGIN_NOBODY},
		/* All. */
		{&everybody, "https://evil.com", "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&everybody, "null", "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&everybody, "", "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&everybody, NULL, "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&last, "https://a.org", "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&last, "https://c.org", "x.org", NULL, YES, ORIGIN_EVERYBODY},
		{&none, NULL, "x.org", NULL, YES, ORIGIN_NOBODY},
		{&none, "null", "x.org", NULL, OTHER, ORIGIN_NOBODY},
		/* Longer than any. */
		{&patterns, "https://" LONG_100 LONG_100 LONG_100 ".w.org", "h", NULL, YES, ORIGIN_THIS},
		{&patterns, "https://" LONG_100 LONG_100 LONG_100 "aaaaaaa.w.org", "h", NULL, OTHER, ORIGIN_NOBODY},
		{&two, "https://a.org:" LONG_100, "x.org", NULL, OTHER, ORIGIN_NOBODY},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice origin = copy(rows[i].origin), host = copy(rows[i].host),
			     forwarded = copy(rows[i].forwarded);
		const struct origin_asked asked = {origin, host, forwarded};
		assert_row(origin_judge(rows[i].list, &asked) == rows[i].verdict, rows[i].origin);
		assert_row(origin_readers(rows[i].list, origin) == rows[i].readers, rows[i].origin);
		exact_free(origin);
		exact_free(host);
		exact_free(forwarded);
	}
}

/* Caches must not give one page what another one may read. */
static void
vary(void **state)
{
	(void) state;
	assert_true(origin_readers_vary(&two));
	assert_true(origin_readers_vary(&patterns));
	assert_false(origin_readers_vary(&none));
	assert_false(origin_readers_vary(&everybody));
	assert_false(origin_readers_vary(&last));
}

/* Whoever reads the log knows what to do. */
static void
cures(void **state)
{
	(void) state;
	assert_non_null(strstr(origin_cure(ORIGIN_UNKNOWN_NAME), "set public_url"));
	assert_non_null(strstr(origin_cure(ORIGIN_UNKNOWN_NAME), "origins"));
	assert_non_null(strstr(origin_cure(ORIGIN_OTHER_SITE), "set public_url"));
	assert_non_null(strstr(origin_cure(ORIGIN_OTHER_SITE), "origins"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules), cmocka_unit_test(vary), cmocka_unit_test(cures)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
