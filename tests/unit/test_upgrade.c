#include "unit.h"

#include "proto/http/upgrade.h"

/* Stands in for a library: the right number of the right letters. */
static bool
is_base64(void *arg, struct slice text, size_t n)
{
	(void) arg;
	if (text.n != (n + 2) / 3 * 4)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", text.p[i]) == NULL)
			return false;
	return true;
}

static const struct hooks hooks = {.is_base64 = is_base64};
static char path_1[] = "/xmpp-websocket", path_2[] = "/ws";
static char origin_1[] = "https://a.example", origin_2[] = "https://b.example:8443", origin_all[] = "*";
static char *const paths[] = {path_1, path_2};
static char *const two_origins[] = {origin_1, origin_2};
static char *const all_origins[] = {origin_all};

static const struct upgrade_rules open_rules = {{NULL, 0, paths, 2}, {all_origins, 1}, true, &hooks};
static const struct upgrade_rules strict_rules = {{NULL, 0, paths, 2}, {two_origins, 2}, true, &hooks};
static const struct upgrade_rules lax_rules = {{NULL, 0, paths, 2}, {NULL, 0}, false, &hooks};

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define HOST "Host: example.org\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define REST "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n"
#define XMPP "Sec-WebSocket-Protocol: xmpp\r\n"
#define WS(fields) "GET /xmpp-websocket HTTP/1.1\r\n" HOST fields "\r\n"
/* So many bytes of a list of subprotocols. */
#define LONG_115 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define GOOD WS(UPGRADE REST XMPP)

static enum upgrade_verdict
judge(const struct upgrade_rules *rules, struct slice bytes, struct upgrade *head)
{
	struct slice copy = exact(bytes);
	enum upgrade_verdict verdict = upgrade_judge(rules, copy, head);

	exact_free(copy);
	return verdict;
}

static void
heads(void **state)
{
	static const struct {
		const struct upgrade_rules *rules;
		const char *text;
		enum upgrade_verdict want;
		unsigned status;
	} rows[] = {
		{&open_rules, GOOD, UPGRADE_WEBSOCKET, 0},
		{&open_rules, GOOD "\x81\x85....", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws/ HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws?room=1/2 HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws/?x HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		/* Names and tokens without regard to case, lists, white space. */
		{&open_rules,
			WS("upgrade:WebSocket\r\nCONNECTION: keep-alive,\tUPGRADE \r\n" REST
			   "sec-websocket-protocol: chat , xmpp\r\n"),
			UPGRADE_WEBSOCKET, 0},
		{&open_rules,
			WS("Upgrade: \t websocket \t\r\nConnection: Upgrade\r\n" REST XMPP "X-Empty:\r\nX:a:b\r\n"),
			UPGRADE_WEBSOCKET, 0},
		/* A target in absolute form: the path counts, the Host header says the host. */
		{&open_rules, "GET http://example.org/ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET,
			0},
		{&open_rules,
			"GET HTTPS://example.org:443/xmpp-websocket/?x=1 HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n",
			UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET http://example.org/ HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET http://example.org?/ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET ftp://example.org/ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		/* What is no upgrade is the HTTP library's. */
		{&open_rules, "GET /xmpp-websocket HTTP/1.1\r\n\r\n", UPGRADE_HTTP, 0},
		{&open_rules, WS(""), UPGRADE_HTTP, 0},
		{&open_rules, WS("Connection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, WS("Upgrade: h2c\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, WS("Upgrade: websockets\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, "GET / HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET / HTTP/1.0\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /wss HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /ws/x HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /WS HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "POST /xmpp-websocket HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "HEAD /xmpp-websocket HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "OPTIONS * HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "POST /http-bind HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
			UPGRADE_HTTP, 0},
		{&open_rules, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "QWERTYUIOPASDFGHJKLZXCVBNMQWERTY / HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "M-SEARCH * HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "VERSION-CONTROL /ws HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "\r\nGET / HTTP/1.1\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "\r\nGET /ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, WS("X : y\r\nContent-Length: 5\r\n"), UPGRADE_HTTP, 0},
		/* Upgrades that are refused. */
		{&open_rules, WS("Upgrade: websocket\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: websocket\r\nConnection: keep-alive\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: websocket\r\nConnection: upgrades\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Version: 13\r\n" XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short==\r\n" XMPP),
			UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key:\r\n" XMPP), UPGRADE_REFUSED,
			400},
		{&open_rules,
			WS(UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25!ZQ==\r\n" XMPP),
			UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Key: " KEY "\r\n" XMPP), UPGRADE_REFUSED, 426},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " KEY "\r\n" XMPP),
			UPGRADE_REFUSED, 426},
		{&open_rules, WS(UPGRADE "Sec-WebSocket-Version: 13, 8\r\nSec-WebSocket-Key: " KEY "\r\n" XMPP),
			UPGRADE_REFUSED, 426},
		{&open_rules, WS(UPGRADE REST), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol:\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp-framing, chat\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: XMPP\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: chat, Xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: foo,,xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: ,xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp, \r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: " LONG_115 ",xmpp\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: " LONG_115 ", xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp," LONG_115 "x\r\n"), UPGRADE_REFUSED, 400},
		{&lax_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: XMPP\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1\r\n" UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1\r\nHost:\r\n" UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.0\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.12\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1 \r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		/* Fields that two readers might see differently. */
		{&open_rules, WS(UPGRADE "Upgrade: websocket\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Upgrade: h2c\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: h2c\r\n" UPGRADE REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE "Host: example.org\r\n" REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length : 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X\t: y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP ": y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X(: y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X\xc3\xa4: y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X: \xc3\xa4\r\n"), UPGRADE_WEBSOCKET, 0},
		/* Control characters: a bare CR is a line's end to some. */
		{&open_rules, WS(UPGRADE REST XMPP "X: y\rContent-Length: 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X: y\r\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X\r: y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X: \x01\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X: \x7f\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Origin: https://a.example\r\norigin: https://b.example\r\n"),
			UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST REST XMPP), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Transfer-Encoding: chunked\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: chat,\r\n xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X : y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "no colon\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(" Upgrade: websocket\r\n" UPGRADE REST XMPP), UPGRADE_REFUSED, 400},
		/* Origins. */
		{&open_rules, WS(UPGRADE REST XMPP "Origin: null\r\n"), UPGRADE_WEBSOCKET, 0},
		{&strict_rules, GOOD, UPGRADE_WEBSOCKET, 0},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: https://a.example\r\n"), UPGRADE_WEBSOCKET, 0},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: HTTPS://B.example:8443\r\n"), UPGRADE_WEBSOCKET, 0},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: https://b.example\r\n"), UPGRADE_REFUSED, 403},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: https://a.example.evil\r\n"), UPGRADE_REFUSED, 403},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: null\r\n"), UPGRADE_REFUSED, 403},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin:\r\n"), UPGRADE_REFUSED, 403},
		/* A page of the same host needs no entry in a list. */
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: https://example.org\r\n"), UPGRADE_WEBSOCKET, 0},
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: http://Example.ORG\r\n"), UPGRADE_WEBSOCKET, 0},
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: https://example.org.evil\r\n"), UPGRADE_REFUSED, 403},
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: https://example.org:8443\r\n"), UPGRADE_REFUSED, 403},
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: ftp://example.org\r\n"), UPGRADE_REFUSED, 403},
		{&lax_rules, "GET /ws HTTP/1.1\r\nHost:\r\n" UPGRADE REST XMPP "Origin: https://\r\n\r\n",
			UPGRADE_REFUSED, 400},
		{&lax_rules, WS(UPGRADE REST XMPP "Host: evil.example\r\nOrigin: https://evil.example\r\n"),
			UPGRADE_REFUSED, 400},
		{&lax_rules, GOOD, UPGRADE_WEBSOCKET, 0},
		{&lax_rules, WS(UPGRADE REST XMPP "Origin: https://a.example\r\n"), UPGRADE_REFUSED, 403},
		{&lax_rules, WS(UPGRADE REST), UPGRADE_WEBSOCKET, 0},
		/* None may be named, but not others alone. */
		{&lax_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: chat\r\n"), UPGRADE_REFUSED, 400},
		/* No HTTP. */
		{&open_rules, "\x16\x03\x01\x02", UPGRADE_GARBAGE, 0},
		{&open_rules, "get / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "\nGET / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "\rGET / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "\r\n\r\nGET / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "\r\n<stream:stream>", UPGRADE_GARBAGE, 0},
		{&open_rules, "M_SEARCH * HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "<?xml version='1.0'?>", UPGRADE_GARBAGE, 0},
		{&open_rules, "<policy-file-request/>", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET /\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET / \r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET  / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET / SIP/2.0\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "GET / http/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, " / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "QWERTYUIOPASDFGHJKLZXCVBNMQWERTYU / HTTP/1.1\r\n", UPGRADE_GARBAGE, 0},
		{&open_rules, "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", UPGRADE_GARBAGE, 0},
		/* Not complete. */
		{&open_rules, "", UPGRADE_MORE, 0},
		{&open_rules, "\r", UPGRADE_MORE, 0},
		{&open_rules, "\r\n", UPGRADE_MORE, 0},
		{&open_rules, "GET", UPGRADE_MORE, 0},
		{&open_rules, "GET / HTTP/1.1", UPGRADE_MORE, 0},
		{&open_rules, "GET /ws HTTP/1.1\r\n", UPGRADE_MORE, 0},
		{&open_rules, "GET /ws HTTP/1.1\r\nHost: x\r\n", UPGRADE_MORE, 0},
		{&open_rules, "GET /ws HTTP/1.1\r\nHost: x\r\n\r", UPGRADE_MORE, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = slice_str(rows[i].text);
		struct upgrade head;
		enum upgrade_verdict got = judge(rows[i].rules, text, &head);
		bool is_decided = false;
		assert_row(got == rows[i].want, rows[i].text);
		if (got == UPGRADE_REFUSED) {
			assert_row(upgrade_status(&head) == rows[i].status, rows[i].text);
			assert_non_null(head.reason);
		}
		if (got == UPGRADE_WEBSOCKET)
			assert_row(
				head.n == (size_t) (strstr(rows[i].text, "\r\n\r\n") + 4 - rows[i].text), rows[i].text);
		/* A prefix waits for more, or says what the whole says, and what is said stays said. */
		for (size_t n = 0; n < text.n; n++) {
			enum upgrade_verdict part = judge(rows[i].rules, slice_of(text.p, n), &head);
			assert_row(part == UPGRADE_MORE || part == got, rows[i].text);
			assert_row(!is_decided || part == got, rows[i].text);
			is_decided = part != UPGRADE_MORE;
		}
	}
}

/* Too long for a head: refused at the limit, whatever comes after. */
static void
endless_heads(void **state)
{
	static const char *const starts[] = {
		"GET /", "GET /ws HTTP/1.1\r\nX: ", "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nX: "};
	struct buf text;
	struct upgrade head;

	(void) state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, starts[i]);
		while (text.n < UPGRADE_MAX - 1)
			buf_append_char(&text, 'x');
		assert_int_equal(judge(&open_rules, buf_slice(&text), &head), UPGRADE_MORE);
		buf_append_char(&text, 'x');
		assert_int_equal(judge(&open_rules, buf_slice(&text), &head), UPGRADE_REFUSED);
		assert_int_equal(upgrade_status(&head), 431);
		buf_fini(&text);
	}
	/* Lines without end. */
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "GET /ws HTTP/1.1\r\n");
	while (text.n < UPGRADE_MAX)
		buf_append_str(&text, "X: y\r\n");
	assert_int_equal(judge(&open_rules, buf_slice(&text), &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 431);
	buf_fini(&text);
}

static void
bytes_with_nul(void **state)
{
	static const struct slice rows[] = {SLICE_INIT("\0"), SLICE_INIT("GET\0/ HTTP/1.1\r\n"),
		SLICE_INIT("GET /\0 HTTP/1.1\r\n"),
		SLICE_INIT("GET /ws HTTP/1.1\r\nUpgrade: websocket\0\r\nConnection: Upgrade\r\n\r\n"),
		SLICE_INIT("GET /ws HTTP/1.1\r\nUpgrade\0: websocket\r\nConnection: Upgrade\r\n\r\n"),
		SLICE_INIT("GET /ws\0 HTTP/1.1\r\n" UPGRADE REST XMPP "\r\n")};
	static const struct slice fields[] = {SLICE_INIT(WS(UPGRADE REST XMPP "X: a\0b\r\n")),
		SLICE_INIT(WS(UPGRADE REST XMPP "X\0: b\r\n")),
		SLICE_INIT(WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp\0\r\n")),
		SLICE_INIT(WS(UPGRADE REST XMPP "\0\r\n"))};
	struct upgrade head;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t n = 0; n <= rows[i].n; n++)
			assert_int_not_equal(judge(&open_rules, slice_of(rows[i].p, n), &head), UPGRADE_WEBSOCKET);
	for (size_t i = 0; i < COUNT(fields); i++) {
		assert_int_equal(judge(&open_rules, fields[i], &head), UPGRADE_REFUSED);
		assert_int_equal(upgrade_status(&head), 400);
	}
}

static void
random_bytes(void **state)
{
	static const char *const pieces[] = {"GET ", "/ws", " HTTP/1.1", "\r\n", "\n", "\r", ":", " ", UPGRADE, REST,
		XMPP, "Upgrade", "websocket", ",", "x", "\xff", "Connection", "\r\n\r\n", "GET /ws HTTP/1.1\r\n"};
	struct dice dice = {11};
	struct upgrade head;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		char bytes[64];
		size_t n = dice_roll(&dice, sizeof bytes);
		struct buf text;
		for (size_t k = 0; k < n; k++)
			bytes[k] = (char) dice_next(&dice);
		assert_int_not_equal(judge(&open_rules, slice_of(bytes, n), &head), UPGRADE_WEBSOCKET);
		buf_init(&text, BUF_UNLIMITED);
		for (n = dice_roll(&dice, 14); n > 0; n--)
			buf_append_str(&text, pieces[dice_roll(&dice, COUNT(pieces))]);
		if (judge(&open_rules, buf_slice(&text), &head) == UPGRADE_WEBSOCKET)
			assert_true(head.n > 0 && head.n <= text.n);
		buf_fini(&text);
	}
}

static void
upgrades_that_a_library_read(void **state)
{
	static const struct upgrade_fields good = {.connection = SLICE_INIT("Upgrade"),
		.upgrade = SLICE_INIT("websocket"),
		.version = SLICE_INIT("13"),
		.key = SLICE_INIT(KEY),
		.origin = SLICE_NONE_INIT,
		.host = SLICE_INIT("example.org"),
		.subprotocol = SLICE_INIT("xmpp")};
	struct upgrade_fields u = good;
	struct upgrade head;

	(void) state;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_WEBSOCKET);
	u.upgrade = SLICE(" WebSocket ");
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_WEBSOCKET);
	u.upgrade = SLICE("h2c");
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 400);
	u.upgrade = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	u = good;
	u.connection = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	u = good;
	u.version = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 426);
	u = good;
	u.key = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	u = good;
	u.origin = SLICE("https://evil.example");
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 403);
	u = good;
	u.host = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 400);
	u = good;
	u.subprotocol = SLICE("XMPP");
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&head), 400);
	u.subprotocol = SLICE_NONE;
	assert_int_equal(upgrade_judge_fields(&strict_rules, &u, &head), UPGRADE_REFUSED);
	assert_int_equal(upgrade_judge_fields(&lax_rules, &u, &head), UPGRADE_WEBSOCKET);
}

/* Each refusal is a whole HTTP answer whose length is right. */
static void
refusals(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{WS("Upgrade: websocket\r\n"), "HTTP/1.1 400 Bad Request\r\n"},
		{WS(UPGRADE), "HTTP/1.1 426 Upgrade Required\r\n"},
		{WS(UPGRADE REST XMPP "Origin: https://evil.example\r\n"), "HTTP/1.1 403 Forbidden\r\n"},
		{WS(UPGRADE REST), "HTTP/1.1 400 Bad Request\r\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;
		struct upgrade head;
		const char *text, *body, *length;
		buf_init(&out, BUF_UNLIMITED);
		assert_int_equal(judge(&strict_rules, slice_str(rows[i].text), &head), UPGRADE_REFUSED);
		assert_int_equal(upgrade_refusal(&out, &head, SLICE("X-Shard: s1\r\nX-B: c\r\n")), 0);
		text = buf_cstr(&out);
		assert_int_equal(strncmp(text, rows[i].line, strlen(rows[i].line)), 0);
		body = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		assert_true(body != NULL && length != NULL && length < body);
		assert_true(strstr(text, "\r\nX-Shard: s1\r\nX-B: c\r\n") < body);
		assert_int_equal(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body + 4));
		assert_non_null(strstr(text, "close\r\n"));
		assert_non_null(strstr(body, head.reason));
		assert_int_equal(strstr(text, "Sec-WebSocket-Version: 13\r\n") != NULL, upgrade_status(&head) == 426);
		buf_fini(&out);
	}
}

static void
tokens(void **state)
{
	static const struct {
		struct slice list;
		bool want;
	} rows[] = {
		{SLICE_NONE_INIT, false},
		{SLICE_INIT(""), false},
		{SLICE_INIT(","), false},
		{SLICE_INIT("xmpp"), true},
		{SLICE_INIT("XMPP"), true},
		{SLICE_INIT(" xmpp\t"), true},
		{SLICE_INIT("a,xmpp"), true},
		{SLICE_INIT("xmpp,a"), true},
		{SLICE_INIT("a, xmpp ,b"), true},
		{SLICE_INIT(",,xmpp"), true},
		{SLICE_INIT("xmpp2"), false},
		{SLICE_INIT("x xmpp"), false},
		{SLICE_INIT("xmpp\0"), false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice list = slice_is_set(rows[i].list) ? exact(rows[i].list) : SLICE_NONE;
		assert_row(upgrade_has_token(list, SLICE("xmpp")) == rows[i].want, rows[i].list.p);
		exact_free(list);
	}
}

static void
fields(void **state)
{
	static const struct {
		struct slice name, value;
		bool want;
	} rows[] = {
		{SLICE_INIT("Host"), SLICE_INIT("example.org"), true},
		{SLICE_INIT("X-a!#$%&'*+.^_`|~9"), SLICE_INIT("a\tb c"), true},
		{SLICE_INIT("X"), SLICE_INIT(""), true},
		{SLICE_INIT("X"), SLICE_INIT("\xc3\xa4\xff\x80"), true},
		{SLICE_INIT("X"), SLICE_INIT("(a)<b>@,;:\\\"/[]?={}"), true},
		{SLICE_INIT(""), SLICE_INIT("a"), false},
		{SLICE_INIT("X "), SLICE_INIT("a"), false},
		{SLICE_INIT(" X"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\t"), SLICE_INIT("a"), false},
		{SLICE_INIT("X y"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\0"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\r"), SLICE_INIT("a"), false},
		{SLICE_INIT("X:"), SLICE_INIT("a"), false},
		{SLICE_INIT("X/"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\x7f"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\xc3\xa4"), SLICE_INIT("a"), false},
		{SLICE_INIT("X"), SLICE_INIT("\0"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\0b"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\rb"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\nb"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\r"), false},
		{SLICE_INIT("X"), SLICE_INIT("\x1b[0m"), false},
		{SLICE_INIT("X"), SLICE_INIT("\x7f"), false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice name = exact(rows[i].name), value = exact(rows[i].value);
		assert_row(upgrade_is_field(name, value) == rows[i].want, rows[i].name.p);
		exact_free(name);
		exact_free(value);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(endless_heads),
		cmocka_unit_test(bytes_with_nul),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(upgrades_that_a_library_read),
		cmocka_unit_test(refusals),
		cmocka_unit_test(tokens),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
