#include "io/door.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/due.h"
#include "base/fatal.h"
#include "base/list.h"

/* How long a client may take to read its refusal. */
#define LINGER_MS 2000
#define DROP_BYTES 4096

enum guest_state {
	GUEST_UNKNOWN, /* the head is not complete */
	GUEST_REFUSED, /* the answer is sent; what it still sends is dropped until it closes */
};

struct guest {
	struct door *door;
	enum guest_state state;
	uv_poll_t poll;
	bool has_poll, has_left; /* left: the client will send no more */
	int fd;
	struct peer peer;
	struct due_link due;
	struct list link;
};

struct door {
	uv_loop_t *loop;
	const struct upgrade_rules *rules;
	ms_t header_timeout;
	const char *lines; /* response_headers */
	const struct door_handler *handler;
	struct counters *counters;
	const struct log *log;
	struct due due;
	struct list guests;
	char peek[UPGRADE_MAX];
};

struct door *
door_new(uv_loop_t *loop, const struct upgrade_rules *rules, const struct conf *conf,
	const struct door_handler *handler, struct counters *counters, const struct log *log)
{
	struct door *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->rules = rules;
	door_set_conf(d, conf);
	d->handler = handler;
	d->counters = counters;
	d->log = log;
	due_init(&d->due);
	list_init(&d->guests);
	return d;
}

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The guest is no longer ours; its socket is somebody's or closed. */
static void
forget(struct guest *g)
{
	list_remove(&g->link);
	due_set(&g->door->due, &g->due, MS_NEVER);
	if (g->has_poll) {
		uv_poll_stop(&g->poll);
		uv_close((uv_handle_t *) &g->poll, on_poll_closed);
	} else {
		free(g);
	}
}

static void
show_out(struct guest *g)
{
	int fd = g->fd;

	forget(g);
	close(fd);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void
wait_for_more(struct guest *g)
{
	if (!g->has_poll) {
		must(uv_poll_init(g->door->loop, &g->poll, g->fd) == 0);
		g->poll.data = g;
		g->has_poll = true;
	}
	uv_poll_start(&g->poll, UV_READABLE | UV_DISCONNECT, on_poll);
}

/* Nothing more goes out; what comes in is dropped until the client closes, or too much time has passed. */
static void
say_goodbye(struct guest *g)
{
	shutdown(g->fd, SHUT_WR);
	g->state = GUEST_REFUSED;
	due_set(&g->door->due, &g->due, (ms_t) uv_now(g->door->loop) + LINGER_MS);
	wait_for_more(g);
}

/*
 * Closing with unread bytes would send a reset that may overtake the answer:
 * so the head is taken in, and what follows is dropped until the client closes.
 */
static void
refuse(struct guest *g, const struct upgrade *u, size_t n)
{
	struct door *d = g->door;
	struct buf answer;

	counter_add(d->counters->http_refused, 1);
	log_event(d->log, LOG_NOTICE, "upgrade refused", "client=%s status=%u reason=\"%s\"", g->peer.text,
		upgrade_status(u), u->reason);
	(void) recv(g->fd, d->peek, n, 0);
	buf_init(&answer, BUF_UNLIMITED);
	upgrade_refusal(&answer, u, slice_str(d->lines));
	(void) send(g->fd, buf_slice(&answer).p, answer.n, MSG_NOSIGNAL);
	buf_fini(&answer);
	say_goodbye(g);
}

static void
set_low_water(int fd, size_t n)
{
	int bytes = (int) n;

	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static void
hand_to_http(struct guest *g, size_t n_head)
{
	const struct door_handler *handler = g->door->handler;
	struct peer peer = g->peer;
	int fd = g->fd;

	if (g->has_poll)
		set_low_water(fd, 1);
	forget(g);
	handler->http(handler->arg, fd, n_head, &peer);
}

/* What was peeked at is there to be read; frames behind it stay where they are. */
static void
hand_to_websocket(struct guest *g, const struct upgrade *u)
{
	const struct door_handler *handler = g->door->handler;
	struct upgrade_head head = u->head;
	struct peer peer = g->peer;
	int fd = g->fd;

	if (recv(fd, g->door->peek, u->n, 0) != (ssize_t) u->n) {
		show_out(g);
		return;
	}
	if (g->has_poll)
		set_low_water(fd, 1);
	forget(g);
	handler->websocket(handler->arg, fd, &head, &peer);
}

/* 0: its end has not come. */
static size_t
head_length(struct slice bytes)
{
	const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);

	return end != NULL ? (size_t) (end - bytes.p) + 4 : 0;
}

/* Looks at what there is. */
static void
judge(struct guest *g)
{
	struct door *d = g->door;
	struct upgrade u;
	ssize_t n = recv(g->fd, d->peek, sizeof d->peek, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_for_more(g);
		return;
	}
	if (n <= 0) {
		show_out(g);
		return;
	}
	switch (upgrade_look(&u, d->rules, slice_of(d->peek, (size_t) n))) {
	case UPGRADE_MORE:
		if (g->has_left) {
			show_out(g);
			return;
		}
		/* Not to be woken again for what we have seen. */
		set_low_water(g->fd, (size_t) n + 1);
		wait_for_more(g);
		return;
	case UPGRADE_HTTP:
		hand_to_http(g, head_length(slice_of(d->peek, (size_t) n)));
		return;
	case UPGRADE_WEBSOCKET:
		hand_to_websocket(g, &u);
		return;
	case UPGRADE_REFUSED:
		refuse(g, &u, (size_t) n);
		return;
	case UPGRADE_GARBAGE:
		counter_add(d->counters->http_refused, 1);
		log_event(d->log, LOG_INFO, "not HTTP", "client=%s", g->peer.text);
		show_out(g);
		return;
	}
}

static void
drop(struct guest *g)
{
	char bytes[DROP_BYTES];
	ssize_t n = recv(g->fd, bytes, sizeof bytes, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		show_out(g);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct guest *g = poll->data;

	/* The end makes the socket readable for good, however much we ask to be there. */
	g->has_left = g->has_left || (events & UV_DISCONNECT) != 0;
	if (status < 0)
		show_out(g);
	else if (g->state == GUEST_REFUSED)
		drop(g);
	else
		judge(g);
}

void
door_set_conf(struct door *d, const struct conf *conf)
{
	d->header_timeout = conf->limits.header_timeout;
	d->lines = conf->response_lines;
}

static struct guest *
guest_new(struct door *d, int fd)
{
	struct guest *g = xcalloc(1, sizeof *g);

	g->door = d;
	g->fd = fd;
	list_append(&d->guests, &g->link);
	return g;
}

void
door_linger(struct door *d, int fd)
{
	say_goodbye(guest_new(d, fd));
}

void
door_enter(struct door *d, int fd, const struct peer *peer)
{
	struct guest *g = guest_new(d, fd);

	counter_add(d->counters->connections, 1);
	g->peer = *peer;
	if (d->header_timeout > 0)
		due_set(&d->due, &g->due, (ms_t) uv_now(d->loop) + d->header_timeout);
	judge(g);
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
		if (g->state == GUEST_UNKNOWN)
			log_event(d->log, LOG_INFO, "no request in time", "client=%s", g->peer.text);
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
	due_fini(&d->due);
	free(d);
}
