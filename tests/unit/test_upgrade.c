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
static const struct peer peer = {
	.kind = PEER_ADDRESS, .address = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}, .port = 4711};
static char path_1[] = "/xmpp-websocket", path_2[] = "/ws";
static char origin_1[] = "https://a.example", origin_2[] = "https://b.example:8443", origin_all[] = "*";
static char *const paths[] = {path_1, path_2};
static char *const two_origins[] = {origin_1, origin_2};
static char *const all_origins[] = {origin_all};

static const struct upgrade_rules open_rules = {.places = {NULL, 0, paths, 2},
	.origins = {.v = all_origins, .n = 1},
	.proxied = {.peer = &peer},
	.require_subprotocol = true,
	.hooks = &hooks};
static const struct upgrade_rules strict_rules = {.places = {NULL, 0, paths, 2},
	.origins = {.v = two_origins, .n = 2},
	.proxied = {.peer = &peer},
	.require_subprotocol = true,
	.hooks = &hooks};
/* The one domain. */
static bool
has_name(const void *arg, struct slice name)
{
	(void) arg;
	return slice_eq_nocase(name, SLICE("example.org"));
}

static const struct upgrade_rules lax_rules = {
	.places = {NULL, 0, paths, 2}, .origins = {.has_name = has_name}, .proxied = {.peer = &peer}, .hooks = &hooks};
/* Behind a proxy that is believed. */
static const struct upgrade_rules proxied_rules = {.places = {NULL, 0, paths, 2},
	.origins = {.v = two_origins, .n = 2, .has_name = has_name},
	.proxied = {.peer = &peer, .is_trusted = true},
	.require_subprotocol = true,
	.hooks = &hooks};

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
#define POST(fields) "POST /http-bind HTTP/1.1\r\n" fields "\r\n"
#define GOOD WS(UPGRADE REST XMPP)

static enum upgrade_verdict
judge(const struct upgrade_rules *rules, struct slice bytes, struct upgrade *u)
{
	struct slice copy = exact(bytes);
	enum upgrade_verdict verdict = upgrade_look(u, rules, copy);

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
		{&open_rules, "GET /xmpp-websocket HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, WS(""), UPGRADE_HTTP, 0},
		{&open_rules, WS("Connection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, WS("Upgrade: h2c\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, WS("Upgrade: websockets\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_HTTP, 0},
		{&open_rules, "GET / HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET / HTTP/1.1\nHost: x\n\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET / HTTP/1.0\n\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /wss HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /ws/x HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "GET /WS HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "POST /xmpp-websocket HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "HEAD /xmpp-websocket HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "QWERTYUIOPASDFGHJKLZXCVBNMQWERTY / HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "M-SEARCH * HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "VERSION-CONTROL /ws HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "\r\nGET /ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		/* But for what two readers might read differently, whatever it asks for. */
		{&open_rules, WS("X : y\r\nContent-Length: 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 5\r\n"), UPGRADE_HTTP, 0},
		{&open_rules, POST(HOST "Content-Length: 5 \t\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Transfer-Encoding: chunked \r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "X: 5 \r\n"), UPGRADE_HTTP, 0},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0 \r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, POST(HOST "Transfer-Encoding: chunked\r\n"), UPGRADE_HTTP, 0},
		{&open_rules, POST(HOST "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n"), UPGRADE_REFUSED,
			400},
		{&open_rules, POST(HOST "Transfer-Encoding:\r\n chunked\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "X: a\r\n b\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "X: a\r\n\t\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(" " HOST), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "X: a\rContent-Length: 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 5\r\nContent-Length: 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 5\r\nContent-Length: 6\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 5, 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: +5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 0x5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length : 5\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Transfer-Encoding: gzip, chunked\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "Transfer-Encoding: identity\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, POST(""), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST HOST), UPGRADE_REFUSED, 400},
		{&open_rules, POST(HOST "nothing\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, "POST /http-bind HTTP/1.0\r\nContent-Length: 5\r\n\r\n", UPGRADE_HTTP, 0},
		{&open_rules, "POST /http-bind HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "POST /http\rbind HTTP/1.1\r\n" HOST "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "POST /http-bind?\x01 HTTP/1.1\r\n" HOST "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "POST /http-bind HTTP/1.1\r\r\n" HOST "\r\n", UPGRADE_REFUSED, 400},
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
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: foo,,xmpp\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: ,xmpp\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp, \r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: " LONG_115 ",xmpp\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: " LONG_115 ", xmpp\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: xmpp," LONG_115 "x\r\n"), UPGRADE_WEBSOCKET, 0},
		{&lax_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: XMPP\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1\r\n" UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1\r\nHost:\r\n" UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, WS("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS("Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws HTTP/1.0\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.12\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		{&open_rules, "GET /ws HTTP/1.1 \r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_REFUSED, 400},
		/* Fields that two readers might see differently. */
		{&open_rules, WS(UPGRADE "Upgrade: websocket\r\n" REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE "Upgrade: h2c\r\n" REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS("Upgrade: h2c\r\n" UPGRADE REST XMPP), UPGRADE_WEBSOCKET, 0},
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
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST XMPP "Transfer-Encoding: chunked\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: chat,\r\n xmpp\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "X : y\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "no colon\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(" Upgrade: websocket\r\n" UPGRADE REST XMPP), UPGRADE_REFUSED, 400},
		/* Blanks behind a value are legal (RFC 9110, 5.5). */
		{&open_rules,
			WS("Upgrade: websocket \r\nConnection: Upgrade\t\r\nSec-WebSocket-Version: 13 \r\n"
			   "Sec-WebSocket-Key: " KEY " \t \r\nSec-WebSocket-Protocol: xmpp \r\n"),
			UPGRADE_WEBSOCKET, 0},
		{&strict_rules, WS(UPGRADE REST XMPP "Origin: https://a.example \r\n"), UPGRADE_WEBSOCKET, 0},
		/* Lists, also empty elements and in several lines. */
		{&open_rules, WS("Upgrade: ,h2c\r\nUpgrade: websocket,\r\nConnection: Upgrade\r\n" REST XMPP),
			UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE "Connection: keep-alive\r\n" REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS("Connection: close\r\n" UPGRADE REST XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST XMPP "Sec-WebSocket-Protocol: chat\r\n"), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: chat\r\n" XMPP), UPGRADE_WEBSOCKET, 0},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n"),
			UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: ,,\r\n"), UPGRADE_REFUSED, 400},
		{&lax_rules, WS(UPGRADE REST "Sec-WebSocket-Protocol: ,\r\n"), UPGRADE_REFUSED, 400},
		/* Queries are nobody's business here. */
		{&open_rules, "GET /ws?room=100% HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws?a=%00&%zz HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		{&open_rules, "GET /ws?\xc3\xa4 HTTP/1.1\r\n" HOST UPGRADE REST XMPP "\r\n", UPGRADE_WEBSOCKET, 0},
		/* What may come once. */
		{&open_rules, WS(UPGRADE REST XMPP "Sec-WebSocket-Version: 13\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Sec-WebSocket-Key: " KEY "\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0\r\nContent-Length: 0\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0x0\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length:\r\n"), UPGRADE_REFUSED, 400},
		{&open_rules, WS(UPGRADE REST XMPP "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
			UPGRADE_REFUSED, 400},
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
		/* But the name must be known. */
		{&lax_rules,
			"GET /ws HTTP/1.1\r\nHost: evil.org\r\n" UPGRADE REST XMPP "Origin: http://evil.org\r\n\r\n",
			UPGRADE_REFUSED, 403},
		{&lax_rules,
			"GET /ws HTTP/1.1\r\nHost: 192.0.2.1:5280\r\n" UPGRADE REST XMPP
			"Origin: http://192.0.2.1:5280\r\n\r\n",
			UPGRADE_WEBSOCKET, 0},
		/* What Host was for the proxy in front, if that is believed, and says it once. */
		{&proxied_rules,
			"GET /ws HTTP/1.1\r\nHost: backend\r\n" UPGRADE REST XMPP
			"X-Forwarded-Host: example.org:443\r\nOrigin: https://example.org\r\n\r\n",
			UPGRADE_WEBSOCKET, 0},
		{&lax_rules,
			"GET /ws HTTP/1.1\r\nHost: backend\r\n" UPGRADE REST XMPP
			"X-Forwarded-Host: example.org:443\r\nOrigin: https://example.org\r\n\r\n",
			UPGRADE_REFUSED, 403},
		{&proxied_rules,
			"GET /ws HTTP/1.1\r\nHost: backend\r\n" UPGRADE REST XMPP
			"X-Forwarded-Host: example.org\r\nx-forwarded-host: example.org\r\n"
			"Origin: https://example.org\r\n\r\n",
			UPGRADE_REFUSED, 403},
		{&proxied_rules,
			"GET /ws HTTP/1.1\r\nHost: backend\r\n" UPGRADE REST XMPP
			"X-Forwarded-Host: evil.org\r\nOrigin: https://evil.org\r\n\r\n",
			UPGRADE_REFUSED, 403},
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
		struct upgrade u;
		enum upgrade_verdict got = judge(rows[i].rules, text, &u);
		bool is_decided = false;
		assert_row(got == rows[i].want, rows[i].text);
		if (got == UPGRADE_REFUSED) {
			assert_row(upgrade_status(&u) == rows[i].status, rows[i].text);
			assert_non_null(u.reason);
		}
		if (got == UPGRADE_WEBSOCKET)
			assert_row(u.n == (size_t) (strstr(rows[i].text, "\r\n\r\n") + 4 - rows[i].text), rows[i].text);
		/* A prefix waits for more, or says what the whole says, and what is said stays said. */
		for (size_t n = 0; n < text.n; n++) {
			enum upgrade_verdict part = judge(rows[i].rules, slice_of(text.p, n), &u);
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
	static const char *const starts[] = {"GET /", "\r\nGET /", "POST /http-bind HTTP/1.1\r\nX: ",
		"GET /ws HTTP/1.1\r\nX: ", "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nX: "};
	struct buf text;
	struct upgrade u;

	(void) state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, starts[i]);
		while (text.n < UPGRADE_MAX - 1)
			buf_append_char(&text, 'x');
		assert_int_equal(judge(&open_rules, buf_slice(&text), &u), UPGRADE_MORE);
		buf_append_char(&text, 'x');
		assert_int_equal(judge(&open_rules, buf_slice(&text), &u), UPGRADE_REFUSED);
		assert_int_equal(upgrade_status(&u), 431);
		buf_fini(&text);
	}
	/* Lines without end. */
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "GET /ws HTTP/1.1\r\n");
	while (text.n < UPGRADE_MAX)
		buf_append_str(&text, "X: y\r\n");
	assert_int_equal(judge(&open_rules, buf_slice(&text), &u), UPGRADE_REFUSED);
	assert_int_equal(upgrade_status(&u), 431);
	buf_fini(&text);
}

/* What the HTTP library needs for a head, and when that is too much. */
static void
rooms(void **state)
{
	static const struct {
		const char *text;
		size_t items, copied;
	} rows[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", 1, 0},
		{"GET /? HTTP/1.1\r\n" HOST "\r\n", 2, 0},
		{"POST /?a=b&c HTTP/1.1\r\n" HOST "X:\r\nX: y\r\n\r\n", 5, 0},
		{"GET /ws?a&&&b HTTP/1.1\r\n" HOST "Cookie: a=b; c=d,e\r\ncookie:f\r\n\r\n", 4 + 1 + 4 + 2, 12},
	};
	struct upgrade_rules rules = open_rules;
	struct upgrade u;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = slice_str(rows[i].text);
		rules.room = text.n + rows[i].items * UPGRADE_ITEM + rows[i].copied;
		assert_row(judge(&rules, text, &u) == UPGRADE_HTTP, rows[i].text);
		assert_int_equal(u.n, text.n);
		assert_int_equal(u.room, rules.room);
		rules.room--;
		assert_row(judge(&rules, text, &u) == UPGRADE_REFUSED, rows[i].text);
		assert_int_equal(upgrade_status(&u), 431);
	}
	/* An upgrade's is not kept. */
	rules.room = 1;
	assert_int_equal(judge(&rules, slice_str(GOOD), &u), UPGRADE_WEBSOCKET);
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
		SLICE_INIT(WS(UPGRADE REST XMPP "\0\r\n")), SLICE_INIT(WS(UPGRADE REST XMPP "\0X: b\r\n")),
		SLICE_INIT("POST / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
		SLICE_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\0\r\n\r\n"),
		SLICE_INIT("POST /\0 HTTP/1.1\r\n" HOST "\r\n"), SLICE_INIT("GET /ws?\0 HTTP/1.1\r\n" HOST "\r\n")};
	struct upgrade u;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t n = 0; n <= rows[i].n; n++)
			assert_int_not_equal(judge(&open_rules, slice_of(rows[i].p, n), &u), UPGRADE_WEBSOCKET);
	for (size_t i = 0; i < COUNT(fields); i++) {
		assert_int_equal(judge(&open_rules, fields[i], &u), UPGRADE_REFUSED);
		assert_int_equal(upgrade_status(&u), 400);
	}
}

static void
random_bytes(void **state)
{
	static const char *const pieces[] = {"GET ", "/ws", " HTTP/1.1", "\r\n", "\n", "\r", ":", " ", UPGRADE, REST,
		XMPP, "Upgrade", "websocket", ",", "x", "\xff", "Connection", "\r\n\r\n", "GET /ws HTTP/1.1\r\n"};
	struct dice dice = {11};
	struct upgrade u;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		char bytes[64];
		size_t n = dice_roll(&dice, sizeof bytes);
		struct buf text;
		for (size_t k = 0; k < n; k++)
			bytes[k] = (char) dice_next(&dice);
		assert_int_not_equal(judge(&open_rules, slice_of(bytes, n), &u), UPGRADE_WEBSOCKET);
		buf_init(&text, BUF_UNLIMITED);
		for (n = dice_roll(&dice, 14); n > 0; n--)
			buf_append_str(&text, pieces[dice_roll(&dice, COUNT(pieces))]);
		if (judge(&open_rules, buf_slice(&text), &u) == UPGRADE_WEBSOCKET)
			assert_true(u.n > 0 && u.n <= text.n);
		buf_fini(&text);
	}
}

/* What a library has read: names and values, as they were or without blanks around them. */
static void
fields_of_a_library(void **state)
{
	static const struct {
		const struct upgrade_rules *rules;
		const char *method, *target, *version;
		const char *fields[16]; /* names and values */
		enum upgrade_verdict want;
		unsigned status;
	} rows[] = {
#define GOOD_FIELDS \
	"Host", "example.org", "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", \
		"Sec-WebSocket-Key", KEY, "Sec-WebSocket-Protocol", "xmpp"
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS}, UPGRADE_WEBSOCKET, 0},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "Origin", "https://evil.example"},
			UPGRADE_REFUSED, 403},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "Upgrade", "h2c"}, UPGRADE_WEBSOCKET, 0},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "Content-Length", "0 "}, UPGRADE_WEBSOCKET, 0},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "Content-Length", "1"}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "X ", "y"}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {GOOD_FIELDS, "Host", "example.org"}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.0", {GOOD_FIELDS}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/elsewhere", "HTTP/1.1", {GOOD_FIELDS}, UPGRADE_HTTP, 0},
		{&strict_rules, "POST", "/ws", "HTTP/1.1", {GOOD_FIELDS}, UPGRADE_HTTP, 0},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {"Host", "x", "Upgrade", "h2c"}, UPGRADE_HTTP, 0},
		{&strict_rules, "POST", "/ws", "HTTP/1.1", {"Host", "x", "Transfer-Encoding", "gzip"}, UPGRADE_REFUSED,
			400},
		{&strict_rules, "POST", "/ws", "HTTP/1.0", {"Transfer-Encoding", "chunked"}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {"Upgrade", " websocket "}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.1", {NULL}, UPGRADE_REFUSED, 400},
		{&strict_rules, "GET", "/ws", "HTTP/1.0", {NULL}, UPGRADE_HTTP, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct upgrade u;
		upgrade_begin(&u, rows[i].rules, slice_str(rows[i].method), slice_str(rows[i].target),
			slice_str(rows[i].version));
		for (const char *const *f = rows[i].fields; *f != NULL; f += 2)
			upgrade_field(&u, slice_str(f[0]), slice_str(f[1]));
		assert_int_equal(upgrade_judge(&u), rows[i].want);
		if (rows[i].want == UPGRADE_REFUSED)
			assert_int_equal(upgrade_status(&u), rows[i].status);
	}
}

/* The head for the other library has nothing of the client's but the key. */
static void
heads_of_ours(void **state)
{
	static const struct {
		const struct upgrade_rules *rules;
		const char *text, *want;
	} rows[] = {
		{&open_rules,
			"GET http://example.org/ws?room=100% HTTP/1.1\r\nHost: Example.ORG:80\r\nCookie: a=b\r\n"
			"upgrade: h2c, WebSocket\r\nConnection: close, upgrade\r\nOrigin: https://a.example\r\n"
			"Sec-WebSocket-Version:13\r\nSec-WebSocket-Key:\t" KEY " \r\nContent-Length: 0\r\n"
			"Sec-WebSocket-Protocol: chat,, xmpp\r\nX-Forwarded-For: 192.0.2.1\r\n"
			"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n\x81\x85",
			"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
			"\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"},
		{&lax_rules, WS(UPGRADE REST),
			"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[UPGRADE_HEAD_MAX];
		struct upgrade u;
		assert_row(judge(rows[i].rules, slice_str(rows[i].text), &u) == UPGRADE_WEBSOCKET, rows[i].text);
		assert_slice(slice_of(text, upgrade_write(&u.head, text)), rows[i].want);
	}
}

/* Whatever else there is, up to the last byte that we look at. */
static void
long_heads(void **state)
{
	static const char *const fields[] = {
		"Cookie", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Upgrade", "Connection"};
	struct upgrade u;

	(void) state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		for (size_t n = 500; n <= UPGRADE_MAX + 500; n += n == 16000 ? UPGRADE_MAX - 16000 : 500) {
			struct buf text;
			buf_init(&text, BUF_UNLIMITED);
			buf_printf(&text, "GET /ws HTTP/1.1\r\n" HOST UPGRADE REST XMPP "%s: ", fields[i]);
			while (text.n < n - 4)
				buf_append_char(&text, 'x');
			buf_append_str(&text, "\r\n\r\n");
			assert_int_equal(text.n, n);
			assert_int_equal(judge(&open_rules, buf_slice(&text), &u), UPGRADE_WEBSOCKET);
			assert_int_equal(u.n, n);
			buf_fini(&text);
		}
	}
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
		struct upgrade u;
		const char *text, *body, *length;
		buf_init(&out, BUF_UNLIMITED);
		assert_int_equal(judge(&strict_rules, slice_str(rows[i].text), &u), UPGRADE_REFUSED);
		assert_int_equal(upgrade_refusal(&out, &u, SLICE("X-Shard: s1\r\nX-B: c\r\n")), 0);
		text = buf_cstr(&out);
		assert_int_equal(strncmp(text, rows[i].line, strlen(rows[i].line)), 0);
		body = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		assert_true(body != NULL && length != NULL && length < body);
		assert_true(strstr(text, "\r\nX-Shard: s1\r\nX-B: c\r\n") < body);
		assert_int_equal(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body + 4));
		assert_non_null(strstr(text, "close\r\n"));
		assert_non_null(strstr(body, u.reason));
		assert_int_equal(strstr(text, "Sec-WebSocket-Version: 13\r\n") != NULL, upgrade_status(&u) == 426);
		buf_fini(&out);
	}
}

/* Whose it is: a proxy's word, of one that is trusted only; and of a head that is refused too. */
static void
clients(void **state)
{
	static const struct {
		bool is_trusted;
		const char *text, *client;
		enum upgrade_verdict verdict;
	} rows_of[] = {
		{true, WS("X-Forwarded-For: 192.0.2.9, 198.51.100.7\r\n" UPGRADE REST XMPP), "198.51.100.7",
			UPGRADE_WEBSOCKET},
		{true, WS(UPGRADE REST XMPP "X-Forwarded-For: 192.0.2.9\r\nx-forwarded-for: 2001:db8::1 \r\n"),
			"2001:db8::1", UPGRADE_WEBSOCKET},
		{true, WS(UPGRADE REST "X-Forwarded-For: 192.0.2.9\r\n"), "192.0.2.9", UPGRADE_REFUSED},
		{true, WS("X-Forwarded-For: 192.0.2.9\r\n"), "192.0.2.9", UPGRADE_HTTP},
		{true, GOOD, "192.0.2.1:4711", UPGRADE_WEBSOCKET},
		{false, WS(UPGRADE REST XMPP "X-Forwarded-For: 192.0.2.9\r\n"), "192.0.2.1:4711", UPGRADE_WEBSOCKET},
		{true, "GET /ws HTTP/1.1\r\n", "192.0.2.1:4711", UPGRADE_MORE},
	};
	static const struct log log;

	(void) state;
	for (size_t i = 0; i < COUNT(rows_of); i++) {
		struct upgrade_rules rules = open_rules;
		struct upgrade u;
		rules.proxied.is_trusted = rows_of[i].is_trusted;
		assert_int_equal(judge(&rules, slice_str(rows_of[i].text), &u), rows_of[i].verdict);
		assert_string_equal(log_peer(&log, &u.client).text, rows_of[i].client);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(clients),
		cmocka_unit_test(endless_heads),
		cmocka_unit_test(bytes_with_nul),
		cmocka_unit_test(rooms),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(fields_of_a_library),
		cmocka_unit_test(heads_of_ours),
		cmocka_unit_test(long_heads),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
