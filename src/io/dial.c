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
#include "base/state.h"
#include "io/introduce.h"
#include "io/upstream_socket.h"
#include "proto/net/race.h"

#define PROBES 3 /* of TCP keep-alive, that a server may leave without an answer */
#define MAX_ADDRESSES 16
#define MAX_STEPS 32 /* attempts begun, or sessions told that they have failed, before others get their turn */
#define REASON 240

#define DIAL_MAGIC 0x6469616cu

/* A socket that is being connected; lives until the loop lets go of it. */
struct knock {
	uv_poll_t poll;
	int fd;            /* -1: somebody else has it */
	struct dial *dial; /* NULL: given up */
};

enum dial_state {
	DIAL_STARTING, /* waits for dialer_run() */
	DIAL_RESOLVING,
	DIAL_CONNECTING,
	DIAL_HANDSHAKING, /* TLS from the first byte; the socket is with the handshake, others may be tried after it */
	DIAL_OPEN,
	DIAL_STARTTLS, /* the socket is with the handshake */
	DIAL_LOST,     /* waits for dialer_run() to say so */
};

static const struct state states[] = {
	[DIAL_STARTING] = {"starting", STEP(DIAL_RESOLVING) | STEP(DIAL_CONNECTING) | STEP(DIAL_LOST)},
	[DIAL_RESOLVING] = {"resolving", STEP(DIAL_CONNECTING) | STEP(DIAL_LOST)},
	[DIAL_CONNECTING] = {"connecting",
		STEP(DIAL_RESOLVING) | STEP(DIAL_HANDSHAKING) | STEP(DIAL_OPEN) | STEP(DIAL_LOST)},
	[DIAL_HANDSHAKING] = {"handshaking",
		STEP(DIAL_RESOLVING) | STEP(DIAL_CONNECTING) | STEP(DIAL_OPEN) | STEP(DIAL_LOST)},
	[DIAL_OPEN] = {"open", STEP(DIAL_STARTTLS)},
	[DIAL_STARTTLS] = {"starttls", STEP(DIAL_OPEN) | STEP(DIAL_LOST)},
	[DIAL_LOST] = {"lost", 0},
};

struct dial {
	uint32_t magic;
	struct dialer *dialer;
	void *owner;
	enum dial_state state;
	uint64_t number;
	const struct conf_domain *domain;
	const struct peer *client; /* NULL: none */
	ms_t timeout;              /* 0: none */
	struct race race;
	struct race_attempt attempt; /* the one under way, or that succeeded */
	struct dns_query *query;
	struct dns_address *address; /* of the attempt's server */
	struct knock *knock;
	struct upstream_socket *socket; /* OPEN */
	bool is_paused;
	size_t charged; /* to the budget: TLS */
	ms_t tried_at;  /* since when it is connected to, or has TLS made */
	ms_t secured_from;
	uint64_t job; /* of the handshake under way; 0: none */
	struct hash_link by_job;
	struct due_link due;
	struct list link;     /* in dialer->put_off */
	enum closing closing; /* what gone says */
	char reason[REASON];
};

struct dialer {
	uv_loop_t *loop;
	struct dns *dns;
	const struct dial_handler *handler;
	struct context *context;
	struct upstream_sockets *sockets;
	struct upstream_socket_handler socket_handler;
	struct list put_off;
	struct due due;
	struct hash by_job;
	uint64_t last_job;
};

static void try_next(struct dial *d);

static ms_t
now_of(const struct dialer *d)
{
	return (ms_t) uv_now(d->loop);
}

static void
set_state(struct dial *d, enum dial_state to)
{
	struct trace trace = {.log = d->dialer->context->log, .kind = "session", .number = d->number};

	state_step(states, "dial", &trace, d->state, to);
	d->state = to;
}

/* The server that is tried, or was reached: as the configuration has it. */
static void
write_server(const struct dial *d, char *out, size_t room)
{
	const struct conf_target *target = &d->domain->connect[d->attempt.server];
	bool is_ip6 = strchr(target->host, ':') != NULL;

	snprintf(out, room, is_ip6 ? "[%s]:%u" : "%s:%u", target->host, (unsigned) target->port);
}

/* The same as an address; "-" as long as there is none. */
static void
write_address(const struct dial *d, char *out, size_t room)
{
	const struct dns_address *a = d->attempt.step == RACE_CONNECT ? &d->address[d->attempt.address] : NULL;
	char text[INET6_ADDRSTRLEN] = "-";

	if (a == NULL)
		snprintf(out, room, "-");
	else if (a->address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) &a->address;
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
		snprintf(out, room, "[%s]:%u", text, (unsigned) ntohs(v6->sin6_port));
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *) &a->address;
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
		snprintf(out, room, "%s:%u", text, (unsigned) ntohs(v4->sin_port));
	}
}

/* For debugging: what is done next to reach a server. */
static void
tell_step(const struct dial *d, const char *event)
{
	char server[REASON], address[PEER_TEXT];

	if (!log_is_on(d->dialer->context->log, LOG_DEBUG))
		return;
	write_server(d, server, sizeof server);
	write_address(d, address, sizeof address);
	log_event(d->dialer->context->log, LOG_DEBUG, event, "session=%llu server=%s address=%s after_s=%.3f",
		(unsigned long long) d->number, log_string(server).text, address,
		(double) (now_of(d->dialer) - d->tried_at) / 1000);
}

static void
put_off(struct dial *d)
{
	list_remove(&d->link);
	list_append(&d->dialer->put_off, &d->link);
}

/* ---- its end ---- */

static void
on_knock_closed(uv_handle_t *handle)
{
	struct knock *k = handle->data;

	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static void
give_up_knock(struct dial *d)
{
	struct knock *k = d->knock;

	if (k == NULL)
		return;
	d->knock = NULL;
	k->dial = NULL;
	uv_poll_stop(&k->poll);
	uv_close((uv_handle_t *) &k->poll, on_knock_closed);
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

static void
set_deadline(struct dial *d, ms_t at)
{
	due_set(&d->dialer->due, &d->due, at);
}

void
dial_drop(struct dial *d)
{
	if (d == NULL)
		return;
	must(d->magic == DIAL_MAGIC);
	dns_cancel(d->query);
	give_up_knock(d);
	upstream_socket_close(d->socket);
	forget_job(d);
	set_deadline(d, MS_NEVER);
	list_remove(&d->link);
	budget_move(&d->dialer->context->budget, &d->charged, 0);
	d->dialer->context->sockets->servers--;
	d->magic = 0;
	free(d->address);
	free(d);
}

static void
log_gone(const struct dial *d)
{
	const struct log *log = d->dialer->context->log;
	enum log_level level = closing_row(d->closing)->level;
	char server[REASON], address[PEER_TEXT];

	write_server(d, server, sizeof server);
	write_address(d, address, sizeof address);
	if (d->closing == CLOSING_SERVER_GONE)
		log_event(log, level, "upstream lost", "session=%llu domain=%s server=%s address=%s reason=%s",
			(unsigned long long) d->number, d->domain->ascii, log_string(server).text, address,
			log_string(d->reason).text);
	else
		log_event(log, level, "upstream not reached", "session=%llu domain=%s servers=%zu reason=%s",
			(unsigned long long) d->number, d->domain->ascii, d->domain->n_connect,
			log_string(d->reason).text);
}

static void
tell_gone(struct dial *d)
{
	const struct dialer *dialer = d->dialer;
	void *owner = d->owner;
	enum closing closing = d->closing;
	char why[REASON];

	log_gone(d);
	memcpy(why, d->reason, sizeof why);
	dial_drop(d);
	dialer->handler->gone(owner, closing, why);
}

static void
lose(struct dial *d)
{
	set_state(d, DIAL_LOST);
	set_deadline(d, MS_NEVER);
	put_off(d);
}

/* ---- an open connection ---- */

static struct dial *
dial_from(void *p)
{
	struct dial *d = p;

	must(d->magic == DIAL_MAGIC);
	return d;
}

static void
on_data(void *p, struct slice bytes)
{
	struct dial *d = dial_from(p);

	d->dialer->handler->data(d->owner, bytes);
}

static void
on_writable(void *p)
{
	struct dial *d = dial_from(p);

	d->dialer->handler->writable(d->owner);
}

static void
on_lost(void *p, const char *why)
{
	struct dial *d = dial_from(p);

	d->closing = CLOSING_SERVER_GONE;
	snprintf(d->reason, sizeof d->reason, "%s", why);
	tell_gone(d);
}

static void
on_crowd(void *arg)
{
	const struct dialer *d = arg;

	d->handler->crowd(d->handler->arg);
}

/* The connection is there to be used. */
static void
stand(struct dial *d, int fd, struct tls *tls, enum upstream_leg leg)
{
	set_state(d, DIAL_OPEN);
	tell_step(d, tls != NULL ? "upstream secured" : "upstream connected");
	set_deadline(d, MS_NEVER);
	d->socket = upstream_socket_open(d->dialer->sockets, fd, tls, d);
	if (d->is_paused)
		upstream_socket_pause(d->socket, true);
	d->dialer->handler->connected(d->owner, leg);
}

void
dial_describe(const struct dial *d, struct server_link *link)
{
	const struct tls *tls = d->socket != NULL ? upstream_socket_tls(d->socket) : NULL;
	struct buf text;

	write_server(d, link->server, sizeof link->server);
	write_address(d, link->address, sizeof link->address);
	buf_init(&text, sizeof link->tls - 1);
	link->is_secure = tls != NULL;
	if (tls != NULL)
		tls_describe(tls, &text);
	else
		buf_append_str(&text, "none");
	snprintf(link->tls, sizeof link->tls, "%s", buf_cstr(&text));
	buf_fini(&text);
}

size_t
dial_write(struct dial *d, const struct iovec *v, int n)
{
	return d->state == DIAL_OPEN ? upstream_socket_write(d->socket, v, n) : 0;
}

const struct dns_address *
dial_address(const struct dial *d)
{
	return &d->address[d->attempt.address];
}

void
dial_pause(struct dial *d, bool pause)
{
	d->is_paused = pause;
	if (d->state == DIAL_OPEN)
		upstream_socket_pause(d->socket, pause);
}

/* ---- handshakes ---- */

/* One server has failed, or one address of it; others may be left. */
static void
note_failure(struct dial *d, enum closing closing, const char *why)
{
	char server[REASON], address[PEER_TEXT];

	write_server(d, server, sizeof server);
	write_address(d, address, sizeof address);
	log_event(d->dialer->context->log, LOG_INFO, "upstream attempt failed",
		"session=%llu domain=%s server=%s address=%s after_s=%.3f reason=%s", (unsigned long long) d->number,
		d->domain->ascii, log_string(server).text, address, (double) (now_of(d->dialer) - d->tried_at) / 1000,
		log_string(why).text);
	d->closing = closing;
	snprintf(d->reason, sizeof d->reason, "%.100s: %s", server, why);
}

/*
 * Hands the socket to the handshake; it comes back to dialer_secured(), with
 * what the connection keeps counted.  timeout is what the server may take; 0:
 * any.  Where nothing is left for it, no other server would help.
 */
static void
secure(struct dial *d, int fd, bool is_direct, ms_t timeout)
{
	const struct conf_domain *domain = d->domain;
	struct dialer *dialer = d->dialer;
	const struct tls_to_server server = {
		.name = domain->server_name != NULL ? domain->server_name : domain->ascii,
		.ca_file = domain->ca_file,
		.verify = domain->verify,
		.is_direct = is_direct,
	};
	struct tls_job *job = tls_job_to_server(dialer->last_job + 1, fd, &server, timeout);
	struct budget *budget = &dialer->context->budget;

	budget_move(budget, &job->charged, TLS_MEMORY);
	if (budget_refuses(budget, job->charged)) {
		budget_move(budget, &job->charged, 0);
		tls_job_free(job);
		note_failure(d, CLOSING_NO_ROOM, "no room for TLS");
		lose(d);
		return;
	}
	d->job = ++dialer->last_job;
	d->secured_from = d->tried_at = now_of(dialer);
	hash_insert(&dialer->by_job, &d->by_job, slice_of((const char *) &d->job, sizeof d->job));
	set_deadline(d, MS_NEVER);
	dialer->handler->handshake(dialer->handler->arg, job);
}

/* There may be other candidates: the rest of the attempt's share is for the handshake, too. */
static void
secure_at_once(struct dial *d, int fd)
{
	ms_t left = d->attempt.until == MS_NEVER ? 0 : d->attempt.until - now_of(d->dialer);

	set_state(d, DIAL_HANDSHAKING);
	secure(d, fd, true, d->attempt.until == MS_NEVER ? 0 : ms_max(left, RACE_MIN_ATTEMPT));
}

/* Who agreed to STARTTLS is the only one left, and has all the time. */
void
dial_start_tls(struct dial *d)
{
	int fd;

	must(d->state == DIAL_OPEN);
	fd = upstream_socket_detach(d->socket);
	if (fd < 0)
		return;
	d->socket = NULL;
	set_state(d, DIAL_STARTTLS);
	secure(d, fd, false, d->timeout == 0 ? 0 : ms_max(d->timeout, RACE_MIN_ATTEMPT));
}

void
dialer_secured(struct dialer *dialer, struct tls_job *job)
{
	struct hash_link *link = hash_find(&dialer->by_job, slice_of((const char *) &job->id, sizeof job->id));
	struct dial *d = link != NULL ? hash_entry(link, struct dial, by_job) : NULL;
	struct tls *tls;
	int fd;

	must(job->direction == TLS_TO_SERVER);
	if (d == NULL) {
		budget_move(&dialer->context->budget, &job->charged, 0);
		tls_job_free(job);
		return;
	}
	/* What the job waited for a thread of ours, the servers have not spent. */
	race_add_time(&d->race, ms_max(now_of(dialer) - d->secured_from - job->spent, 0));
	forget_job(d);
	tls = tls_job_take(job, &fd);
	if (tls == NULL) {
		budget_move(&dialer->context->budget, &job->charged, 0);
		note_failure(d, CLOSING_TLS_FAILED, job->reason);
	}
	d->charged = job->charged;
	tls_job_free(job);
	if (tls != NULL)
		stand(d, fd, tls, UPSTREAM_SECURE);
	else if (d->state == DIAL_HANDSHAKING)
		try_next(d);
	else
		lose(d);
}

/* ---- attempts ---- */

static bool
is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *) a)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) a)->sin6_addr);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct knock *k = poll->data;
	struct dial *d = k->dial;
	int error = 0, fd = k->fd;
	socklen_t n = sizeof error;

	(void) events;
	if (d == NULL)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || (status < 0 && error == 0))
		error = error != 0 ? error : ECONNABORTED;
	if (error == 0 && !introduce(fd, d->domain, d->client))
		error = errno;
	if (error == 0)
		k->fd = -1;
	give_up_knock(d);
	if (error != 0) {
		note_failure(d, CLOSING_CONNECT_FAILED, strerror(error));
		try_next(d);
	} else if (d->domain->connect[d->attempt.server].tls_direct) {
		secure_at_once(d, fd);
	} else {
		stand(d, fd, NULL,
			is_loopback(&d->address[d->attempt.address].address) ? UPSTREAM_LOCAL : UPSTREAM_EXPOSED);
	}
}

/* A server whose machine is gone says nothing: the kernel finds out. */
static void
look_after(int fd, const struct conf_domain *domain)
{
	int one = 1, probes = PROBES, idle = (int) (domain->tcp_keepalive + 999) / 1000;
	int between = idle / 4 > 0 ? idle / 4 : 1;
	unsigned timeout = (unsigned) domain->tcp_user_timeout;

	if (idle > 0) {
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	}
	if (timeout > 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

/* False with a reason in errno. */
static bool
connect_to(struct dial *d, const struct dns_address *a)
{
	struct knock *k;
	int one = 1;
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	look_after(fd, d->domain);
	if (connect(fd, (const struct sockaddr *) &a->address, a->n) != 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return false;
	}
	k = d->knock = xcalloc(1, sizeof *k);
	k->fd = fd;
	k->dial = d;
	must(uv_poll_init(d->dialer->loop, &k->poll, fd) == 0);
	k->poll.data = k;
	uv_poll_start(&k->poll, UV_WRITABLE, on_poll);
	return true;
}

/* So many addresses has the attempt's server. */
static void
take_addresses(struct dial *d, const struct dns_address *address, size_t n)
{
	n = n < MAX_ADDRESSES ? n : MAX_ADDRESSES;
	if (n > 0) {
		/* Most have one, and every session keeps its own. */
		d->address = xrealloc(d->address, n * sizeof *address);
		memcpy(d->address, address, n * sizeof *address);
	}
	race_resolved(&d->race, n);
}

static void
on_resolved(void *arg, const struct dns_address *address, size_t n, const char *reason)
{
	struct dial *d = arg;

	d->query = NULL;
	take_addresses(d, address, n);
	if (n == 0)
		note_failure(d, CLOSING_CONNECT_FAILED, reason);
	/* Any number may have waited for this name. */
	put_off(d);
}

/* True when it is an address, which takes no time. */
static bool
resolve(struct dial *d, const struct conf_target *target)
{
	struct dns_address literal;
	struct dns_query *q;

	if (dns_literal(target->host, target->port, &literal)) {
		take_addresses(d, &literal, 1);
		return true;
	}
	set_state(d, DIAL_RESOLVING);
	tell_step(d, "upstream lookup");
	set_deadline(d, d->attempt.until);
	q = dns_resolve(d->dialer->dns, target->host, target->port, on_resolved, d);
	d->query = q;
	return false;
}

/* The attempt under way has failed, or there was none: on with the next that does not fail at once. */
static void
try_next(struct dial *d)
{
	for (;;) {
		d->tried_at = now_of(d->dialer);
		d->attempt = race_next(&d->race, d->tried_at);
		switch (d->attempt.step) {
		case RACE_RESOLVE:
			if (!resolve(d, &d->domain->connect[d->attempt.server]))
				return;
			break;
		case RACE_CONNECT:
			set_state(d, DIAL_CONNECTING);
			set_deadline(d, d->attempt.until);
			if (connect_to(d, &d->address[d->attempt.address]))
				return;
			note_failure(d, CLOSING_CONNECT_FAILED, strerror(errno));
			break;
		case RACE_LOST:
			lose(d);
			return;
		}
	}
}

struct dial *
dial_connect(struct dialer *dialer, void *owner, const struct conf_domain *domain, const struct peer *client,
	ms_t timeout, uint64_t number)
{
	struct dial *d = xcalloc(1, sizeof *d);

	d->magic = DIAL_MAGIC;
	d->dialer = dialer;
	d->owner = owner;
	d->domain = domain;
	d->client = client;
	d->number = number;
	d->timeout = timeout;
	race_init(&d->race, domain->n_connect, timeout, now_of(dialer));
	dialer->context->sockets->servers++;
	list_init(&d->link);
	put_off(d);
	return d;
}

/* ---- the dialer ---- */

struct dialer *
dialer_new(uv_loop_t *loop, struct dns *dns, const struct dial_handler *handler, struct context *context)
{
	struct dialer *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->dns = dns;
	d->handler = handler;
	d->context = context;
	d->socket_handler = (struct upstream_socket_handler){
		.data = on_data, .writable = on_writable, .lost = on_lost, .crowd = on_crowd, .arg = d};
	d->sockets = upstream_sockets_new(loop, &d->socket_handler, context->log);
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
	upstream_sockets_free(d->sockets);
	due_fini(&d->due);
	hash_fini(&d->by_job);
	free(d);
}

bool
dialer_run(struct dialer *dialer)
{
	struct list *link;
	bool again = upstream_sockets_run(dialer->sockets);

	for (int i = 0; i < MAX_STEPS && (link = list_shift(&dialer->put_off)) != NULL; i++) {
		struct dial *d = list_entry(link, struct dial, link);
		if (d->state == DIAL_LOST)
			tell_gone(d);
		else
			try_next(d);
	}
	return again || !list_is_empty(&dialer->put_off);
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
		list_remove(&d->link);
		note_failure(d, CLOSING_CONNECT_FAILED, "no answer in time");
		dns_cancel(d->query);
		d->query = NULL;
		give_up_knock(d);
		if (race_is_over(&d->race, now))
			lose(d);
		else
			try_next(d);
	}
}
