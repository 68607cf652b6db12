#include "proto/http/upgrade.h"

#include <stdio.h>

#include "base/err.h"
#include "base/fatal.h"

#define WEBSOCKET_KEY_BYTES 16 /* RFC 6455, 4.1 */
#define METHOD_MAX 32

/* Everything up to the line's end; *rest goes behind it.  False when the line is not complete. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	struct slice behind;

	if (!slice_cut(*rest, '\n', line, &behind))
		return false;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	*rest = behind;
	return true;
}

static struct slice
next_word(struct slice *rest, char separator)
{
	struct slice word;

	slice_cut(*rest, separator, &word, rest);
	return word;
}

/* Does a list have this element?  Empty ones are no matter (RFC 9110, 5.6.1.2). */
static bool
has_element(struct slice list, struct slice element, bool (*is_same)(struct slice a, struct slice b))
{
	while (slice_is_set(list))
		if (is_same(slice_trim(next_word(&list, ',')), element))
			return true;
	return false;
}

static size_t
how_often(struct slice text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == c;
	return n;
}

void
upgrade_begin(struct upgrade *u, const struct upgrade_rules *rules, struct slice method, struct slice target,
	struct slice version)
{
	struct slice path, query;

	*u = (struct upgrade){.rules = rules, .client = *rules->proxied.peer};
	proxied_begin(&u->proxied, &rules->proxied);
	if (slice_cut(target, '?', &path, &query))
		u->room = UPGRADE_ITEM * (1 + how_often(query, '&'));
	/* Only a GET of a WebSocket path can be an upgrade. */
	u->is_get = slice_eq(method, SLICE("GET")) && place_find(&rules->places, target) == PLACE_WEBSOCKET;
	u->is_http_1_1 = slice_eq(version, SLICE("HTTP/1.1"));
}

/* A field that may come once: who reads the head before us may see the other one. */
static void
once(struct upgrade *u, struct slice *field, struct slice value)
{
	u->is_odd = u->is_odd || slice_is_set(*field);
	*field = value;
}

/* Lists may come in several lines (RFC 9110, 5.3; RFC 6455, 11.3.4). */
void
upgrade_field(struct upgrade *u, struct slice name, struct slice value)
{
	smuggling_field(&u->framing, name, value);
	proxied_field(&u->proxied, name, value);
	u->room += UPGRADE_ITEM;
	/* The library cuts a copy into pieces. */
	if (slice_eq_nocase(name, SLICE("cookie")))
		u->room += value.n + UPGRADE_ITEM * (1 + how_often(value, ';') + how_often(value, ','));
	if (!u->is_get)
		return;
	value = slice_trim(value);
	if (slice_eq_nocase(name, SLICE("upgrade"))) {
		u->is_websocket = u->is_websocket || has_element(value, SLICE("websocket"), slice_eq_nocase);
	} else if (slice_eq_nocase(name, SLICE("connection"))) {
		u->is_upgrade = u->is_upgrade || has_element(value, SLICE("upgrade"), slice_eq_nocase);
	} else if (slice_eq_nocase(name, SLICE("sec-websocket-protocol"))) {
		u->has_subprotocol = true;
		u->has_xmpp = u->has_xmpp || has_element(value, SLICE("xmpp"), slice_eq);
	} else if (slice_eq_nocase(name, SLICE("host"))) {
		once(u, &u->asked.host, value);
	} else if (slice_eq_nocase(name, SLICE("sec-websocket-version"))) {
		once(u, &u->version, value);
	} else if (slice_eq_nocase(name, SLICE("sec-websocket-key"))) {
		once(u, &u->key, value);
	} else if (slice_eq_nocase(name, SLICE("origin"))) {
		once(u, &u->asked.origin, value);
	} else if (slice_eq_nocase(name, SLICE("x-forwarded-host")) && u->rules->proxied.is_trusted) {
		/* Twice: nobody knows which one is the proxy's. */
		u->asked.forwarded_host = u->forwarded_hosts++ == 0 ? value : SLICE_NONE;
	}
}

bool
upgrade_is_meant(const struct upgrade *u)
{
	return u->is_get && u->is_websocket;
}

static enum upgrade_verdict
refuse(struct upgrade *u, enum upgrade_refused why, const char *reason)
{
	u->refused = why;
	u->reason = reason;
	return UPGRADE_REFUSED;
}

void
upgrade_deny(struct upgrade *u, const char *reason)
{
	refuse(u, UPGRADE_REFUSED_CLIENT, reason);
}

void
upgrade_limit(struct upgrade *u, unsigned seconds)
{
	refuse(u, UPGRADE_REFUSED_LIMIT, "Too many sessions: try again later.");
	u->retry_after = seconds;
}

static bool
is_key(const struct hooks *hooks, struct slice key)
{
	return key.n == UPGRADE_KEY && hooks->is_base64(hooks->arg, key, WEBSOCKET_KEY_BYTES);
}

/* RFC 6455, 4.2.1 and RFC 7395, 3.1. */
enum upgrade_verdict
upgrade_judge(struct upgrade *u)
{
	const struct upgrade_rules *rules = u->rules;
	const char *reason = smuggling_reason(&u->framing, u->is_http_1_1);

	u->client = proxied_client(&u->proxied);
	if (reason != NULL)
		return refuse(u, UPGRADE_REFUSED_REQUEST, reason);
	if (!upgrade_is_meant(u))
		return u->framing.unread != NULL ? refuse(u, UPGRADE_REFUSED_REQUEST, u->framing.unread) : UPGRADE_HTTP;
	if (u->is_odd)
		return refuse(u, UPGRADE_REFUSED_REQUEST, "A header field of this upgrade comes twice.");
	if (u->framing.transfer_encodings > 0 || u->framing.length > 0)
		return refuse(u, UPGRADE_REFUSED_REQUEST, "An upgrade has no body.");
	if (!u->is_http_1_1)
		return refuse(u, UPGRADE_REFUSED_REQUEST, "A WebSocket upgrade needs HTTP/1.1.");
	if (!u->is_upgrade)
		return refuse(u, UPGRADE_REFUSED_REQUEST, "The Connection header does not say Upgrade.");
	if (u->asked.host.n == 0)
		return refuse(u, UPGRADE_REFUSED_REQUEST, "There is no Host header.");
	if (!slice_eq(u->version, SLICE(UPGRADE_VERSION)))
		return refuse(u, UPGRADE_REFUSED_VERSION, "Only WebSocket version 13 (RFC 6455) is spoken here.");
	if (!is_key(rules->hooks, u->key))
		return refuse(u, UPGRADE_REFUSED_REQUEST, "The Sec-WebSocket-Key header is not 16 bytes in base64.");
	u->origin = origin_judge(&rules->origins, &u->asked);
	if (u->origin != ORIGIN_ALLOWED)
		return refuse(u, UPGRADE_REFUSED_ORIGIN, "This Origin is not allowed.");
	if ((rules->require_subprotocol || u->has_subprotocol) && !u->has_xmpp)
		return refuse(u, UPGRADE_REFUSED_SUBPROTOCOL,
			"The Sec-WebSocket-Protocol header does not offer xmpp (RFC 7395, 3.1).");
	memcpy(u->head.key, u->key.p, UPGRADE_KEY);
	u->head.has_xmpp = u->has_xmpp;
	return UPGRADE_WEBSOCKET;
}

/* ---- bytes ---- */

/* "GET /path HTTP/1.1": three words, of which the first is a token and the last begins right. */
static enum upgrade_verdict
read_request_line(struct slice line, struct slice *method, struct slice *target, struct slice *version)
{
	*method = next_word(&line, ' ');
	*target = next_word(&line, ' ');
	*version = line;
	if (method->n == 0 || method->n > METHOD_MAX || !slice_is_set(*version) ||
		!slice_has_prefix(*version, SLICE("HTTP/")))
		return UPGRADE_GARBAGE;
	return UPGRADE_HTTP;
}

/* What cannot become a request line is not worth waiting for its end. */
static bool
is_garbage_so_far(struct slice bytes)
{
	for (size_t i = 0; i < bytes.n && bytes.p[i] != ' '; i++)
		if (((bytes.p[i] < 'A' || bytes.p[i] > 'Z') && bytes.p[i] != '-') || i >= METHOD_MAX)
			return true;
	return false;
}

/* Shows the judge the fields up to the empty line. */
static void
read_fields(struct upgrade *u, struct slice rest)
{
	struct slice line;

	while (next_line(&rest, &line) && line.n > 0) {
		struct slice value = line;
		struct slice name = next_word(&value, ':');
		upgrade_field(u, name, value);
	}
}

/* The end of something has not come. */
static enum upgrade_verdict
wait_for_more(struct upgrade *u, struct slice bytes, const char *too_long)
{
	return bytes.n < UPGRADE_MAX ? UPGRADE_MORE : refuse(u, UPGRADE_REFUSED_SIZE, too_long);
}

enum upgrade_verdict
upgrade_look(struct upgrade *u, const struct upgrade_rules *rules, struct slice bytes)
{
	struct slice rest = bytes, line, fields, method, target, version;
	enum upgrade_verdict verdict;

	*u = (struct upgrade){.rules = rules, .client = *rules->proxied.peer};
	if (slice_eq(bytes, SLICE("\r")))
		return UPGRADE_MORE;
	/* One empty line before the first request is forgiven (RFC 9112, 2.2). */
	if (slice_has_prefix(bytes, SLICE("\r\n")))
		rest = slice_of(bytes.p + 2, bytes.n - 2);
	if (is_garbage_so_far(rest))
		return UPGRADE_GARBAGE;
	if (!next_line(&rest, &line))
		return wait_for_more(u, bytes, "The request line is too long.");
	if (read_request_line(line, &method, &target, &version) != UPGRADE_HTTP)
		return UPGRADE_GARBAGE;
	upgrade_begin(u, rules, method, target, version);
	smuggling_line(&u->framing, line);
	fields = rest;
	do {
		if (!next_line(&rest, &line))
			return wait_for_more(u, bytes, "The request head is too long.");
	} while (line.n > 0);
	u->n = (size_t) (rest.p - bytes.p);
	read_fields(u, fields);
	u->room += u->n;
	verdict = upgrade_judge(u);
	if (verdict == UPGRADE_HTTP && rules->room > 0 && u->room > rules->room)
		return refuse(u, UPGRADE_REFUSED_SIZE, "The request head has too many fields, parameters or cookies.");
	return verdict;
}

/* ---- heads of ours ---- */

size_t
upgrade_write(const struct upgrade_head *head, char out[UPGRADE_HEAD_MAX])
{
	int n = snprintf(out, UPGRADE_HEAD_MAX,
		"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: " UPGRADE_VERSION "\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
		head->key, head->has_xmpp ? "Sec-WebSocket-Protocol: xmpp\r\n" : "");

	must(n > 0 && n < UPGRADE_HEAD_MAX);
	return (size_t) n;
}

static const struct {
	unsigned status;
	const char *line, *fields;
} refusals[] = {
	[UPGRADE_REFUSED_REQUEST] = {400, "400 Bad Request", ""},
	[UPGRADE_REFUSED_ORIGIN] = {403, "403 Forbidden", ""},
	[UPGRADE_REFUSED_VERSION] = {426, "426 Upgrade Required",
		"Upgrade: websocket\r\nSec-WebSocket-Version: " UPGRADE_VERSION "\r\n"},
	[UPGRADE_REFUSED_SUBPROTOCOL] = {400, "400 Bad Request", ""},
	[UPGRADE_REFUSED_SIZE] = {431, "431 Request Header Fields Too Large", ""},
	[UPGRADE_REFUSED_ROOM] = {503, "503 Service Unavailable", ""},
	[UPGRADE_REFUSED_CONNECTION] = {503, "503 Service Unavailable", ""},
	[UPGRADE_REFUSED_CLIENT] = {403, "403 Forbidden", ""},
	[UPGRADE_REFUSED_LIMIT] = {429, "429 Too Many Requests", ""},
};

unsigned
upgrade_status(const struct upgrade *u)
{
	return refusals[u->refused].status;
}

bool
upgrade_names_version(const struct upgrade *u)
{
	return u->refused == UPGRADE_REFUSED_VERSION;
}

int
upgrade_refusal(struct buf *out, const struct upgrade *u, struct slice lines)
{
	char retry[40] = "";

	if (u->retry_after > 0)
		snprintf(retry, sizeof retry, "Retry-After: %u\r\n", u->retry_after);
	return buf_printf(out,
		"HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s%.*sConnection: %s\r\n\r\n%s\n",
		refusals[u->refused].line, strlen(u->reason) + 1, refusals[u->refused].fields, retry, SLICE_ARG(lines),
		upgrade_names_version(u) ? "Upgrade, close" : "close", u->reason);
}
