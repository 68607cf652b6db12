#include "io/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/due.h"
#include "base/fatal.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/state.h"
#include "io/hunt.h"
#include "io/introduce.h"
#include "io/upstream_socket.h"

#define MIN_HANDSHAKE 1000 /* ms, however little time is left */
#define MAX_STEPS 32       /* attempts begun, or sessions told that they have failed, before others get their turn */
#define REASON HUNT_REASON

#define DIAL_MAGIC 0x6469616cu

enum dial_state {
	DIAL_STARTING,    /* waits for dialer_run() */
	DIAL_TRYING,      /* the hunt is on */
	DIAL_HANDSHAKING, /* TLS from the first byte; the socket is with the handshake, others may be tried after it */
	DIAL_OPEN,
	DIAL_STARTTLS, /* the socket is with the handshake; the same */
	DIAL_LOST,     /* waits for dialer_run() to say so */
};

static const struct state states[] = {
	[DIAL_STARTING] = {"starting", STEP(DIAL_TRYING) | STEP(DIAL_LOST)},
	[DIAL_TRYING] = {"trying", STEP(DIAL_HANDSHAKING) | STEP(DIAL_OPEN) | STEP(DIAL_LOST)},
	[DIAL_HANDSHAKING] = {"handshaking", STEP(DIAL_TRYING) | STEP(DIAL_OPEN) | STEP(DIAL_LOST)},
	[DIAL_OPEN] = {"open", STEP(DIAL_STARTTLS) | STEP(DIAL_TRYING) | STEP(DIAL_LOST)},
	[DIAL_STARTTLS] = {"starttls", STEP(DIAL_OPEN) | STEP(DIAL_TRYING) | STEP(DIAL_LOST)},
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
	struct hunt *hunt;         /* NULL: the server is the right one */
	/* Of the connection that stands, or stood last: */
	char *server; /* as it was asked for */
	struct dns_address address;
	struct upstream_socket *socket; /* OPEN */
	bool is_paused;
	size_t charged; /* to the budget: TLS */
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
	const struct dial_handler *handler;
	struct context *context;
	struct upstream_sockets *sockets;
	struct upstream_socket_handler socket_handler;
	struct list put_off;
	struct due due;
	struct hash by_job;
	uint64_t last_job;
	struct hunts *hunts;
	struct hunt_handler hunt_handler;
};

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

/* For debugging: what has been done to reach a server. */
static void
tell_step(const struct dial *d, const char *event)
{
	char address[PEER_TEXT];

	if (!log_is_on(d->dialer->context->log, LOG_DEBUG))
		return;
	hunt_write_address(&d->address, address, sizeof address);
	log_event(d->dialer->context->log, LOG_DEBUG, event, "session=%llu server=%s address=%s",
		(unsigned long long) d->number, log_string(d->server).text, address);
}

static void
put_off(struct dial *d)
{
	list_remove(&d->link);
	list_append(&d->dialer->put_off, &d->link);
}

/* ---- its end ---- */

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
	hunt_free(d->hunt);
	upstream_socket_close(d->socket);
	forget_job(d);
	set_deadline(d, MS_NEVER);
	list_remove(&d->link);
	budget_move(&d->dialer->context->budget, &d->charged, 0);
	d->dialer->context->sockets->servers--;
	d->magic = 0;
	free(d->server);
	free(d);
}

static void
log_gone(const struct dial *d)
{
	const struct log *log = d->dialer->context->log;
	enum log_level level = closing_row(d->closing)->level;
	char address[PEER_TEXT];

	hunt_write_address(&d->address, address, sizeof address);
	if (d->closing == CLOSING_SERVER_GONE)
		log_event(log, level, "upstream lost", "session=%llu domain=%s server=%s address=%s reason=%s",
			(unsigned long long) d->number, d->domain->ascii, log_string(d->server).text, address,
			log_string(d->reason).text);
	else
		log_event(log, level, "upstream not reached", "session=%llu domain=%s servers=%zu reason=%s",
			(unsigned long long) d->number, d->domain->ascii, hunt_count(d->hunt),
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
	d->closing = hunt_closing(d->hunt);
	snprintf(d->reason, sizeof d->reason, "%s", hunt_reason(d->hunt));
	set_state(d, DIAL_LOST);
	set_deadline(d, MS_NEVER);
	put_off(d);
}

/* ---- who leads ---- */

/*
 * Who leads is not the right server, for this reason.  True: others are
 * tried, and the connection is gone; false: it is left as it is.
 */
static bool
pass_on(struct dial *d, enum closing closing, const char *why)
{
	if (d->hunt == NULL || !hunt_has_more(d->hunt))
		return false;
	hunt_leader_failed(d->hunt, closing, why);
	upstream_socket_close(d->socket);
	d->socket = NULL;
	d->is_paused = false;
	budget_move(&d->dialer->context->budget, &d->charged, 0);
	set_state(d, DIAL_TRYING);
	set_deadline(d, MS_NEVER);
	put_off(d);
	return true;
}

/* Who leads has failed, and nobody else is left. */
static void
fail_last(struct dial *d, enum closing closing, const char *why)
{
	hunt_leader_failed(d->hunt, closing, why);
	lose(d);
}

bool
dial_pass_on(struct dial *d, enum closing closing, const char *why)
{
	return d->state == DIAL_OPEN && pass_on(d, closing, why);
}

void
dial_settle(struct dial *d)
{
	if (d->state != DIAL_OPEN || d->hunt == NULL)
		return;
	hunt_settle(d->hunt);
	hunt_free(d->hunt);
	d->hunt = NULL;
	set_deadline(d, MS_NEVER);
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

	if (pass_on(d, CLOSING_SERVER_GONE, why)) {
		d->dialer->handler->again(d->owner);
		return;
	}
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

/* The connection is there to be used; whether it is the right one, its stream will show. */
static void
stand(struct dial *d, int fd, struct tls *tls, enum upstream_leg leg)
{
	set_state(d, DIAL_OPEN);
	free(d->server);
	d->server = xstrdup(hunt_server(d->hunt));
	d->address = *hunt_address(d->hunt);
	tell_step(d, tls != NULL ? "upstream secured" : "upstream connected");
	set_deadline(d, hunt_lead(d->hunt));
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

	snprintf(link->server, sizeof link->server, "%s", d->server);
	hunt_write_address(&d->address, link->address, sizeof link->address);
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
	return &d->address;
}

void
dial_pause(struct dial *d, bool pause)
{
	d->is_paused = pause;
	if (d->state == DIAL_OPEN)
		upstream_socket_pause(d->socket, pause);
}

/* ---- handshakes ---- */

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
		fail_last(d, CLOSING_NO_ROOM, "no room for TLS");
		return;
	}
	d->job = ++dialer->last_job;
	d->secured_from = now_of(dialer);
	hash_insert(&dialer->by_job, &d->by_job, slice_of((const char *) &d->job, sizeof d->job));
	set_deadline(d, MS_NEVER);
	dialer->handler->handshake(dialer->handler->arg, job);
}

/* What the server may take for the handshake; there may be other candidates. */
static ms_t
time_to_secure(struct dial *d)
{
	ms_t until = hunt_lead(d->hunt);

	return until == MS_NEVER ? 0 : ms_max(until - now_of(d->dialer), MIN_HANDSHAKE);
}

static void
secure_at_once(struct dial *d, int fd)
{
	set_state(d, DIAL_HANDSHAKING);
	secure(d, fd, true, time_to_secure(d));
}

void
dial_start_tls(struct dial *d)
{
	int fd;

	must(d->state == DIAL_OPEN && d->hunt != NULL);
	fd = upstream_socket_detach(d->socket);
	if (fd < 0)
		return;
	d->socket = NULL;
	set_state(d, DIAL_STARTTLS);
	secure(d, fd, false, time_to_secure(d));
}

/* It was not with this one. */
static void
handshake_failed(struct dial *d, const char *why)
{
	bool was_open = d->state == DIAL_STARTTLS;

	if (pass_on(d, CLOSING_TLS_FAILED, why)) {
		if (was_open)
			d->dialer->handler->again(d->owner);
		return;
	}
	fail_last(d, CLOSING_TLS_FAILED, why);
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
	hunt_add_time(d->hunt, ms_max(now_of(dialer) - d->secured_from - job->spent, 0));
	forget_job(d);
	tls = tls_job_take(job, &fd);
	if (tls != NULL) {
		d->charged = job->charged;
		stand(d, fd, tls, UPSTREAM_SECURE);
	} else {
		budget_move(&dialer->context->budget, &job->charged, 0);
		handshake_failed(d, job->reason);
	}
	tls_job_free(job);
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
on_reached(void *arg, int fd)
{
	struct dial *d = dial_from(arg);
	const char *why = introduce(fd, d->domain, d->client, d->dialer->context->listeners);

	if (why != NULL) {
		close(fd);
		hunt_leader_failed(d->hunt, CLOSING_CONNECT_FAILED, why);
		hunt_go_on(d->hunt);
	} else if (hunt_is_direct(d->hunt)) {
		secure_at_once(d, fd);
	} else {
		stand(d, fd, NULL, is_loopback(&hunt_address(d->hunt)->address) ? UPSTREAM_LOCAL : UPSTREAM_EXPOSED);
	}
}

static void
on_hunt_lost(void *arg)
{
	lose(dial_from(arg));
}

static void
on_later(void *arg)
{
	put_off(dial_from(arg));
}

static void
on_due(void *arg, ms_t at)
{
	set_deadline(dial_from(arg), at);
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
	d->hunt = hunt_new(dialer->hunts, d, domain, timeout, number);
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
	d->handler = handler;
	d->context = context;
	d->socket_handler = (struct upstream_socket_handler){
		.data = on_data, .writable = on_writable, .lost = on_lost, .crowd = on_crowd, .arg = d};
	d->sockets = upstream_sockets_new(loop, &d->socket_handler, context->log);
	list_init(&d->put_off);
	due_init(&d->due);
	hash_init(&d->by_job, 0);
	d->hunt_handler = (struct hunt_handler){on_reached, on_hunt_lost, on_later, on_due};
	d->hunts = hunts_new(loop, dns, context, &d->hunt_handler);
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
	hunts_free(d->hunts);
	free(d);
}

static void
hunt(struct dial *d)
{
	if (d->state == DIAL_STARTING) {
		set_state(d, DIAL_TRYING);
		hunt_start(d->hunt);
	} else if (d->state == DIAL_TRYING) {
		hunt_go_on(d->hunt);
	}
}

bool
dialer_run(struct dialer *dialer)
{
	struct list *link;
	bool again = upstream_sockets_run(dialer->sockets);

	for (int i = 0; i < MAX_STEPS && (link = list_shift(&dialer->put_off)) != NULL; i++) {
		struct dial *d = list_entry(link, struct dial, link);
		/* Somebody may have been told, and have something to say for it in this turn. */
		again = true;
		if (d->state == DIAL_LOST)
			tell_gone(d);
		else
			hunt(d);
	}
	return again;
}

ms_t
dialer_deadline(const struct dialer *d)
{
	return due_first(&d->due);
}

/* The server's stream should have begun by now. */
static void
expire_leader(struct dial *d)
{
	const char *why = closing_row(CLOSING_SERVER_SILENT)->text;

	if (pass_on(d, CLOSING_SERVER_SILENT, why)) {
		d->dialer->handler->again(d->owner);
		return;
	}
	fail_last(d, CLOSING_SERVER_SILENT, why);
}

static void
expire(struct dial *d, ms_t now)
{
	switch (d->state) {
	case DIAL_TRYING:
		hunt_expire(d->hunt, now);
		break;
	case DIAL_OPEN:
		expire_leader(d);
		break;
	case DIAL_STARTING:
	case DIAL_HANDSHAKING:
	case DIAL_STARTTLS:
	case DIAL_LOST:
		break;
	}
}

void
dialer_expire(struct dialer *dialer, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&dialer->due, now)) != NULL)
		expire(due_entry(link, struct dial, due), now);
}
