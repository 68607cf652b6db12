#include "bench/client.h"

#include <stdio.h>

#include "base/fatal.h"
#include "bench/element.h"

#define HEAD_MAX 160

void
client_init(struct client *c, struct crowd *crowd, unsigned number)
{
	*c = (struct client){.crowd = crowd, .number = number};
	buf_init(&c->queue, BUF_UNLIMITED);
	for (int i = 0; i < 2; i++)
		sock_init(&c->post[i].sock, crowd->epoll, NULL, c);
}

void
client_drop(struct client *c)
{
	for (int i = 0; i < 2; i++)
		sock_drop(&c->post[i].sock);
	buf_fini(&c->queue);
}

void
client_fail(struct client *c, const char *why)
{
	if (c->step == CLIENT_FAILED)
		return;
	c->step = CLIENT_FAILED;
	client_drop(c);
	c->crowd->failed(c, why);
}

bool
client_connect(struct client *c, const struct sock_handler *handler)
{
	c->post[0].sock.handler = handler;
	if (sock_connect(&c->post[0].sock, &c->crowd->to) == 0)
		return true;
	client_fail(c, "no connection");
	return false;
}

void
client_lost(struct sock *s)
{
	client_fail(s->owner, "connection lost");
}

void
client_log_in(struct client *c)
{
	c->step = CLIENT_OPENING;
	c->crowd->transport->open(c);
}

/* Where a message is the same every time; its id is not. */
static int
write_head(const struct client *c, char *head)
{
	return snprintf(head, HEAD_MAX,
		"<message xmlns='jabber:client' to='echo@" CLIENT_DOMAIN "' type='chat' id='%u-%llu'>", c->number,
		(unsigned long long) c->n_sent);
}

static const struct slice body_begins = SLICE_INIT("<body>");
static const struct slice body_ends = SLICE_INIT("</body></message>");

void
client_send(struct client *c, struct slice text, int64_t now_us)
{
	static char bytes[65536];
	size_t n;

	must(c->step == CLIENT_READY && text.n + 1024 <= sizeof bytes);
	c->step = CLIENT_WAITING;
	c->since_us = now_us;
	c->text = text;
	c->n_sent++;
	n = (size_t) write_head(c, bytes);
	memcpy(bytes + n, body_begins.p, body_begins.n);
	n += body_begins.n;
	memcpy(bytes + n, text.p, text.n);
	n += text.n;
	memcpy(bytes + n, body_ends.p, body_ends.n);
	n += body_ends.n;
	c->crowd->transport->send(c, slice_of(bytes, n));
}

/* The server wrote our own bytes; only namespace declarations may have come in between. */
static bool
is_our_echo(const struct client *c, struct slice element)
{
	struct slice tag = slice_of(element.p, element_tag(element)), rest, id;
	char expected[64];
	int n = snprintf(expected, sizeof expected, "%u-%llu", c->number, (unsigned long long) c->n_sent);

	if (!slice_has_prefix(element, SLICE("<message")))
		return false;
	id = element_attribute(tag, "id");
	rest = slice_of(element.p + tag.n, element.n - tag.n);
	return slice_eq(id, slice_of(expected, (size_t) n)) && rest.n == body_begins.n + c->text.n + body_ends.n &&
		slice_has_prefix(rest, body_begins) && memcmp(rest.p + body_begins.n, c->text.p, c->text.n) == 0 &&
		memcmp(rest.p + body_begins.n + c->text.n, body_ends.p, body_ends.n) == 0;
}

static bool
unexpected(struct client *c, const char *wanted, struct slice element)
{
	char why[256];

	snprintf(why, sizeof why, "wanted %s, got %.*s", wanted, (int) (element.n < 160 ? element.n : 160), element.p);
	client_fail(c, why);
	return false;
}

bool
client_heard(struct client *c, struct slice element)
{
	const struct transport *transport = c->crowd->transport;

	switch (c->step) {
	case CLIENT_OPENING:
		if (!slice_has_prefix(element, SLICE("<stream:features")) || !element_has(element, ">PLAIN<"))
			return unexpected(c, "mechanisms", element);
		c->step = CLIENT_PROVING;
		/* NUL bench NUL bench */
		transport->send(c,
			SLICE("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGJlbmNoAGJlbmNo</auth>"));
		return c->step != CLIENT_FAILED;
	case CLIENT_PROVING:
		if (!slice_has_prefix(element, SLICE("<success")))
			return unexpected(c, "success", element);
		c->step = CLIENT_RESTARTING;
		transport->restart(c);
		return c->step != CLIENT_FAILED;
	case CLIENT_RESTARTING:
		if (!slice_has_prefix(element, SLICE("<stream:features")) || !element_has(element, "<bind"))
			return unexpected(c, "bind", element);
		c->step = CLIENT_BINDING;
		transport->send(c,
			SLICE("<iq xmlns='jabber:client' type='set' id='bind'>"
			      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"));
		return c->step != CLIENT_FAILED;
	case CLIENT_BINDING:
		if (!slice_has_prefix(element, SLICE("<iq")) || !element_has(element, "<jid>"))
			return unexpected(c, "a jid", element);
		c->step = CLIENT_READY;
		c->crowd->ready(c);
		return c->step != CLIENT_FAILED;
	case CLIENT_WAITING:
		if (!is_our_echo(c, element))
			return unexpected(c, "the message back", element);
		c->step = CLIENT_READY;
		c->crowd->echoed(c);
		return c->step != CLIENT_FAILED;
	default:
		return unexpected(c, "nothing", element);
	}
}
