#include "bench/bosh.h"

#include <stdio.h>

#include "bench/element.h"

#define PATH "/http-bind"
#define NS "xmlns='http://jabber.org/protocol/httpbind'"
#define FIRST_RID 4000000000ULL
#define TEXT_MAX 512

static const struct sock_handler handler;

static unsigned
count_busy(const struct client *c)
{
	return (unsigned) c->post[0].is_busy + (unsigned) c->post[1].is_busy;
}

/* Sends the bytes as the next request, on the connection that was used longer ago if that is free. */
static void
post(struct client *c, const struct iovec *body, int n)
{
	struct iovec v[4];
	char head[TEXT_MAX];
	struct post *p = &c->post[!c->last_post];
	size_t length = 0;

	if (p->is_busy)
		p = &c->post[c->last_post];
	c->last_post = p == &c->post[1];
	if (p->sock.fd < 0) {
		p->sock.handler = &handler;
		if (sock_connect(&p->sock, &c->crowd->to) != 0) {
			client_fail(c, "no connection");
			return;
		}
	}
	for (int i = 0; i < n; i++) {
		length += body[i].iov_len;
		v[i + 1] = body[i];
	}
	v[0].iov_base = head;
	v[0].iov_len = (size_t) snprintf(head, sizeof head,
		"POST " PATH " HTTP/1.1\r\nHost: %s\r\nUser-Agent: culvert-bench\r\nAccept: */*\r\n"
		"Origin: http://%s\r\nContent-Type: text/xml; charset=utf-8\r\n"
		"Content-Length: %zu\r\n\r\n",
		c->crowd->host, c->crowd->host, length);
	p->is_busy = true;
	c->crowd->posts++;
	sock_send(&p->sock, v, n + 1);
}

static void
post_payload(struct client *c, struct slice payload)
{
	char text[TEXT_MAX];
	struct iovec v[3] = {{text, 0}, {(void *) (uintptr_t) payload.p, payload.n}, {"</body>", 7}};

	v[0].iov_len = (size_t) snprintf(text, sizeof text, "<body rid='%llu' sid='%s' " NS "%s",
		(unsigned long long) ++c->rid, c->sid, payload.n > 0 ? ">" : "/>");
	post(c, v, payload.n > 0 ? 3 : 1);
}

static void
send_stanza(struct client *c, struct slice stanza)
{
	if (count_busy(c) < 2)
		post_payload(c, stanza);
	else
		buf_append(&c->queue, stanza);
}

static void
restart(struct client *c)
{
	char text[TEXT_MAX];
	struct iovec one = {text, 0};

	one.iov_len = (size_t) snprintf(text, sizeof text,
		"<body rid='%llu' sid='%s' to='" CLIENT_DOMAIN "' xmpp:restart='true' " NS
		" xmlns:xmpp='urn:xmpp:xbosh'/>",
		(unsigned long long) ++c->rid, c->sid);
	post(c, &one, 1);
}

static bool
read_body(struct client *c, struct slice body)
{
	struct slice tag = slice_of(body.p, element_tag(body)), sid;
	size_t at = tag.n, end;

	if (!slice_has_prefix(body, SLICE("<body")) || tag.n == 0) {
		client_fail(c, "an answer that is no body");
		return false;
	}
	if (element_has(tag, "type='terminate'") || element_has(tag, "type=\"terminate\"")) {
		client_fail(c, "terminated");
		return false;
	}
	sid = element_attribute(tag, "sid");
	if (sid.n > 0 && sid.n < sizeof c->sid && c->sid[0] == '\0')
		memcpy(c->sid, sid.p, sid.n);
	if (c->sid[0] == '\0') {
		client_fail(c, "no sid");
		return false;
	}
	end = tag.p[tag.n - 2] == '/' ? body.n : body.n - strlen("</body>");
	while (at < end) {
		struct slice rest = slice_of(body.p + at, end - at);
		rest.n = element_whole(rest);
		if (rest.n == 0) {
			client_fail(c, "an element that is not whole");
			return false;
		}
		if (!client_heard(c, rest))
			return false;
		at += rest.n;
	}
	return true;
}

/* The length of a whole answer with its body in *body, 0 when more must come. */
static size_t
read_answer(struct client *c, struct slice bytes, struct slice *body)
{
	static const struct slice name = {"content-length:", 15};
	const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4), *line;
	size_t head;
	uint64_t length = UINT64_MAX;

	if (end == NULL)
		return 0;
	head = (size_t) (end - bytes.p) + 4;
	if (!slice_has_prefix(bytes, SLICE("HTTP/1.1 200 "))) {
		client_fail(c, "an answer that is not 200");
		return 0;
	}
	for (line = bytes.p; line < end; line = (const char *) memchr(line, '\n', (size_t) (end + 4 - line)) + 1) {
		struct slice value = slice_of(line + name.n, (size_t) (end - line));
		if (value.n <= name.n || !slice_eq_nocase(slice_of(line, name.n), name))
			continue;
		value.n = strcspn(value.p, "\r");
		slice_number(slice_trim(value), 1 << 24, &length);
	}
	if (length == UINT64_MAX) {
		client_fail(c, "an answer without a length");
		return 0;
	}
	*body = slice_of(bytes.p + head, (size_t) length);
	return bytes.n >= head + length ? head + (size_t) length : 0;
}

static size_t
input(struct sock *s, struct slice bytes)
{
	struct client *c = s->owner;
	struct post *p = &c->post[s == &c->post[1].sock];
	struct slice body;
	size_t n = read_answer(c, bytes, &body);

	if (n == 0)
		return 0;
	if (!p->is_busy || n != bytes.n) {
		client_fail(c, "an answer nobody asked for");
		return 0;
	}
	p->is_busy = false;
	if (!read_body(c, body))
		return 0;
	if (c->queue.n > 0 && count_busy(c) < 2) {
		post_payload(c, buf_slice(&c->queue));
		buf_clear(&c->queue, 0);
	} else if (count_busy(c) == 0) {
		post_payload(c, SLICE_NONE);
	}
	return c->step == CLIENT_FAILED ? 0 : n;
}

/* A connection without a request may go. */
static void
gone(struct sock *s)
{
	struct client *c = s->owner;

	if (c->post[s == &c->post[1].sock].is_busy)
		client_fail(c, "connection lost");
}

static const struct sock_handler handler = {.input = input, .gone = gone};

static void
open_stream(struct client *c)
{
	char text[TEXT_MAX];
	struct iovec one = {text, 0};

	c->rid = FIRST_RID + c->number * 1000003ULL;
	one.iov_len = (size_t) snprintf(text, sizeof text,
		"<body rid='%llu' to='" CLIENT_DOMAIN "' wait='60' hold='1' ver='1.6' "
		"content='text/xml; charset=utf-8' xmpp:version='1.0' xml:lang='en' " NS
		" xmlns:xmpp='urn:xmpp:xbosh'/>",
		(unsigned long long) c->rid);
	post(c, &one, 1);
}

const struct transport transport_bosh = {.name = "bosh", .open = open_stream, .restart = restart, .send = send_stanza};
