#include "io/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/due.h"
#include "base/fatal.h"
#include "base/list.h"

#define READ_BYTES 65536
#define MAX_ADDRESSES 16
#define MIN_ATTEMPT 1000 /* ms an attempt gets, however many wait behind it */
#define REASON 160

#define DIAL_MAGIC 0x6469616cu

/* A socket and its handle; lives until the loop lets go of it. */
struct dial_socket {
	uv_poll_t poll;
	int fd;
	int events;
	struct dial *dial; /* NULL: given up */
};

enum dial_state {
	DIAL_STARTING, /* waits for dialer_run() */
	DIAL_RESOLVING,
	DIAL_CONNECTING,
	DIAL_OPEN,
	DIAL_BROKEN,   /* waits for dialer_run() to say so */
};

struct dial {
	uint32_t magic;
	struct dialer *dialer;
	void *owner;
	enum dial_state state;
	uint64_t number;
	const struct conf_domain *domain;
	size_t next_target, next_address, n_addresses;
	struct dns_address address[MAX_ADDRESSES];
	struct dns_query *query;
	struct dial_socket *socket;
	ms_t give_up_at;
	struct due_link due;
	struct list link; /* in dialer->put_off */
	bool was_connected;
	char reason[REASON];
};

struct dialer {
	uv_loop_t *loop;
	struct dns *dns;
	const struct dial_handler *handler;
	const struct log *log;
	struct list put_off;
	struct due due;
	char *buffer;
};

static void next_target(struct dial *d);
static void next_address(struct dial *d);

struct dialer *
dialer_new(uv_loop_t *loop, struct dns *dns, const struct dial_handler *handler, const struct log *log)
{
	struct dialer *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->dns = dns;
	d->handler = handler;
	d->log = log;
	d->buffer = xmalloc(READ_BYTES);
	list_init(&d->put_off);
	due_init(&d->due);
	return d;
}

void
dialer_free(struct dialer *d)
{
	if (d == NULL)
		return;
	must(list_is_empty(&d->put_off));
	due_fini(&d->due);
	free(d->buffer);
	free(d);
}

static void
on_socket_closed(uv_handle_t *handle)
{
	struct dial_socket *s = handle->data;

	close(s->fd);
	free(s);
}

static void
drop_socket(struct dial *d)
{
	struct dial_socket *s = d->socket;

	if (s == NULL)
		return;
	d->socket = NULL;
	s->dial = NULL;
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *) &s->poll, on_socket_closed);
}

void
dial_drop(struct dial *d)
{
	if (d == NULL)
		return;
	must(d->magic == DIAL_MAGIC);
	dns_cancel(d->query);
	drop_socket(d);
	due_set(&d->dialer->due, &d->due, MS_NEVER);
	list_remove(&d->link);
	d->magic = 0;
	free(d);
}

static void
put_off(struct dial *d, enum dial_state state)
{
	d->state = state;
	list_remove(&d->link);
	list_append(&d->dialer->put_off, &d->link);
}

static void
tell_gone(struct dial *d)
{
	const struct dialer *dialer = d->dialer;
	void *owner = d->owner;
	bool was_connected = d->was_connected;

	log_event(dialer->log, was_connected ? LOG_INFO : LOG_WARNING,
		  was_connected ? "upstream lost" : "upstream not reached", "session=%llu domain=%s reason=\"%s\"",
		  (unsigned long long) d->number, d->domain->name, d->reason);
	dial_drop(d);
	dialer->handler->gone(owner, was_connected);
}

static void
on_open_events(struct dial_socket *s, int status, int events)
{
	struct dial *d = s->dial;
	ssize_t n;

	if (events & UV_WRITABLE) {
		s->events &= ~UV_WRITABLE;
		uv_poll_start(&s->poll, s->events, s->poll.poll_cb);
		d->dialer->handler->writable(d->owner);
		if (s->dial == NULL)
			return;
	}
	if (status == 0 && (events & UV_READABLE) == 0)
		return;
	n = recv(s->fd, d->dialer->buffer, READ_BYTES, 0);
	if (n > 0) {
		d->dialer->handler->data(d->owner, slice_of(d->dialer->buffer, (size_t) n));
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	snprintf(d->reason, sizeof d->reason, "%s", n == 0 ? "closed by the server" : strerror(errno));
	tell_gone(d);
}

static bool
is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *) a)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) a)->sin6_addr);
}

static void
note_failure(struct dial *d, const char *why)
{
	const struct conf_target *target = &d->domain->connect[d->next_target - 1];

	snprintf(d->reason, sizeof d->reason, "%s:%u: %s", target->host, (unsigned) target->port, why);
}

static void
on_connect_events(struct dial_socket *s, int status)
{
	struct dial *d = s->dial;
	int error = 0;
	socklen_t n = sizeof error;
	bool is_private;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || (status < 0 && error == 0))
		error = error != 0 ? error : ECONNABORTED;
	if (error != 0) {
		note_failure(d, strerror(error));
		drop_socket(d);
		next_address(d);
		return;
	}
	is_private = is_loopback(&d->address[d->next_address - 1].address);
	d->state = DIAL_OPEN;
	d->was_connected = true;
	due_set(&d->dialer->due, &d->due, MS_NEVER);
	s->events = UV_READABLE;
	uv_poll_start(&s->poll, s->events, s->poll.poll_cb);
	d->dialer->handler->connected(d->owner, is_private);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct dial_socket *s = poll->data;

	if (s->dial == NULL || s->dial->state == DIAL_BROKEN)
		return;
	if (s->dial->state == DIAL_CONNECTING)
		on_connect_events(s, status);
	else
		on_open_events(s, status, events);
}

/* What is left of the budget is shared by the candidates that are left. */
static void
set_attempt_deadline(struct dial *d)
{
	ms_t now = (ms_t) uv_now(d->dialer->loop), share;
	size_t left = d->n_addresses - d->next_address + d->domain->n_connect - d->next_target + 1;

	if (d->give_up_at == MS_NEVER)
		return;
	share = (d->give_up_at - now) / (ms_t) left;
	if (share < MIN_ATTEMPT)
		share = MIN_ATTEMPT;
	due_set(&d->dialer->due, &d->due, ms_min(d->give_up_at, now + share));
}

static struct dial_socket *
open_socket(struct dial *d, const struct dns_address *a)
{
	struct dial_socket *s;
	int one = 1;
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (const struct sockaddr *) &a->address, a->n) != 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->fd = fd;
	s->dial = d;
	must(uv_poll_init(d->dialer->loop, &s->poll, fd) == 0);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_WRITABLE, on_poll);
	return s;
}

static void
next_address(struct dial *d)
{
	while (d->next_address < d->n_addresses) {
		set_attempt_deadline(d);
		d->state = DIAL_CONNECTING;
		d->socket = open_socket(d, &d->address[d->next_address++]);
		if (d->socket != NULL)
			return;
		note_failure(d, strerror(errno));
	}
	next_target(d);
}

static void
on_resolved(void *arg, const struct dns_address *address, size_t n, const char *reason)
{
	struct dial *d = arg;

	d->query = NULL;
	d->next_address = 0;
	d->n_addresses = n < MAX_ADDRESSES ? n : MAX_ADDRESSES;
	if (n == 0)
		note_failure(d, reason);
	else
		memcpy(d->address, address, d->n_addresses * sizeof *address);
	next_address(d);
}

static void
next_target(struct dial *d)
{
	const struct conf_target *target;
	struct dns_address literal;

	if (d->next_target == d->domain->n_connect) {
		put_off(d, DIAL_BROKEN);
		return;
	}
	target = &d->domain->connect[d->next_target++];
	if (dns_literal(target->host, target->port, &literal)) {
		on_resolved(d, &literal, 1, NULL);
		return;
	}
	d->state = DIAL_RESOLVING;
	d->next_address = d->n_addresses = 0;
	set_attempt_deadline(d);
	{
		struct dns_query *q = dns_resolve(d->dialer->dns, target->host, target->port, on_resolved, d);
		/* When the answer came at once, d has moved on and may hold another query. */
		if (q != NULL)
			d->query = q;
	}
}

struct dial *
dial_connect(struct dialer *dialer, void *owner, const struct conf_domain *domain, ms_t timeout, uint64_t number)
{
	struct dial *d = xcalloc(1, sizeof *d);

	d->magic = DIAL_MAGIC;
	d->dialer = dialer;
	d->owner = owner;
	d->domain = domain;
	d->number = number;
	d->give_up_at = timeout > 0 ? (ms_t) uv_now(dialer->loop) + timeout : MS_NEVER;
	list_init(&d->link);
	put_off(d, DIAL_STARTING);
	return d;
}

size_t
dial_write(struct dial *d, const struct iovec *v, int n)
{
	struct msghdr message = {.msg_iov = (struct iovec *) (uintptr_t) v, .msg_iovlen = (size_t) n};
	struct dial_socket *s = d->socket;
	ssize_t written;

	if (d->state != DIAL_OPEN || (s->events & UV_WRITABLE) != 0)
		return 0;
	do {
		written = sendmsg(s->fd, &message, MSG_NOSIGNAL);
	} while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN) {
		snprintf(d->reason, sizeof d->reason, "%s", strerror(errno));
		put_off(d, DIAL_BROKEN);
		return 0;
	}
	size_t want = 0;
	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	if (written < 0 || (size_t) written < want) {
		s->events |= UV_WRITABLE;
		uv_poll_start(&s->poll, s->events, on_poll);
	}
	return written > 0 ? (size_t) written : 0;
}

void
dial_pause(struct dial *d, bool pause)
{
	struct dial_socket *s = d->socket;

	if (d->state != DIAL_OPEN)
		return;
	s->events = pause ? s->events & ~UV_READABLE : s->events | UV_READABLE;
	if (s->events != 0)
		uv_poll_start(&s->poll, s->events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

void
dialer_run(struct dialer *dialer)
{
	struct list *link;

	while ((link = list_shift(&dialer->put_off)) != NULL) {
		struct dial *d = list_entry(link, struct dial, link);
		if (d->state == DIAL_STARTING)
			next_target(d);
		else if (d->state == DIAL_BROKEN)
			tell_gone(d);
	}
}

ms_t
dialer_deadline(const struct dialer *d)
{
	return due_first(&d->due);
}

void
dialer_expire(struct dialer *dialer, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&dialer->due, now)) != NULL) {
		struct dial *d = due_entry(link, struct dial, due);
		note_failure(d, "no answer in time");
		dns_cancel(d->query);
		d->query = NULL;
		drop_socket(d);
		if (now >= d->give_up_at)
			put_off(d, DIAL_BROKEN);
		else
			next_address(d);
	}
}
