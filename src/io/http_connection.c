#include "io/http_connection.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/wipe.h"
#include "io/tcp_info.h"

#define MIN_SWEEP_MS 250

struct connection *
http_connection_new(struct http *h, int fd, const struct peer *peer, struct shard *shard)
{
	struct connection *c = xcalloc(1, sizeof *c);

	c->magic = CONNECTION_MAGIC;
	c->fd = fd;
	c->peer = *peer;
	c->shard = shard;
	pace_init(&c->pace, fd, h->context->log, (ms_t) uv_now(h->loop));
	list_init(&c->vanished);
	list_init(&c->all);
	fdmap_put(&h->arrivals, fd, c);
	shard->n_connections++;
	h->context->sockets->clients++;
	budget_move(&h->context->budget, &c->charged, pool_bytes(shard->pool));
	return c;
}

/* It stays with the connection: the kernel still has some of the answer. */
void
http_connection_pass(struct request *rq)
{
	struct connection *c = rq->connection;

	c->passage = xcalloc(1, sizeof *c->passage);
	c->passage->id = request_id(rq);
	memcpy(c->passage->tag, rq->tag, sizeof rq->tag);
	rq->is_moving = false;
}

void
http_connection_taken(struct http *h, struct connection *c)
{
	const struct http_handler *handler = h->handler;

	if (c->passage == NULL)
		return;
	handler->news(handler->arg, c->passage->id, c->passage->tag, (struct req_fate){.event = REQ_RESTS});
	wipe(c->passage, sizeof *c->passage);
	free(c->passage);
	c->passage = NULL;
}

static void
discard(struct connection *c)
{
	struct context *context = c->shard->http->context;

	c->shard->n_connections--;
	context->sockets->clients--;
	budget_move(&context->budget, &c->charged, 0);
	c->magic = 0;
	free(c->target);
	free(c);
}

void
http_connection_refused(struct http *h, struct connection *c)
{
	fdmap_take(&h->arrivals, c->fd);
	discard(c);
}

struct connection *
http_connection_start(struct http *h, int fd)
{
	struct connection *c = connection_from(fdmap_take(&h->arrivals, fd));

	list_append(&h->connections, &c->all);
	if (h->sweep_at == MS_NEVER)
		http_connections_plan(h, (ms_t) uv_now(h->loop));
	watch_add(h->watch, fd, c);
	/* The first request may be read before the watch has its say. */
	c->is_gone = watch_is_gone(fd);
	return c;
}

void
http_connection_end(struct http *h, struct connection *c)
{
	watch_remove(h->watch, c->fd);
	list_remove(&c->vanished);
	list_remove(&c->all);
	http_connection_taken(h, c);
	discard(c);
}

/* Only marks: the socket and its struct are the library's until it says so. */
void
http_connection_watched(void *arg, void *item, bool is_gone)
{
	struct http *h = arg;
	struct connection *c = connection_from(item);

	if (!is_gone) {
		pace_arrive(&c->pace, (ms_t) uv_now(h->loop));
		/* Mostly the request that is about to be read; behind one that is held, it would wait for its end. */
		if (pace_is_suspended(&c->pace) && list_is_empty(&c->vanished))
			list_append(&h->pipelined, &c->vanished);
		return;
	}
	if (c->is_gone && pace_is_suspended(&c->pace))
		return;
	c->is_gone = true;
	list_remove(&c->vanished);
	list_append(&h->vanished, &c->vanished);
}

void
http_connection_leave(struct http *h, struct connection *c)
{
	list_remove(&c->vanished);
	list_append(&h->leaving, &c->vanished);
}

/*
 * All has been read, but the library may be about to write: so it runs once
 * more, if it wants to.
 */
static bool
is_over(struct connection *c)
{
	bool was_read_out = c->is_read_out;

	c->is_read_out = pace_has_read_out(&c->pace);
	return c->is_read_out && (was_read_out || !c->shard->is_dirty);
}

void
http_connections_part(struct http *h)
{
	struct list *next;

	for (struct list *link = h->leaving.next; link != &h->leaving; link = next) {
		struct connection *c = list_entry(link, struct connection, vanished);
		next = link->next;
		if (is_over(c))
			/* The socket is the library's: it sees the end and closes it. */
			shutdown(c->fd, SHUT_RDWR);
		/* One that is being answered comes back when it is. */
		else if (pace_is_reading(&c->pace))
			continue;
		list_remove(&c->vanished);
	}
}

void
http_connections_plan(struct http *h, ms_t now)
{
	ms_t timeout = h->context->conf->limits.header_timeout;

	if (list_is_empty(&h->connections))
		h->sweep_at = MS_NEVER;
	else
		h->sweep_at = now + (timeout > 0 ? ms_min(ms_max(timeout / 2, MIN_SWEEP_MS), RATE_LOOK) : RATE_LOOK);
}

static const char too_slow[] = "The body of this request comes too slowly.";

/* The rest of the request is not waited for: it is answered, and what still comes is dropped. */
static void
give_up(struct request *rq)
{
	const struct http_handler *handler = rq->http->handler;
	struct http_request public = request_public(rq);

	rq->is_late = true;
	rq->refusal = 408;
	public.body = SLICE_NONE;
	pace_ask(&rq->connection->pace);
	handler->refuse(handler->arg, &public, rq->refusal, too_slow);
	buf_fini(&rq->body);
	charge(rq);
	if (rq->is_moving)
		tell(rq, (struct req_fate){.event = REQ_SLOW});
}

static void
log_late(const struct http *h, const struct connection *c, const char *what)
{
	log_event(h->context->log, LOG_INFO, what, "client=%s listener=%s", log_peer(h->context->log, &c->peer).text,
		log_string(listeners_of(h->context->listeners, &c->peer)->text).text);
}

/* How far is what it was given? */
static void
look_at_answer(struct http *h, struct connection *c, ms_t now)
{
	if (c->passage != NULL && tcp_info_bytes_unsent(c->fd) == 0)
		http_connection_taken(h, c);
	if (c->request == NULL)
		return;
	if (c->request->is_late) {
		/* It had the time until now to read why. */
		shutdown(c->fd, SHUT_RDWR);
	} else if (c->request->unsent > 0 && pace_is_stuck(&c->pace, h->context->conf->limits.download_rate, now)) {
		log_late(h, c, "answer taken too slowly");
		shutdown(c->fd, SHUT_RDWR);
	}
}

void
http_connections_expire(struct http *h, ms_t now)
{
	for (struct list *link = h->connections.next; link != &h->connections; link = link->next) {
		struct connection *c = list_entry(link, struct connection, all);
		look_at_answer(h, c, now);
		/* One that came in the same packet as the request it waits behind: no event told of it. */
		if (pace_is_pipelined(&c->pace) && list_is_empty(&c->vanished))
			list_append(&h->pipelined, &c->vanished);
		if (!pace_is_late(&c->pace, &h->context->conf->limits, now))
			continue;
		if (c->request != NULL) {
			give_up(c->request);
			continue;
		}
		log_late(h, c, "no request in time");
		c->pace.since = now;
		/* The socket is the library's: it sees the end and closes it. */
		shutdown(c->fd, SHUT_RDWR);
	}
}
