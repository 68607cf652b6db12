#include "bench/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "bench/element.h"
#include "bench/sock.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
	"id='b1' from='example.com' version='1.0'>"
#define MECHANISMS \
	"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>" \
	"</mechanisms></stream:features>"
#define BIND \
	"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" \
	"<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>"
#define SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define MAX_ID 128

struct visitor {
	struct sock sock;
	bool is_open, is_known; /* known: has authenticated */
	uint64_t number;
	struct list link; /* in visitors_gone */
};

struct server {
	int epoll;
	struct sock_watch listener;
	struct list visitors_gone; /* freed between two waits */
	uint64_t n_visitors;
};

static struct server server;

static void
say(struct visitor *v, struct slice bytes)
{
	struct iovec one = {(void *) (uintptr_t) bytes.p, bytes.n};

	sock_send(&v->sock, &one, 1);
}

static void
answer_iq(struct visitor *v, struct slice iq)
{
	char text[512];
	struct slice tag = slice_of(iq.p, element_tag(iq));
	struct slice id = element_attribute(tag, "id");
	int n;

	if (element_has(iq, "urn:ietf:params:xml:ns:xmpp-bind"))
		n = snprintf(text, sizeof text,
			"<iq type='result' id='%.*s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
			"<jid>u%llu@example.com/bench</jid></bind></iq>",
			(int) (id.n < MAX_ID ? id.n : MAX_ID), id.n > 0 ? id.p : "", (unsigned long long) v->number);
	else
		n = snprintf(text, sizeof text, "<iq type='result' id='%.*s'/>", (int) (id.n < MAX_ID ? id.n : MAX_ID),
			id.n > 0 ? id.p : "");
	say(v, slice_of(text, (size_t) n));
}

static void
answer(struct visitor *v, struct slice element)
{
	if (slice_has_prefix(element, SLICE("<message")))
		say(v, element);
	else if (slice_has_prefix(element, SLICE("<iq")))
		answer_iq(v, element);
	else if (slice_has_prefix(element, SLICE("<auth")) || slice_has_prefix(element, SLICE("<response"))) {
		say(v, SLICE(SUCCESS));
		v->is_known = true;
		v->is_open = false;
	}
}

/* The header of a stream: from here the next element, or nothing while it is not whole. */
static size_t
open_stream(struct visitor *v, struct slice bytes)
{
	size_t n = element_tag(bytes);

	if (n == 0 || slice_has_prefix(bytes, SLICE("<?")))
		return n;
	v->is_open = true;
	say(v, v->is_known ? SLICE(HEADER BIND) : SLICE(HEADER MECHANISMS));
	return n;
}

static void
leave(struct sock *s)
{
	struct visitor *v = s->owner;

	list_append(&server.visitors_gone, &v->link);
}

static size_t
serve(struct sock *s, struct slice bytes)
{
	struct visitor *v = s->owner;
	size_t at = 0;

	while (at < bytes.n) {
		struct slice rest = slice_of(bytes.p + at, bytes.n - at);
		size_t n;
		if (slice_is_space(rest.p[0])) {
			at++;
			continue;
		}
		if (!v->is_open) {
			n = open_stream(v, rest);
		} else if (slice_has_prefix(rest, SLICE("</"))) {
			say(v, SLICE("</stream:stream>"));
			sock_drop(s);
			leave(s);
			return 0;
		} else {
			n = element_whole(rest);
			if (n > 0)
				answer(v, slice_of(rest.p, n));
		}
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

static const struct sock_handler visitor_handler = {.input = serve, .gone = leave};

static void
greet(struct sock_watch *w)
{
	int fd;

	while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct visitor *v = xcalloc(1, sizeof *v);
		v->number = ++server.n_visitors;
		list_init(&v->link);
		sock_init(&v->sock, server.epoll, &visitor_handler, v);
		sock_take(&v->sock, fd);
	}
}

void
server_run(uint16_t port)
{
	struct list *link;

	sock_raise_limit();
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	must(server.epoll >= 0);
	list_init(&server.visitors_gone);
	server.listener = (struct sock_watch){.on_ready = greet, .fd = sock_listen(&port)};
	sock_watch(server.epoll, &server.listener);
	printf("listening port=%u\n", (unsigned) port);
	fflush(stdout);
	for (;;) {
		sock_wait(server.epoll, -1);
		while ((link = list_shift(&server.visitors_gone)) != NULL)
			free(list_entry(link, struct visitor, link));
	}
}
