/* host-meta: for whom, with which addresses, and in both forms (XEP-0156). */
#include "unit.h"

#include "base/hooks.h"
#include "conf/conf_read.h"
#include "conf/meta.h"

/* Stands in for a library: one name is enough. */
static bool
to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (!slice_eq(domain,
		    SLICE("b\xc3\xbc"
			  "cher.example")) ||
		room < 32)
		return false;
	strcpy(out, "xn--bcher-kva.example");
	return true;
}

static const struct hooks hooks = {.to_ascii = to_ascii};

static struct conf *
make(const char *more)
{
	struct buf text, errors;
	struct conf *c;

	buf_init(&text, BUF_UNLIMITED);
	buf_init(&errors, BUF_UNLIMITED);
	buf_printf(&text,
		"{%s\"domains\":{\"example.com\":{\"connect\":\"xmpp://localhost\"},"
		"\"b\xc3\xbc"
		"cher.example\":{\"connect\":\"xmpp://localhost\"}}}",
		more);
	if (conf_read(&c, buf_slice(&text), "f", &hooks, &errors) != 0)
		fail_msg("%s", buf_cstr(&errors));
	buf_fini(&errors);
	buf_fini(&text);
	return c;
}

#define PUBLIC "\"public_url\":\"https://Chat.Example.net:444/im/\","
#define KNOWN "https://chat.example.net:444/im"

static void
answers(void **state)
{
	static const struct {
		const char *name, *conf, *domain, *host, *forwarded;
		bool is_secure;
		enum meta_answer answer;
		const char *base;
		bool is_derived;
	} rows[] = {
		/* What the configuration says holds for every domain, however the request came. */
		{"public", PUBLIC, NULL, "example.com", NULL, false, META_FOUND, KNOWN, false},
		{"public, port", PUBLIC, NULL, "Example.COM:5280", NULL, false, META_FOUND, KNOWN, false},
		{"public, by name", PUBLIC, "example.com", "127.0.0.1:5280", NULL, false, META_FOUND, KNOWN, false},
		{"public, by name, no host", PUBLIC, "EXAMPLE.com", NULL, NULL, false, META_FOUND, KNOWN, false},
		{"public, IDN", PUBLIC,
			"b\xc3\xbc"
			"cher.example",
			NULL, NULL, false, META_FOUND, KNOWN, false},
		{"public, IDN, ASCII", PUBLIC, NULL, "XN--bcher-kva.example", NULL, false, META_FOUND, KNOWN, false},
		{"public, proxy", PUBLIC, NULL, "127.0.0.1", "example.com", true, META_FOUND, KNOWN, false},
		{"public, another", PUBLIC, NULL, "chat.example.net", NULL, true, META_NO_DOMAIN, NULL, false},
		{"public, another by name", PUBLIC, "example.org", "example.com", NULL, true, META_NO_DOMAIN, NULL,
			false},
		{"public, none", PUBLIC, NULL, NULL, NULL, true, META_NO_DOMAIN, NULL, false},
		{"public, empty", PUBLIC, "", "example.com", NULL, true, META_NO_DOMAIN, NULL, false},
		{"public, part of one", PUBLIC, "example.co", NULL, NULL, true, META_NO_DOMAIN, NULL, false},
		{"public, longer than one", PUBLIC, "example.com.", NULL, NULL, true, META_NO_DOMAIN, NULL, false},

		/* Without, only what came by TLS says anything. */
		{"tls", "", NULL, "Example.com", NULL, true, META_FOUND, "https://example.com", true},
		{"tls, port", "", NULL, "example.com:8443", NULL, true, META_FOUND, "https://example.com:8443", true},
		{"tls, by name", "", "example.com", "chat.example.net", NULL, true, META_FOUND,
			"https://chat.example.net", true},
		{"tls, address", "", "example.com", "192.0.2.1:443", NULL, true, META_FOUND, "https://192.0.2.1:443",
			true},
		{"tls, IPv6", "", "example.com", "[2001:DB8::1]:443", NULL, true, META_FOUND,
			"https://[2001:db8::1]:443", true},
		{"tls, proxy", "", NULL, "127.0.0.1:5280", "example.com", true, META_FOUND, "https://example.com",
			true},
		{"tls, proxy, blanks", "", NULL, "x", " example.com\t", true, META_FOUND, "https://example.com", true},
		{"plain", "", NULL, "example.com", NULL, false, META_NO_URL, NULL, true},
		{"plain, by name", "", "example.com", "chat.example.net", NULL, false, META_NO_URL, NULL, true},
		{"plain, proxy", "", NULL, "x", "example.com", false, META_NO_URL, NULL, true},
		{"tls, no host", "", "example.com", NULL, NULL, true, META_NO_URL, NULL, true},
		{"tls, empty host", "", "example.com", "", NULL, true, META_NO_URL, NULL, true},
		{"tls, proxy is unclear", "", "example.com", "chat.example.net", "", true, META_NO_URL, NULL, true},

		/* What is no host goes into no address. */
		{"quote", "", "example.com", "a\"b", NULL, true, META_NO_URL, NULL, true},
		{"markup", "", "example.com", "a/><script>", NULL, true, META_NO_URL, NULL, true},
		{"path", "", "example.com", "evil.example/x", NULL, true, META_NO_URL, NULL, true},
		{"user", "", "example.com", "a@evil.example", NULL, true, META_NO_URL, NULL, true},
		{"query", "", "example.com", "a?b", NULL, true, META_NO_URL, NULL, true},
		{"fragment", "", "example.com", "a#b", NULL, true, META_NO_URL, NULL, true},
		{"two", "", "example.com", "a, b", NULL, true, META_NO_URL, NULL, true},
		{"port 0", "", "example.com", "a:0", NULL, true, META_NO_URL, NULL, true},
		{"a large port", "", "example.com", "a:65536", NULL, true, META_NO_URL, NULL, true},
		{"no port", "", "example.com", "a:", NULL, true, META_NO_URL, NULL, true},
		{"two ports", "", "example.com", "a:1:2", NULL, true, META_NO_URL, NULL, true},
		{"a bracket", "", "example.com", "[::1", NULL, true, META_NO_URL, NULL, true},
		{"no bracket", "", "example.com", "::1", NULL, true, META_NO_URL, NULL, true},
		{"a strange address", "", "example.com", "1.2.3", NULL, true, META_NO_URL, NULL, true},
		{"not ASCII", "", "example.com",
			"b\xc3\xbc"
			"cher.example",
			NULL, true, META_NO_URL, NULL, true},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *c = make(rows[i].conf);
		struct meta_question q = {slice_str(rows[i].domain), slice_str(rows[i].host),
			slice_str(rows[i].forwarded), rows[i].is_secure};
		char base[META_BASE_MAX] = "";
		bool is_derived = false;
		assert_row(meta_ask(c, &q, &hooks, base, &is_derived) == rows[i].answer, rows[i].name);
		assert_row(is_derived == rows[i].is_derived, rows[i].name);
		if (rows[i].base != NULL)
			assert_string_equal(base, rows[i].base);
		conf_unref(c);
	}
}

/* A host of any length: it fits, or it is refused. */
static void
long_hosts(void **state)
{
	static char host[META_BASE_MAX + 8];
	struct conf *c = make("");
	char base[META_BASE_MAX];
	bool is_derived;

	(void) state;
	for (size_t n = 0; n < sizeof host; n++) {
		struct meta_question q = {SLICE("example.com"), slice_of(host, n), SLICE_NONE, true};
		assert_int_equal(
			meta_ask(c, &q, NULL, base, &is_derived), n > 0 && n <= 253 ? META_FOUND : META_NO_URL);
		host[n] = 'a';
	}
	conf_unref(c);
}

static void
forms(void **state)
{
	static const struct {
		const char *conf, *xbosh, *websocket; /* NULL: not in it */
	} rows[] = {
		{"", "https://a.example/http-bind", "wss://a.example/xmpp-websocket"},
		{"\"paths\":{\"bosh\":[\"/b/\",\"/c\"],\"websocket\":[]},", "https://a.example/b", NULL},
		{"\"paths\":{\"bosh\":[],\"websocket\":[\"/ws\",\"/xmpp-websocket\"]},", NULL, "wss://a.example/ws"},
		{"\"paths\":{\"bosh\":\"/-._~!$'()*+,;=:@\"},", "https://a.example/-._~!$'()*+,;=:@",
			"wss://a.example/xmpp-websocket"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *c = make(rows[i].conf);
		const char *hrefs[] = {rows[i].xbosh, rows[i].websocket}, *rels[] = {"xbosh", "websocket"};
		struct buf xrd, jrd, want_xrd, want_jrd;
		bool is_first = true;
		buf_init(&xrd, BUF_UNLIMITED);
		buf_init(&jrd, BUF_UNLIMITED);
		buf_init(&want_xrd, BUF_UNLIMITED);
		buf_init(&want_jrd, BUF_UNLIMITED);
		meta_xrd(c, "https://a.example", &xrd);
		meta_jrd(c, "https://a.example", &jrd);
		buf_append_str(&want_xrd,
			"<?xml version='1.0' encoding='utf-8'?>\n"
			"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n");
		buf_append_str(&want_jrd, "{\n\t\"links\": [");
		for (size_t k = 0; k < 2; k++) {
			if (hrefs[k] == NULL)
				continue;
			buf_printf(&want_xrd, "\t<Link rel=\"urn:xmpp:alt-connections:%s\" href=\"%s\"/>\n", rels[k],
				hrefs[k]);
			buf_printf(&want_jrd,
				"%s\n\t\t{\n\t\t\t\"rel\": \"urn:xmpp:alt-connections:%s\",\n\t\t\t\"href\": \"%s\"\n\t\t}",
				is_first ? "" : ",", rels[k], hrefs[k]);
			is_first = false;
		}
		buf_append_str(&want_xrd, "</XRD>\n");
		buf_append_str(&want_jrd, "\n\t]\n}\n");
		assert_string_equal(buf_cstr(&xrd), buf_cstr(&want_xrd));
		assert_string_equal(buf_cstr(&jrd), buf_cstr(&want_jrd));
		buf_fini(&want_jrd);
		buf_fini(&want_xrd);
		buf_fini(&jrd);
		buf_fini(&xrd);
		conf_unref(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(long_hosts),
		cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests_name("meta", tests, NULL, NULL);
}
