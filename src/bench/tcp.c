#include "bench/tcp.h"

#include "bench/element.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
	"to='" CLIENT_DOMAIN "' version='1.0'>"

static void
send_stanza(struct client *c, struct slice stanza)
{
	struct iovec one = {(void *) (uintptr_t) stanza.p, stanza.n};

	sock_send(&c->post[0].sock, &one, 1);
}

static void
restart(struct client *c)
{
	c->is_open = false;
	send_stanza(c, SLICE(HEADER));
}

static size_t
input(struct sock *s, struct slice bytes)
{
	struct client *c = s->owner;
	size_t at = 0, n;

	while (at < bytes.n) {
		struct slice rest = slice_of(bytes.p + at, bytes.n - at);
		if (rest.p[0] != '<') {
			client_fail(c, "text between elements");
			return 0;
		}
		n = c->is_open ? element_whole(rest) : element_tag(rest);
		if (n == 0)
			break;
		rest.n = n;
		at += n;
		if (!c->is_open)
			c->is_open = slice_has_prefix(rest, SLICE("<stream:stream"));
		else if (!client_heard(c, rest))
			return 0;
	}
	return at;
}

static const struct sock_handler handler = {.input = input, .gone = client_lost};

static void
open_stream(struct client *c)
{
	if (!client_connect(c, &handler))
		return;
	restart(c);
}

const struct transport transport_tcp = {.name = "tcp", .open = open_stream, .restart = restart, .send = send_stanza};
