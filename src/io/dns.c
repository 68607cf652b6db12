#include "io/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/list.h"

#define TRY_MS 2000 /* until a server is asked again, or the next one */
#define TRIES 2
#define MAX_ADDRESSES 16

/* A socket of the library's, watched by the loop. */
struct dns_socket {
	struct list link;
	struct dns *dns;
	ares_socket_t fd;
	uv_poll_t poll;
};

/* A name that is being looked up, once for all who wait for it: each would cost the library a walk over all others. */
struct lookup {
	struct dns *dns;
	char *host;
	uint16_t port;
	bool is_starting, is_done;
	struct list queries;
	struct list link; /* in dns->lookups */
};

struct dns_query {
	struct list link; /* in a lookup */
	void (*done)(void *arg, const struct dns_address *address, size_t n, const char *reason);
	void *arg;
};

struct dns {
	uv_loop_t *loop;
	ares_channel channel;
	struct list sockets, lookups;
	uv_timer_t timer;
	bool is_late; /* a time-out is due, but we have not looked since */
	bool is_closing;
};

static void on_timer(uv_timer_t *timer);

/* Wakes up when the library's next time-out is due. */
static void
arm(struct dns *d)
{
	struct timeval tv, *next = ares_timeout(d->channel, NULL, &tv);

	d->is_late = false;
	if (next == NULL)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_timer, (uint64_t) tv.tv_sec * 1000 + (uint64_t) tv.tv_usec / 1000 + 1, 0);
}

/* An answer that came in time may not have been looked at: the loop goes round once more. */
static void
on_timer(uv_timer_t *timer)
{
	struct dns *d = timer->data;

	if (!d->is_late) {
		d->is_late = true;
		uv_timer_start(timer, on_timer, 1, 0);
		return;
	}
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(d);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct dns_socket *s = poll->data;
	struct dns *d = s->dns;
	ares_socket_t fd = s->fd;
	bool readable = status < 0 || (events & UV_READABLE) != 0;
	bool writable = status < 0 || (events & UV_WRITABLE) != 0;

	/* The library may close this socket while it works: s is not touched after. */
	ares_process_fd(d->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
	arm(d);
}

static void
on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The library wants a socket watched, or no more (just before it closes it). */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = arg;
	struct dns_socket *s = NULL;

	for (struct list *link = d->sockets.next; link != &d->sockets && s == NULL; link = link->next)
		if (list_entry(link, struct dns_socket, link)->fd == fd)
			s = list_entry(link, struct dns_socket, link);
	if (!readable && !writable) {
		if (s != NULL) {
			list_remove(&s->link);
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *) &s->poll, on_socket_closed);
		}
		return;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->dns = d;
		s->fd = fd;
		must(uv_poll_init(d->loop, &s->poll, fd) == 0);
		s->poll.data = s;
		list_append(&d->sockets, &s->link);
	}
	uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

struct dns *
dns_new(uv_loop_t *loop, const struct conf_list *servers, const struct log *log)
{
	struct dns *d = xcalloc(1, sizeof *d);
	struct ares_options options = {
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = d,
		.timeout = TRY_MS,
		.tries = TRIES,
	};
	struct buf csv;
	int status;

	d->loop = loop;
	list_init(&d->sockets);
	list_init(&d->lookups);
	status = ares_init_options(&d->channel, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (status == ARES_SUCCESS && servers->n > 0) {
		buf_init(&csv, BUF_UNLIMITED);
		for (size_t i = 0; i < servers->n; i++)
			buf_printf(&csv, "%s%s", i > 0 ? "," : "", servers->v[i]);
		status = ares_set_servers_ports_csv(d->channel, buf_cstr(&csv));
		buf_fini(&csv);
		if (status != ARES_SUCCESS)
			ares_destroy(d->channel);
	}
	if (status != ARES_SUCCESS) {
		log_event(log, LOG_ERROR, "no resolver", "reason=%s", log_string(ares_strerror(status)).text);
		free(d);
		return NULL;
	}
	must(uv_timer_init(loop, &d->timer) == 0);
	d->timer.data = d;
	return d;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
dns_close(struct dns *d)
{
	if (d == NULL)
		return;
	d->is_closing = true;
	ares_destroy(d->channel);
	uv_close((uv_handle_t *) &d->timer, on_closed);
}

static struct lookup *
lookup_new(struct dns *d, const char *host, uint16_t port)
{
	struct lookup *l = xcalloc(1, sizeof *l);

	l->dns = d;
	l->host = xstrdup(host);
	l->port = port;
	list_init(&l->queries);
	list_append(&d->lookups, &l->link);
	return l;
}

static void
lookup_free(struct lookup *l)
{
	list_remove(&l->link);
	free(l->host);
	free(l);
}

/* Who asks for the same name meanwhile begins another lookup. */
static void
tell(struct lookup *l, const struct dns_address *address, size_t n, const char *reason)
{
	struct list *link;

	list_remove(&l->link);
	while ((link = list_shift(&l->queries)) != NULL) {
		struct dns_query *q = list_entry(link, struct dns_query, link);
		if (!l->dns->is_closing)
			q->done(q->arg, address, n, reason);
		free(q);
	}
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
	struct lookup *l = arg;
	struct dns_address address[MAX_ADDRESSES];
	size_t n = 0;

	(void) timeouts;
	if (status == ARES_SUCCESS) {
		for (struct ares_addrinfo_node *node = answer->nodes; node != NULL && n < MAX_ADDRESSES;
			node = node->ai_next) {
			if ((size_t) node->ai_addrlen > sizeof address[n].address)
				continue;
			memcpy(&address[n].address, node->ai_addr, (size_t) node->ai_addrlen);
			address[n++].n = (socklen_t) node->ai_addrlen;
		}
	}
	if (answer != NULL)
		ares_freeaddrinfo(answer);
	tell(l, address, n, status == ARES_SUCCESS ? "no address" : ares_strerror(status));
	l->is_done = true;
	if (!l->is_starting)
		lookup_free(l);
}

/* False when the answer came at once. */
static bool
lookup_start(struct lookup *l)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NUMERICSERV};
	char service[8];

	snprintf(service, sizeof service, "%u", (unsigned) l->port);
	l->is_starting = true;
	ares_getaddrinfo(l->dns->channel, l->host, service, &hints, on_answer, l);
	l->is_starting = false;
	arm(l->dns);
	return !l->is_done;
}

static struct lookup *
find(const struct dns *d, const char *host, uint16_t port)
{
	for (struct list *link = d->lookups.next; link != &d->lookups; link = link->next) {
		struct lookup *l = list_entry(link, struct lookup, link);
		if (l->port == port && strcmp(l->host, host) == 0)
			return l;
	}
	return NULL;
}

struct dns_query *
dns_resolve(struct dns *d, const char *host, uint16_t port,
	void (*done)(void *arg, const struct dns_address *address, size_t n, const char *reason), void *arg)
{
	struct lookup *l = find(d, host, port);
	bool is_new = l == NULL;
	struct dns_query *q = xcalloc(1, sizeof *q);

	q->done = done;
	q->arg = arg;
	if (is_new)
		l = lookup_new(d, host, port);
	list_append(&l->queries, &q->link);
	if (!is_new || lookup_start(l))
		return q;
	lookup_free(l);
	return NULL;
}

void
dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	list_remove(&q->link);
	free(q);
}

bool
dns_literal(const char *host, uint16_t port, struct dns_address *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) &out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &out->address;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		out->n = sizeof *v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		out->n = sizeof *v6;
		return true;
	}
	return false;
}

void
dns_versions(struct library *l)
{
	library_set(l, "c-ares", ARES_VERSION_STR, ares_version(NULL));
}
