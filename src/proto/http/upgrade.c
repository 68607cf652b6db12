#include "proto/http/upgrade.h"

#include "base/err.h"

#define WEBSOCKET_VERSION "13"
#define WEBSOCKET_KEY_BYTES 16 /* RFC 6455, 4.1 */
#define METHOD_MAX 32
#define MAX_SUBPROTOCOLS 120 /* bytes of their list */

/* Everything up to the line's end; *rest goes behind it.  False when the line is not complete. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t) (end - rest->p);
	*line = slice_of(rest->p, n > 0 && rest->p[n - 1] == '\r' ? n - 1 : n);
	*rest = slice_of(end + 1, rest->n - n - 1);
	return true;
}

static struct slice
next_word(struct slice *rest, char separator)
{
	const char *end = rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
	struct slice word = *rest;

	if (end == NULL) {
		*rest = SLICE_NONE;
		return word;
	}
	word.n = (size_t) (end - rest->p);
	*rest = slice_of(end + 1, rest->n - word.n - 1);
	return word;
}

bool
upgrade_has_token(struct slice list, struct slice token)
{
	while (slice_is_set(list))
		if (slice_eq_nocase(slice_trim(next_word(&list, ',')), token))
			return true;
	return false;
}

static enum upgrade_verdict
refuse(struct upgrade *head, enum upgrade_refused why, const char *reason)
{
	head->refused = why;
	head->reason = reason;
	return UPGRADE_REFUSED;
}

static const char unclear[] = "The header fields of this upgrade are not clear.";

/*
 * What the library that does the handshake finds in the list: names as they
 * are written, none of them empty, in a list that is not long.
 */
static bool
offers_xmpp(struct slice list)
{
	bool found = false;

	if (list.n > MAX_SUBPROTOCOLS)
		return false;
	while (slice_is_set(list)) {
		struct slice name = slice_trim(next_word(&list, ','));
		if (name.n == 0)
			return false;
		found = found || slice_eq(name, SLICE("xmpp"));
	}
	return found;
}

/* RFC 6455, 4.2.1 and RFC 7395, 3.1. */
enum upgrade_verdict
upgrade_judge_fields(const struct upgrade_rules *rules, const struct upgrade_fields *u, struct upgrade *head)
{
	if (!slice_eq_nocase(slice_trim(u->upgrade), SLICE("websocket")))
		return refuse(head, UPGRADE_REFUSED_REQUEST, "The Upgrade header does not say websocket.");
	if (!upgrade_has_token(u->connection, SLICE("upgrade")))
		return refuse(head, UPGRADE_REFUSED_REQUEST, "The Connection header does not say Upgrade.");
	if (u->host.n == 0)
		return refuse(head, UPGRADE_REFUSED_REQUEST, "There is no Host header.");
	if (!slice_eq(slice_trim(u->version), SLICE(WEBSOCKET_VERSION)))
		return refuse(head, UPGRADE_REFUSED_VERSION, "Only WebSocket version 13 (RFC 6455) is spoken here.");
	if (!slice_is_set(u->key) ||
		!rules->hooks->is_base64(rules->hooks->arg, slice_trim(u->key), WEBSOCKET_KEY_BYTES))
		return refuse(head, UPGRADE_REFUSED_REQUEST, "The Sec-WebSocket-Key header is not 16 bytes in base64.");
	if (!origin_is_allowed(&rules->origins, u->origin, u->host))
		return refuse(head, UPGRADE_REFUSED_ORIGIN, "This Origin is not allowed.");
	if ((rules->require_subprotocol || slice_is_set(u->subprotocol)) && !offers_xmpp(u->subprotocol))
		return refuse(head, UPGRADE_REFUSED_SUBPROTOCOL,
			"The Sec-WebSocket-Protocol header does not offer xmpp (RFC 7395, 3.1).");
	return UPGRADE_WEBSOCKET;
}

/* A name of token characters (RFC 9110, 5.6.2) right before the colon, and a value without control characters. */
bool
upgrade_is_field(struct slice name, struct slice value)
{
	if (name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char) name.p[i] <= ' ' || (unsigned char) name.p[i] >= 0x7f ||
			strchr("()<>@,;:\\\"/[]?={}", name.p[i]) != NULL)
			return false;
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char) value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	return true;
}

/*
 * Reads the header fields of a GET on a WebSocket path.  A field that decides
 * must not come twice, nor be folded: who reads it after us might see the other.
 *
 * DEVIATES: RFC 6455, 11.3.4 lets Sec-WebSocket-Protocol come in several
 * lines, and HTTP any list.
 */
static enum upgrade_verdict
read_fields(struct slice rest, struct upgrade_fields *u, bool *is_websocket, struct upgrade *head)
{
	struct {
		struct slice name;
		struct slice *value;
	} const fields[] = {
		{SLICE("connection"), &u->connection},
		{SLICE("upgrade"), &u->upgrade},
		{SLICE("sec-websocket-version"), &u->version},
		{SLICE("sec-websocket-key"), &u->key},
		{SLICE("sec-websocket-protocol"), &u->subprotocol},
		{SLICE("origin"), &u->origin},
		{SLICE("host"), &u->host},
	};
	struct slice line;
	bool is_odd = false;

	*is_websocket = false;
	while (next_line(&rest, &line) && line.n > 0) {
		struct slice value = line;
		struct slice name = next_word(&value, ':');

		if (!slice_is_set(value) || !upgrade_is_field(name, value))
			is_odd = true;
		if (slice_eq_nocase(name, SLICE("upgrade")) && upgrade_has_token(value, SLICE("websocket")))
			*is_websocket = true;
		if (slice_eq_nocase(name, SLICE("content-length")) || slice_eq_nocase(name, SLICE("transfer-encoding")))
			is_odd = true;
		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
			if (!slice_eq_nocase(name, fields[i].name))
				continue;
			is_odd = is_odd || slice_is_set(*fields[i].value);
			*fields[i].value = slice_trim(slice_is_set(value) ? value : SLICE(""));
		}
	}
	if (*is_websocket && is_odd)
		return refuse(head, UPGRADE_REFUSED_REQUEST, unclear);
	return UPGRADE_MORE;
}

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

enum upgrade_verdict
upgrade_judge(const struct upgrade_rules *rules, struct slice bytes, struct upgrade *head)
{
	struct slice rest = bytes, line, method, target, version;
	struct upgrade_fields u = {.key = SLICE_NONE};
	bool is_websocket = false;

	*head = (struct upgrade){.n = 0};
	/* One empty line before the first request is forgiven (RFC 9112, 2.2), by the library that knows how. */
	if (slice_eq(bytes, SLICE("\r")) || slice_eq(bytes, SLICE("\r\n")))
		return UPGRADE_MORE;
	if (slice_has_prefix(bytes, SLICE("\r\n"))) {
		rest = slice_of(bytes.p + 2, bytes.n - 2);
		if (is_garbage_so_far(rest))
			return UPGRADE_GARBAGE;
		return memchr(rest.p, ' ', rest.n) != NULL ? UPGRADE_HTTP : UPGRADE_MORE;
	}
	if (is_garbage_so_far(bytes))
		return UPGRADE_GARBAGE;
	if (!next_line(&rest, &line)) {
		if (bytes.n < UPGRADE_MAX)
			return UPGRADE_MORE;
		return refuse(head, UPGRADE_REFUSED_SIZE, "The request line is too long.");
	}
	if (read_request_line(line, &method, &target, &version) != UPGRADE_HTTP)
		return UPGRADE_GARBAGE;
	/* Only a GET of a WebSocket path can be an upgrade: all else needs no further look. */
	if (!slice_eq(method, SLICE("GET")) || place_find(&rules->places, target) != PLACE_WEBSOCKET)
		return UPGRADE_HTTP;

	for (struct slice r = rest;;) {
		if (!next_line(&r, &line)) {
			if (bytes.n < UPGRADE_MAX)
				return UPGRADE_MORE;
			return refuse(head, UPGRADE_REFUSED_SIZE, "The request head is too long.");
		}
		if (line.n == 0) {
			head->n = (size_t) (r.p - bytes.p);
			break;
		}
	}
	rest.n = (size_t) (bytes.p + head->n - rest.p);
	if (read_fields(rest, &u, &is_websocket, head) == UPGRADE_REFUSED)
		return UPGRADE_REFUSED;
	if (!is_websocket)
		return UPGRADE_HTTP;
	if (!slice_eq(version, SLICE("HTTP/1.1")))
		return refuse(head, UPGRADE_REFUSED_REQUEST, "A WebSocket upgrade needs HTTP/1.1.");
	return upgrade_judge_fields(rules, &u, head);
}

static const struct {
	unsigned status;
	const char *line, *fields;
} refusals[] = {
	[UPGRADE_REFUSED_REQUEST] = {400, "400 Bad Request", ""},
	[UPGRADE_REFUSED_ORIGIN] = {403, "403 Forbidden", ""},
	[UPGRADE_REFUSED_VERSION] = {426, "426 Upgrade Required",
		"Upgrade: websocket\r\nSec-WebSocket-Version: " WEBSOCKET_VERSION "\r\n"},
	[UPGRADE_REFUSED_SUBPROTOCOL] = {400, "400 Bad Request", ""},
	[UPGRADE_REFUSED_SIZE] = {431, "431 Request Header Fields Too Large", ""},
};

unsigned
upgrade_status(const struct upgrade *head)
{
	return refusals[head->refused].status;
}

int
upgrade_refusal(struct buf *out, const struct upgrade *head, struct slice lines)
{
	return buf_printf(out,
		"HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%.*sConnection: %s\r\n\r\n%s\n",
		refusals[head->refused].line, strlen(head->reason) + 1, refusals[head->refused].fields,
		SLICE_ARG(lines), head->refused == UPGRADE_REFUSED_VERSION ? "Upgrade, close" : "close", head->reason);
}
