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
#include "base/hash.h"
#include "base/list.h"

#define READ_BYTES 65536
#define MAX_ADDRESSES 16
#define MAX_RECORDS 8    /* read from one connection before the others get their turn */
#define MAX_RESTS 64     /* reads from a connection that is lost */
#define MIN_ATTEMPT 1000 /* ms an attempt gets, however many wait behind it */
#define REASON 240

#define DIAL_MAGIC 0x6469616cu

/* A socket and its handle; lives until the loop lets go of it. */
struct dial_socket {
	uv_poll_t poll;
	int fd; /* -1: somebody else has it */
	int events;
	bool is_found; /* to have something, or to be in error: dialer_run() will see to it */
	int found_events, found_status;
	struct tls *tls;
	struct dial *dial; /* NULL: given up */
};

enum dial_state {
	DIAL_STARTING, /* waits for dialer_run() */
	DIAL_RESOLVING,
	DIAL_CONNECTING,
	DIAL_SECURING, /* the socket is with the handshake */
	DIAL_OPEN,
	DIAL_BROKEN, /* waits for dialer_run() to say so */
};

struct dial {
	uint32_t magic;
	struct dialer *dialer;
	void *owner;
	enum dial_state state;
	uint64_t number;
	const struct conf_domain *domain;
	size_t next_target, next_address, n_addresses;
	struct dns_address *address;
	struct dns_query *query;
	struct dial_socket *socket;
	ms_t timeout; /* 0: none */
	ms_t give_up_at;
	ms_t secured_from;
	struct due_link due;
	struct list link; /* in dialer->put_off: something waits for dialer_run() */
	uint64_t job;     /* of the handshake under way */
	struct hash_link by_job;
	bool is_read_put_off; /* decrypted bytes wait that the socket does not tell of */
	bool is_paused;
	enum closing closing; /* what gone says */
	char reason[REASON];
};

struct dialer {
	uv_loop_t *loop;
	struct dns *dns;
	const struct dial_handler *handler;
	const struct log *log;
	struct list put_off;
	struct due due;
	struct hash by_job;
	uint64_t last_job;
	char *buffer;
};

_Static_assert(READ_BYTES >= TLS_RECORD, "the buffer is scratch for records too");

static void next_target(struct dial *d);
static void put_off(struct dial *d, enum dial_state state);
static void on_poll(uv_poll_t *poll, int status, int events);
static void next_address(struct dial *d);
static size_t write_tls(struct dial *d, const struct iovec *v, int n);

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
	hash_init(&d->by_job, 0);
	return d;
}

void
dialer_free(struct dialer *d)
{
	if (d == NULL)
		return;
	must(list_is_empty(&d->put_off));
	due_fini(&d->due);
	hash_fini(&d->by_job);
	free(d->buffer);
	free(d);
}

static void
on_socket_closed(uv_handle_t *handle)
{
	struct dial_socket *s = handle->data;

	if (s->fd >= 0)
		close(s->fd);
	tls_free(s->tls);
	free(s);
}

static void
drop_socket(struct dial *d)
{
	struct dial_socket *s = d->socket;

	if (s == NULL)
		return;
	if (s->tls != NULL && d->state == DIAL_OPEN)
		tls_goodbye(s->tls);
	d->socket = NULL;
	s->dial = NULL;
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *) &s->poll, on_socket_closed);
}

/* A handshake that comes back finds nobody. */
static void
forget_job(struct dial *d)
{
	if (d->job == 0)
		return;
	hash_remove(&d->dialer->by_job, &d->by_job);
	d->job = 0;
}

void
dial_drop(struct dial *d)
{
	if (d == NULL)
		return;
	must(d->magic == DIAL_MAGIC);
	dns_cancel(d->query);
	drop_socket(d);
	forget_job(d);
	due_set(&d->dialer->due, &d->due, MS_NEVER);
	list_remove(&d->link);
	d->magic = 0;
	free(d->address);
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
	enum closing closing = d->closing;

	log_event(dialer->log, closing_row(closing)->level,
		closing == CLOSING_SERVER_GONE ? "upstream lost" : "upstream not reached",
		"session=%llu domain=%s reason=\"%s\"", (unsigned long long) d->number, d->domain->name, d->reason);
	dial_drop(d);
	dialer->handler->gone(owner, closing);
}

static void
lose(struct dial *d, const char *why)
{
	d->closing = CLOSING_SERVER_GONE;
	snprintf(d->reason, sizeof d->reason, "%s", why);
}

/* True when something was read and more may be there. */
static bool
read_plain(struct dial_socket *s)
{
	struct dial *d = s->dial;
	ssize_t n = recv(s->fd, d->dialer->buffer, READ_BYTES, 0);

	if (n > 0) {
		d->dialer->handler->data(d->owner, slice_of(d->dialer->buffer, (size_t) n));
		return false;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	lose(d, n == 0 ? "closed by the server" : strerror(errno));
	tell_gone(d);
	return false;
}

/* One record or less.  What is left decrypted is read at once: the socket will not tell of it. */
static bool
read_tls(struct dial_socket *s)
{
	struct dial *d = s->dial;
	size_t n;

	switch (tls_read(s->tls, d->dialer->buffer, READ_BYTES, &n)) {
	case TLS_DONE:
		d->dialer->handler->data(d->owner, slice_of(d->dialer->buffer, n));
		return s->dial != NULL && s->dial->state == DIAL_OPEN && !s->dial->is_paused;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		return false;
	case TLS_CLOSED:
		lose(d, "closed by the server");
		break;
	case TLS_FAILED:
		lose(d, "TLS broke: the server sent what is no valid record");
		break;
	}
	tell_gone(d);
	return false;
}

static void
read_some(struct dial_socket *s)
{
	int rounds = MAX_RECORDS;

	if (s->tls == NULL) {
		read_plain(s);
		return;
	}
	while (read_tls(s))
		if (--rounds == 0 || !tls_has_pending(s->tls))
			break;
	/* Others want to be served too, or the reader has had enough for now. */
	if (s->dial != NULL && s->dial->state == DIAL_OPEN && tls_has_pending(s->tls)) {
		s->dial->is_read_put_off = true;
		if (!s->dial->is_paused)
			put_off(s->dial, DIAL_OPEN);
	}
}

/*
 * The socket is in error and the loop has stopped looking at it: what came
 * before is read, and then the loss is told.
 */
static void
read_rest(struct dial_socket *s)
{
	for (int i = 0; i < MAX_RESTS && s->dial != NULL && s->dial->state == DIAL_OPEN; i++)
		read_some(s);
	if (s->dial == NULL || s->dial->state != DIAL_OPEN)
		return;
	lose(s->dial, "connection in error");
	tell_gone(s->dial);
}

/*
 * The socket takes output again.  First what TLS has encrypted and could not
 * send: its owner takes it for sent and may have nothing more to write.
 */
static void
on_writable(struct dial_socket *s)
{
	struct dial *d = s->dial;

	s->events &= ~UV_WRITABLE;
	uv_poll_start(&s->poll, s->events, s->poll.poll_cb);
	if (s->tls != NULL)
		write_tls(d, NULL, 0);
	if (d->state == DIAL_OPEN && (s->events & UV_WRITABLE) == 0)
		d->dialer->handler->writable(d->owner);
}

static void
on_open_events(struct dial_socket *s, int status, int events)
{
	if (events & UV_WRITABLE) {
		on_writable(s);
		if (s->dial == NULL || s->dial->state != DIAL_OPEN)
			return;
	}
	if (status < 0)
		read_rest(s);
	else if ((events & UV_READABLE) != 0 && !s->dial->is_paused)
		read_some(s);
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

	d->closing = CLOSING_CONNECT_FAILED;
	snprintf(d->reason, sizeof d->reason, "%s:%u: %s", target->host, (unsigned) target->port, why);
}

/* The connection is there to be used. */
static void
stand(struct dial *d, enum upstream_leg leg)
{
	struct dial_socket *s = d->socket;

	d->state = DIAL_OPEN;
	due_set(&d->dialer->due, &d->due, MS_NEVER);
	s->events = UV_READABLE;
	uv_poll_start(&s->poll, s->events, on_poll);
	d->dialer->handler->connected(d->owner, leg);
}

/*
 * What a server may take for its handshake.  With TLS from the first byte that
 * is the rest of the attempt's share, since there may be other candidates; who
 * agreed to STARTTLS is the only one left, and has all the time.
 */
static ms_t
handshake_timeout(const struct dial *d, bool is_direct, ms_t now)
{
	if (d->timeout == 0)
		return 0;
	return ms_max(is_direct ? d->due.at - now : d->timeout, MIN_ATTEMPT);
}

/* Hands the socket to the handshake; it comes back to dialer_secured(). */
static void
secure(struct dial *d, bool is_direct)
{
	const struct conf_domain *domain = d->domain;
	const char *name = domain->server_name != NULL ? domain->server_name : domain->ascii;
	ms_t now = (ms_t) uv_now(d->dialer->loop);
	struct tls_job *job = xcalloc(1, sizeof *job);

	job->id = d->job = ++d->dialer->last_job;
	job->fd = d->socket->fd;
	job->name = xstrdup(name);
	job->ca_file = domain->ca_file != NULL ? xstrdup(domain->ca_file) : NULL;
	job->verify = domain->verify;
	job->is_direct = is_direct;
	job->timeout = handshake_timeout(d, is_direct, now);
	d->secured_from = now;
	hash_insert(&d->dialer->by_job, &d->by_job, slice_of((const char *) &d->job, sizeof d->job));
	due_set(&d->dialer->due, &d->due, MS_NEVER);
	d->socket->fd = -1;
	drop_socket(d);
	d->state = DIAL_SECURING;
	d->dialer->handler->handshake(d->dialer->handler->arg, job);
}

void
dial_start_tls(struct dial *d)
{
	must(d->state == DIAL_OPEN && d->socket->tls == NULL);
	secure(d, false);
}

static void
on_connect_events(struct dial_socket *s, int status)
{
	struct dial *d = s->dial;
	int error = 0;
	socklen_t n = sizeof error;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || (status < 0 && error == 0))
		error = error != 0 ? error : ECONNABORTED;
	if (error != 0) {
		note_failure(d, strerror(error));
		drop_socket(d);
		next_address(d);
		return;
	}
	if (d->domain->connect[d->next_target - 1].tls_direct)
		secure(d, true);
	else
		stand(d, is_loopback(&d->address[d->next_address - 1].address) ? UPSTREAM_LOCAL : UPSTREAM_EXPOSED);
}

/*
 * Only notes it.  A socket that is told of twice in a turn: the loop has told
 * of all others meanwhile, and would go on, since none is read.
 */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct dial_socket *s = poll->data;
	bool is_crowd = s->is_found;

	if (s->dial == NULL || s->dial->state == DIAL_BROKEN)
		return;
	s->is_found = true;
	s->found_events |= events;
	if (status < 0)
		s->found_status = status;
	put_off(s->dial, s->dial->state);
	if (is_crowd)
		s->dial->dialer->handler->crowd(s->dial->dialer->handler->arg);
}

static void
see_to(struct dial_socket *s)
{
	int status = s->found_status, events = s->found_events;

	s->is_found = false;
	s->found_status = s->found_events = 0;
	if (s->dial->state == DIAL_CONNECTING)
		on_connect_events(s, status);
	else if (s->dial->state == DIAL_OPEN)
		on_open_events(s, status, events);
}

/*
 * What is left of the budget is shared by the candidates that are left: so
 * many of the target at hand, and the targets behind it.  The last has all.
 */
static void
set_attempt_deadline(struct dial *d, size_t at_hand)
{
	ms_t now = (ms_t) uv_now(d->dialer->loop), share;
	size_t left = at_hand + d->domain->n_connect - d->next_target;

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
		set_attempt_deadline(d, d->n_addresses - d->next_address);
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
	if (n == 0) {
		note_failure(d, reason);
	} else {
		/* Most have one, and every session keeps its own. */
		d->address = xrealloc(d->address, d->n_addresses * sizeof *address);
		memcpy(d->address, address, d->n_addresses * sizeof *address);
	}
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
	set_attempt_deadline(d, 1);
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
	d->timeout = timeout;
	d->give_up_at = timeout > 0 ? (ms_t) uv_now(dialer->loop) + timeout : MS_NEVER;
	list_init(&d->link);
	put_off(d, DIAL_STARTING);
	return d;
}

static void
want_writable(struct dial_socket *s)
{
	s->events |= UV_WRITABLE;
	uv_poll_start(&s->poll, s->events, on_poll);
}

static size_t
write_plain(struct dial *d, const struct iovec *v, int n)
{
	struct msghdr message = {.msg_iov = (struct iovec *) (uintptr_t) v, .msg_iovlen = (size_t) n};
	size_t want = 0;
	ssize_t written;

	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	do {
		written = sendmsg(d->socket->fd, &message, MSG_NOSIGNAL);
	} while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN) {
		lose(d, strerror(errno));
		put_off(d, DIAL_BROKEN);
		return 0;
	}
	if (written < 0 || (size_t) written < want)
		want_writable(d->socket);
	return written > 0 ? (size_t) written : 0;
}

static size_t
write_tls(struct dial *d, const struct iovec *v, int n)
{
	size_t written = 0;

	switch (tls_write(d->socket->tls, d->dialer->buffer, v, n, &written)) {
	case TLS_DONE:
		break;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		want_writable(d->socket);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		lose(d, "TLS broke while writing");
		put_off(d, DIAL_BROKEN);
		break;
	}
	return written;
}

/*
 * A socket that is found broken while we write is only noted here; what the
 * server may have said before is lost with it in any case.
 */
size_t
dial_write(struct dial *d, const struct iovec *v, int n)
{
	size_t written, want = 0;

	if (d->state != DIAL_OPEN || (d->socket->events & UV_WRITABLE) != 0)
		return 0;
	if (d->socket->tls == NULL)
		return write_plain(d, v, n);
	written = write_tls(d, v, n);
	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	/* A record took only the first part: the rest when the loop comes round. */
	if (written < want && d->state == DIAL_OPEN)
		want_writable(d->socket);
	return written;
}

void
dial_pause(struct dial *d, bool pause)
{
	struct dial_socket *s = d->socket;

	d->is_paused = pause;
	if (d->state != DIAL_OPEN)
		return;
	s->events = pause ? s->events & ~UV_READABLE : s->events | UV_READABLE;
	if (s->events != 0)
		uv_poll_start(&s->poll, s->events, on_poll);
	else
		uv_poll_stop(&s->poll);
	if (!pause && d->is_read_put_off)
		put_off(d, DIAL_OPEN);
}

/* The job is back.  What it waited for a thread of ours, the servers have not spent. */
static void
end_job(struct dial *d, const struct tls_job *job)
{
	ms_t waited = (ms_t) uv_now(d->dialer->loop) - d->secured_from - job->spent;

	if (d->give_up_at != MS_NEVER && waited > 0)
		d->give_up_at += waited;
	forget_job(d);
}

/* A failed handshake of xmpps:// leaves the next address to try; one of STARTTLS ends the attempt. */
static void
not_secured(struct dial *d, const struct tls_job *job)
{
	note_failure(d, job->reason);
	d->closing = CLOSING_TLS_FAILED;
	if (job->is_direct)
		next_address(d);
	else
		put_off(d, DIAL_BROKEN);
}

void
dialer_secured(struct dialer *dialer, struct tls_job *job)
{
	struct hash_link *link = hash_find(&dialer->by_job, slice_of((const char *) &job->id, sizeof job->id));
	struct dial *d = link != NULL ? hash_entry(link, struct dial, by_job) : NULL;
	struct dial_socket *s;

	if (d == NULL) {
		tls_job_free(job);
		return;
	}
	end_job(d, job);
	if (job->tls == NULL) {
		not_secured(d, job);
		tls_job_free(job);
		return;
	}
	s = xcalloc(1, sizeof *s);
	s->fd = job->fd;
	s->tls = job->tls;
	s->dial = d;
	must(uv_poll_init(dialer->loop, &s->poll, s->fd) == 0);
	s->poll.data = s;
	d->socket = s;
	job->fd = -1;
	job->tls = NULL;
	tls_job_free(job);
	/* What came with the last bytes of the handshake has been read from the socket already. */
	d->is_read_put_off = tls_has_pending(s->tls);
	if (d->is_read_put_off)
		put_off(d, DIAL_OPEN);
	stand(d, UPSTREAM_SECURE);
}

void
tls_job_free(struct tls_job *job)
{
	if (job == NULL)
		return;
	tls_free(job->tls);
	if (job->fd >= 0)
		close(job->fd);
	free(job->name);
	free(job->ca_file);
	free(job);
}

/* What has come, and what was left decrypted the last time. */
static void
read_put_off(struct dial *d)
{
	struct dial_socket *s = d->socket;

	if (s == NULL)
		return;
	if (s->is_found)
		see_to(s);
	if (s->dial == NULL || d->state != DIAL_OPEN || !d->is_read_put_off || d->is_paused)
		return;
	d->is_read_put_off = false;
	read_some(s);
}

bool
dialer_run(struct dialer *dialer)
{
	struct list now;
	struct list *link;

	/* What is put off meanwhile waits for the next turn. */
	list_init(&now);
	while ((link = list_shift(&dialer->put_off)) != NULL)
		list_append(&now, link);
	while ((link = list_shift(&now)) != NULL) {
		struct dial *d = list_entry(link, struct dial, link);
		if (d->state == DIAL_STARTING)
			next_target(d);
		else if (d->state == DIAL_BROKEN)
			tell_gone(d);
		else
			read_put_off(d);
	}
	return !list_is_empty(&dialer->put_off);
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
