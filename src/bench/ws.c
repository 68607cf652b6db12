#include "bench/ws.h"

#include <stdio.h>

#include "base/fatal.h"
#include "bench/element.h"

#define PATH "/xmpp-websocket"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define OPEN "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" CLIENT_DOMAIN "' version='1.0'/>"
#define HEADER_MAX 14

enum { FRAME_TEXT = 0x1, FRAME_CLOSE = 0x8, FRAME_PING = 0x9, FRAME_PONG = 0xa, FRAME_FIN = 0x80, FRAME_MASKED = 0x80 };

/* Chosen anew for each frame; nobody here has to be unpredictable. */
static uint32_t
next_mask(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void
mask_bytes(char *to, struct slice from, uint32_t mask)
{
	const char *byte = (const char *) &mask;
	uint64_t wide = (uint64_t) mask << 32 | mask, word;
	size_t i = 0;

	for (; i + 8 <= from.n; i += 8) {
		memcpy(&word, from.p + i, 8);
		word ^= wide;
		memcpy(to + i, &word, 8);
	}
	for (; i < from.n; i++)
		to[i] = (char) (from.p[i] ^ byte[i % 4]);
}

static void
send_frame(struct client *c, int opcode, struct slice payload)
{
	static char frame[65536 + HEADER_MAX];
	uint32_t mask = next_mask();
	struct iovec one = {frame, 0};
	size_t n = 2;

	must(payload.n < 65536);
	frame[0] = (char) (FRAME_FIN | opcode);
	if (payload.n < 126) {
		frame[1] = (char) (FRAME_MASKED | payload.n);
	} else {
		frame[1] = (char) (FRAME_MASKED | 126);
		frame[2] = (char) (payload.n >> 8);
		frame[3] = (char) (payload.n & 255);
		n = 4;
	}
	memcpy(frame + n, &mask, 4);
	mask_bytes(frame + n + 4, payload, mask);
	one.iov_len = n + 4 + payload.n;
	sock_send(&c->post[0].sock, &one, 1);
}

static void
send_stanza(struct client *c, struct slice stanza)
{
	send_frame(c, FRAME_TEXT, stanza);
}

static void
restart(struct client *c)
{
	send_frame(c, FRAME_TEXT, SLICE(OPEN));
}

/* The answer to the upgrade; its length, or 0 when it is not whole or wrong. */
static size_t
read_upgrade(struct client *c, struct slice bytes)
{
	const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
	struct slice head;

	if (end == NULL)
		return 0;
	head = slice_of(bytes.p, (size_t) (end - bytes.p) + 4);
	if (!slice_has_prefix(head, SLICE("HTTP/1.1 101 ")) || !element_has(head, ": " ACCEPT "\r\n") ||
		!element_has(head, ": xmpp\r\n")) {
		client_fail(c, "the upgrade was refused");
		return 0;
	}
	c->is_open = true;
	restart(c);
	return head.n;
}

static void
take_frame(struct client *c, int opcode, struct slice payload)
{
	if (opcode == FRAME_PING)
		send_frame(c, FRAME_PONG, payload);
	else if (opcode == FRAME_CLOSE)
		client_fail(c, "closed by a frame");
	else if (opcode != FRAME_TEXT)
		client_fail(c, "a frame of another kind");
	else if (slice_has_prefix(payload, SLICE("<close")))
		client_fail(c, "stream closed");
	else if (payload.n == 0 || element_whole(payload) != payload.n)
		client_fail(c, "a message that is not one element");
	else if (!slice_has_prefix(payload, SLICE("<open")))
		client_heard(c, payload);
}

/* Length of the frame at the start of bytes, its payload in *payload; 0 when it is not whole. */
static size_t
read_frame(struct slice bytes, struct slice *payload)
{
	const unsigned char *b = (const unsigned char *) bytes.p;
	size_t head = 2, n;

	if (bytes.n < 2)
		return 0;
	n = b[1] & 127;
	if (n == 126)
		head = 4;
	else if (n == 127)
		head = 10;
	if (bytes.n < head)
		return 0;
	if (head > 2)
		n = 0;
	for (size_t i = 2; i < head; i++)
		n = n << 8 | b[i];
	if (bytes.n < head + n)
		return 0;
	*payload = slice_of(bytes.p + head, n);
	return head + n;
}

static size_t
input(struct sock *s, struct slice bytes)
{
	struct client *c = s->owner;
	size_t at = 0, n;

	if (!c->is_open && (at = read_upgrade(c, bytes)) == 0)
		return 0;
	while (at < bytes.n) {
		struct slice payload;
		n = read_frame(slice_of(bytes.p + at, bytes.n - at), &payload);
		if (n == 0)
			break;
		if (((unsigned char) bytes.p[at] & 0xf0) != FRAME_FIN || (bytes.p[at + 1] & FRAME_MASKED) != 0) {
			client_fail(c, "a fragment, or a frame that is masked or has reserved bits");
			return 0;
		}
		take_frame(c, bytes.p[at] & 0xf, payload);
		if (c->step == CLIENT_FAILED)
			return 0;
		at += n;
	}
	return at;
}

static const struct sock_handler handler = {.input = input, .gone = client_lost};

static void
open_stream(struct client *c)
{
	char head[512];
	struct iovec one = {head, 0};

	if (!client_connect(c, &handler))
		return;
	one.iov_len = (size_t) snprintf(head, sizeof head,
		"GET " PATH " HTTP/1.1\r\nHost: %s\r\nUser-Agent: culvert-bench\r\n"
		"Origin: http://%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Protocol: xmpp\r\n\r\n",
		c->crowd->host, c->crowd->host);
	sock_send(&c->post[0].sock, &one, 1);
}

const struct transport transport_ws = {.name = "ws", .open = open_stream, .restart = restart, .send = send_stanza};
