#include "io/door.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/due.h"
#include "base/fatal.h"
#include "base/list.h"
#include "base/state.h"
#include "base/wipe.h"
#include "io/pool.h"
#include "io/preface.h"
#include "io/refusal.h"
#include "io/rules.h"
#include "io/tls.h"
#include "io/watch.h"
#include "proto/net/client_hello.h"

/* How long a client may take to read its refusal. */
#define LINGER_MS 2000
#define RETRY_S 10     /* when another try may be worth it: a guess */
#define DROP_ROUNDS 16 /* reads in one turn of the loop */

/* It may be handed on, or shown out, in each of them. */
static const char short_of_memory[] = "culvert is short of memory for other clients now: try again later.";
static const char without_tls[] = "This port speaks TLS only: write https:// or wss://.";

enum guest_state {
	GUEST_NEW,     /* nobody has looked yet */
	GUEST_WAITING, /* for the end of its head; from here on the watch tells of what comes */
	GUEST_LEAVING, /* the same, but what is there is all that will come */
	GUEST_REFUSED, /* the answer is sent; what it still sends is dropped until it closes */
};

static const struct state states[] = {
	[GUEST_NEW] = {"new", STEP(GUEST_WAITING) | STEP(GUEST_REFUSED)},
	[GUEST_WAITING] = {"waiting", STEP(GUEST_LEAVING) | STEP(GUEST_REFUSED)},
	[GUEST_LEAVING] = {"leaving", STEP(GUEST_REFUSED)},
	[GUEST_REFUSED] = {"refused", 0},
};

struct guest {
	struct door *door;
	enum guest_state state; /* only set_state() sets it */
	bool is_one_too_many;
	bool has_preface;   /* a PROXY header has to come, and has not */
	bool is_before_tls; /* its listener has TLS, and it comes from there */
	int fd;
	struct peer peer;
	struct due_link due;
	struct list link;  /* in door->guests */
	struct list ready; /* in door->ready */
};

struct door {
	uv_loop_t *loop;
	struct context *context;
	const struct door_handler *handler;
	struct due due;
	struct watch *watch;
	struct list guests, ready; /* ready: something has come, or nothing more will */
	char peek[UPGRADE_MAX];
};

static void on_watched(void *arg, void *item, bool is_gone);

static void
set_state(struct guest *g, enum guest_state to)
{
	struct trace trace = {.log = g->door->context->log, .kind = "fd", .number = (uint64_t) g->fd};

	state_step(states, "guest", &trace, g->state, to);
	g->state = to;
}

struct door *
door_new(uv_loop_t *loop, struct context *context, const struct door_handler *handler)
{
	struct door *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->context = context;
	d->handler = handler;
	due_init(&d->due);
	list_init(&d->guests);
	list_init(&d->ready);
	d->watch = watch_new(loop, on_watched, d);
	return d;
}

/* The guest is no longer ours; its socket is somebody's or closed. */
static void
forget(struct guest *g)
{
	list_remove(&g->link);
	list_remove(&g->ready);
	g->door->context->sockets->clients--;
	due_set(&g->door->due, &g->due, MS_NEVER);
	if (g->state != GUEST_NEW)
		watch_remove(g->door->watch, g->fd);
	free(g);
}

/* To be looked at by door_run(). */
static void
make_ready(struct guest *g)
{
	list_remove(&g->ready);
	list_append(&g->door->ready, &g->ready);
}

static void
show_out(struct guest *g)
{
	int fd = g->fd;

	forget(g);
	close(fd);
}

/*
 * What has come stays in the socket, and that alone must not wake us again: so
 * we are told of each arrival once.  Asking the kernel to keep still until
 * more is there (SO_RCVLOWAT) would do for TCP only.  False: it is gone.
 */
static bool
be_told(struct guest *g, enum guest_state to)
{
	if (g->state == GUEST_NEW && watch_add(g->door->watch, g->fd, g) != 0) {
		show_out(g);
		return false;
	}
	set_state(g, to);
	return true;
}

/* Nothing more goes out; what comes in is dropped until the client closes, or too much time has passed. */
static void
say_goodbye(struct guest *g)
{
	shutdown(g->fd, SHUT_WR);
	if (!be_told(g, GUEST_REFUSED))
		return;
	due_set(&g->door->due, &g->due, (ms_t) uv_now(g->door->loop) + LINGER_MS);
	/* What has come already is not told again. */
	make_ready(g);
}

static const struct listener *
listener_of(const struct guest *g)
{
	return listeners_of(g->door->context->listeners, &g->peer);
}

static void
tell(const struct guest *g, const char *event, const char *reason)
{
	const struct log *log = g->door->context->log;

	log_event(log, LOG_INFO, event, "client=%s listener=%s%s%s", log_peer(log, &g->peer).text,
		log_string(listener_of(g)->text).text, reason != NULL ? " reason=" : "",
		reason != NULL ? log_string(reason).text : "");
}

/* It does not speak as it should, and gets no answer. */
static void
close_on(struct guest *g, const char *event, const char *reason)
{
	counter_add(g->door->context->counters->http_refused, 1);
	tell(g, event, reason);
	show_out(g);
}

/*
 * Closing with unread bytes would send a reset that may overtake the answer:
 * so the head is taken in, and what follows is dropped until the client closes.
 */
static void
refuse(struct guest *g, const struct upgrade *u, size_t n)
{
	struct door *d = g->door;
	char hsts[LISTENER_HSTS];
	struct buf answer, lines;

	counter_add(d->context->counters->http_refused, 1);
	refusal_upgrade(d->context, u);
	(void) recv(g->fd, d->peek, n, 0);
	buf_init(&answer, BUF_UNLIMITED);
	buf_init(&lines, BUF_UNLIMITED);
	buf_append_str(&lines, d->context->conf->response_lines);
	/* RFC 6797, 7.2: only by TLS. */
	if (!g->is_before_tls && listener_hsts(listener_of(g), hsts))
		buf_printf(&lines, "Strict-Transport-Security: %s\r\n", hsts);
	upgrade_refusal(&answer, u, buf_slice(&lines));
	buf_fini(&lines);
	(void) send(g->fd, buf_slice(&answer).p, answer.n, MSG_NOSIGNAL);
	buf_fini(&answer);
	say_goodbye(g);
}

/* Nobody could serve the client: it hears so, whatever it wants and as far as it has said. */
static void
turn_away(struct guest *g, enum upgrade_refused why, const struct peer *client, const char *reason, size_t n)
{
	const struct upgrade u = {.refused = why, .client = *client, .reason = reason, .retry_after = RETRY_S};

	refuse(g, &u, n);
}

/* It is one too many, which is told and counted whether or not it is answered. */
static void
count_refused(struct guest *g)
{
	struct context *c = g->door->context;

	refusal_connection(c->counters, c->sockets, c->log, &g->peer, (ms_t) uv_now(g->door->loop));
}

/* Either library takes as much, or somewhat less. */
static bool
has_room(const struct guest *g)
{
	return !budget_refuses(&g->door->context->budget, pool_bytes(POOL_SHORT));
}

static void
hand_to_http(struct guest *g, size_t room)
{
	const struct door_handler *handler = g->door->handler;
	struct peer peer = g->peer;
	int fd = g->fd;

	forget(g);
	handler->http(handler->arg, fd, room, &peer);
}

/* What was peeked at is there to be read; frames behind it stay where they are. */
static void
hand_to_websocket(struct guest *g, const struct upgrade *u)
{
	const struct door_handler *handler = g->door->handler;
	struct upgrade_head head = u->head;
	struct peer client = u->client;
	int fd = g->fd;

	if (recv(fd, g->door->peek, u->n, 0) != (ssize_t) u->n) {
		show_out(g);
		return;
	}
	forget(g);
	handler->websocket(handler->arg, fd, &head, &client);
}

/* The head is not whole. */
static void
wait_for_more(struct guest *g)
{
	switch (g->state) {
	case GUEST_NEW:
	case GUEST_WAITING:
		be_told(g, GUEST_WAITING);
		break;
	case GUEST_LEAVING:
	case GUEST_REFUSED:
		show_out(g);
		break;
	}
}

/* It is known who it is.  False: it is not served, and is gone. */
static bool
is_served(struct guest *g)
{
	const char *reason;

	if (!refusal_denies(g->door->context, &g->peer, &reason))
		return true;
	close_on(g, "connection refused", "the client's network is in deny");
	return false;
}

/* A PROXY header is to come: from somebody who is believed?  False: not, and is gone. */
static bool
is_believed(struct guest *g)
{
	if (conf_is_trusted(g->door->context->conf, &g->peer))
		return true;
	close_on(g, "connection refused", "a PROXY header is believed of trusted_proxies only");
	return false;
}

/* False: it waits for its PROXY header, or is gone. */
static bool
read_preface(struct guest *g)
{
	const char *reason;

	switch (preface_take(g->fd, &g->peer, &reason)) {
	case PREFACE_DONE:
		g->has_preface = false;
		return is_served(g);
	case PREFACE_MORE:
		if (g->state == GUEST_LEAVING)
			close_on(g, "no PROXY header", "the connection ended in the middle of it");
		else
			wait_for_more(g);
		return false;
	case PREFACE_BAD:
		close_on(g, "no PROXY header", reason);
		return false;
	case PREFACE_NOBODY:
		break;
	}
	show_out(g);
	return false;
}

/* What comes before TLS: n bytes of it are there. */
static void
judge_before_tls(struct guest *g, size_t n)
{
	struct door *d = g->door;
	const struct door_handler *handler = d->handler;
	struct peer peer = g->peer;
	bool brings_ticket;
	int fd = g->fd;

	switch (client_hello_look(slice_of(d->peek, n), &brings_ticket)) {
	case CLIENT_HELLO_MORE:
		wait_for_more(g);
		return;
	case CLIENT_HELLO_TLS:
		if (g->is_one_too_many) {
			count_refused(g);
			show_out(g);
			return;
		}
		if (budget_refuses(&d->context->budget, TLS_MEMORY)) {
			close_on(g, "connection refused", short_of_memory);
			return;
		}
		forget(g);
		handler->tls(handler->arg, fd, brings_ticket, &peer);
		return;
	case CLIENT_HELLO_HTTP:
		refuse(g, &(const struct upgrade){.reason = without_tls, .client = peer}, n);
		return;
	case CLIENT_HELLO_GARBAGE:
		close_on(g, "not TLS", NULL);
		return;
	}
}

/* Looks at the head of a request, as far as it is there. */
static void
judge_head(struct guest *g)
{
	struct door *d = g->door;
	struct upgrade_rules rules = rules_upgrade(d->context, &g->peer);
	struct upgrade u;
	enum upgrade_verdict verdict;
	ssize_t n = recv(g->fd, d->peek, sizeof d->peek, MSG_PEEK);

	if (n < 0 && errno == EAGAIN) {
		wait_for_more(g);
		return;
	}
	if (n <= 0) {
		show_out(g);
		return;
	}
	if (g->is_before_tls) {
		judge_before_tls(g, (size_t) n);
		return;
	}
	if (g->is_one_too_many) {
		count_refused(g);
		turn_away(g, UPGRADE_REFUSED_CONNECTION, &g->peer, "Too many connections are open: try again later.",
			(size_t) n);
		return;
	}
	verdict = upgrade_look(&u, &rules, slice_of(d->peek, (size_t) n));
	if (verdict == UPGRADE_WEBSOCKET)
		verdict = refusal_of_client(d->context, &u, (ms_t) uv_now(d->loop));
	switch (verdict) {
	case UPGRADE_MORE:
		wait_for_more(g);
		return;
	case UPGRADE_HTTP:
	case UPGRADE_WEBSOCKET:
		if (!has_room(g)) {
			turn_away(g, UPGRADE_REFUSED_ROOM, &u.client, short_of_memory, (size_t) n);
		} else if (verdict == UPGRADE_HTTP) {
			wipe(d->peek, (size_t) n);
			hand_to_http(g, u.room);
		} else {
			hand_to_websocket(g, &u);
		}
		return;
	case UPGRADE_REFUSED:
		refuse(g, &u, (size_t) n);
		return;
	case UPGRADE_GARBAGE:
		close_on(g, "not HTTP", NULL);
		return;
	}
}

/* Looks at what there is. */
static void
judge(struct guest *g)
{
	if (g->has_preface && !read_preface(g))
		return;
	judge_head(g);
}

/* Until nothing is left; but others want their turn, too. */
static void
drop(struct guest *g)
{
	struct door *d = g->door;
	ssize_t n;

	for (int i = 0; i < DROP_ROUNDS; i++) {
		n = recv(g->fd, d->peek, sizeof d->peek, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			show_out(g);
			return;
		}
	}
	make_ready(g);
}

/* Only marks: nobody may leave while the watch tells of its events. */
static void
on_watched(void *arg, void *item, bool is_gone)
{
	struct guest *g = item;

	(void) arg;
	if (is_gone && g->state == GUEST_WAITING)
		set_state(g, GUEST_LEAVING);
	make_ready(g);
}

bool
door_run(struct door *d)
{
	struct list now, *link;

	list_init(&now);
	while ((link = list_shift(&d->ready)) != NULL)
		list_append(&now, link);
	while ((link = list_shift(&now)) != NULL) {
		struct guest *g = list_entry(link, struct guest, ready);
		switch (g->state) {
		case GUEST_NEW:
		case GUEST_WAITING:
		case GUEST_LEAVING:
			judge(g);
			break;
		case GUEST_REFUSED:
			drop(g);
			break;
		}
	}
	return !list_is_empty(&d->ready);
}

static struct guest *
guest_new(struct door *d, int fd)
{
	struct guest *g = xcalloc(1, sizeof *g);

	g->door = d;
	g->fd = fd;
	d->context->sockets->clients++;
	list_append(&d->guests, &g->link);
	list_init(&g->ready);
	return g;
}

void
door_linger(struct door *d, int fd)
{
	say_goodbye(guest_new(d, fd));
}

static void
enter(struct guest *g)
{
	struct door *d = g->door;
	ms_t timeout = g->is_one_too_many ? LINGER_MS : d->context->conf->limits.header_timeout;

	if (timeout > 0)
		due_set(&d->due, &g->due, (ms_t) uv_now(d->loop) + timeout);
	judge(g);
}

void
door_enter(struct door *d, int fd, const struct peer *peer, bool is_one_too_many)
{
	struct guest *g = guest_new(d, fd);

	counter_add(d->context->counters->connections, 1);
	g->is_one_too_many = is_one_too_many;
	g->is_before_tls = listeners_of(d->context->listeners, peer)->conf->n_tls > 0;
	g->has_preface = listeners_of(d->context->listeners, peer)->conf->proxy_protocol;
	g->peer = *peer;
	if (g->has_preface ? is_believed(g) : is_served(g))
		enter(g);
}

void
door_enter_secured(struct door *d, int fd, const struct peer *peer)
{
	struct guest *g = guest_new(d, fd);

	g->peer = *peer;
	g->peer.is_secure = true;
	enter(g);
}

ms_t
door_deadline(const struct door *d)
{
	return due_first(&d->due);
}

void
door_expire(struct door *d, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&d->due, now)) != NULL) {
		struct guest *g = due_entry(link, struct guest, due);
		if (g->is_one_too_many && g->state != GUEST_REFUSED)
			count_refused(g);
		else if (g->has_preface)
			tell(g, "no PROXY header", "it did not come in time");
		else if (g->state != GUEST_REFUSED)
			tell(g, "no request in time", NULL);
		show_out(g);
	}
}

void
door_close(struct door *d)
{
	struct list *link;

	if (d == NULL)
		return;
	while ((link = list_shift(&d->guests)) != NULL)
		show_out(list_entry(link, struct guest, link));
	watch_close(d->watch);
	due_fini(&d->due);
	free(d);
}
