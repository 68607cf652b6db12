/* Where a request without TLS is sent: no Host and no target may lead somewhere else, or break a line. */
#include "unit.h"

#include "conf/conf_read.h"
#include "conf/secure_url.h"

static struct conf *
make(const char *more)
{
	struct buf text, errors;
	struct conf *c;

	buf_init(&text, BUF_UNLIMITED);
	buf_init(&errors, BUF_UNLIMITED);
	buf_printf(&text, "{%s\"domains\":{\"example.com\":{\"connect\":\"xmpp://localhost\"}}}", more);
	if (conf_read(&c, buf_slice(&text), "f", NULL, &errors) != 0)
		fail_msg("%s", buf_cstr(&errors));
	buf_fini(&errors);
	buf_fini(&text);
	return c;
}

struct row {
	const char *host, *target, *url; /* url NULL: none */
	uint16_t port;
};

static void
check(const struct conf *c, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf out;
		buf_init(&out, SECURE_URL_MAX + 512);
		assert_row(secure_url(c, row[i].port, slice_str(row[i].host), slice_str(row[i].target), &out) ==
				(row[i].url != NULL),
			row[i].host);
		assert_text(buf_cstr(&out), row[i].url != NULL ? row[i].url : "");
		buf_fini(&out);
	}
}

static void
by_host(void **state)
{
	static const struct row row[] = {
		{"chat.example.com", "/", "https://chat.example.com/", 443},
		{"Chat.Example.com:80", "/a?b=c&d=%20", "https://chat.example.com/a?b=c&d=%20", 443},
		{"chat.example.com:8080", "/", "https://chat.example.com:8443/", 8443},
		{"[2001:db8::1]:80", "/x", "https://[2001:db8::1]/x", 443},
		{"192.0.2.1", "/", "https://192.0.2.1:444/", 444},
		{"unknown.test", "//evil.test/", "https://unknown.test//evil.test/", 443},
		{"", "/", NULL, 443},
		{NULL, "/", NULL, 443},
		{"a b", "/", NULL, 443},
		{"a.test/x", "/", NULL, 443},
		{"a.test@b.test", "/", NULL, 443},
		{"a.test:", "/", NULL, 443},
		{"a.test\r\nSet-Cookie: x", "/", NULL, 443},
		/* Targets. */
		{"a.test", "", "https://a.test/", 443},
		{"a.test", NULL, "https://a.test/", 443},
		{"a.test", "*", "https://a.test/", 443},
		{"a.test", "http://b.test/x", "https://a.test/", 443},
		{"a.test", "/x\r\nSet-Cookie: x", "https://a.test/", 443},
		{"a.test", "/\xc3\xa4", "https://a.test/", 443},
		{"a.test", "/<script>", "https://a.test/", 443},
		{"a.test", "\\b.test", "https://a.test/", 443},
	};
	struct conf *c = make("");

	(void) state;
	check(c, row, COUNT(row));
	conf_unref(c);
}

/* Only hosts that are known; and what public_url says when there is none. */
static void
by_public_url(void **state)
{
	static const struct row row[] = {
		{"web.example.net", "/a", "https://web.example.net/a", 443},
		{"example.com", "/", "https://example.com/", 443},
		{"im.example.com", "/", "https://im.example.com:8443/", 8443},
		{"evil.test", "/a?b", "https://web.example.net:444/a?b", 443},
		{"", "/a", "https://web.example.net:444/a", 443},
		{"a b", "/a", "https://web.example.net:444/a", 443},
	};
	struct conf *c = make("\"public_url\":\"https://Web.Example.net:444/im\",");

	(void) state;
	check(c, row, COUNT(row));
	conf_unref(c);
}

static void
a_long_target(void **state)
{
	struct conf *c = make("");
	char *target = malloc(SECURE_URL_MAX + 2);
	struct buf out;

	(void) state;
	memset(target, '/', SECURE_URL_MAX + 1);
	target[SECURE_URL_MAX + 1] = '\0';
	buf_init(&out, SECURE_URL_MAX + 512);
	assert_true(secure_url(c, 443, SLICE("a.test"), slice_str(target), &out));
	assert_text(buf_cstr(&out), "https://a.test/");
	buf_clear(&out, 0);
	target[SECURE_URL_MAX] = '\0';
	assert_true(secure_url(c, 443, SLICE("a.test"), slice_str(target), &out));
	assert_int_equal(out.n, SECURE_URL_MAX + strlen("https://a.test"));
	buf_fini(&out);
	free(target);
	conf_unref(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_host),
		cmocka_unit_test(by_public_url),
		cmocka_unit_test(a_long_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
