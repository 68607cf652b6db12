#include "io/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/fdmap.h"
#include "base/list.h"
#include "base/slots.h"
#include "io/late_upgrade.h"
#include "io/pace.h"
#include "io/pool.h"
#include "io/watch.h"
#include "proto/http/place.h"
#include "proto/http/smuggling.h"

/*
 * Resuming costs the library a walk over all requests it holds, so the
 * connections are spread over several daemons once there are many.
 */
#define MAX_SHARDS 16
#define SHARD_CONNECTIONS 1000

#define IDLE_SECONDS 120    /* of a kept connection; proxies and browsers give up before (75 s) */
#define MAX_DROPPED 1048576 /* bytes of a body too large that are read and dropped, so that the answer arrives */
#define KEEP_BODY 1024      /* room a waiting request may keep */
#define FIRST_ROOM 16384    /* made for a body before any of it has come */
#define MIN_SWEEP_MS 250

static const char ending[] = "culvert is shutting down.\n";
static const char no_room[] = "Too much is kept for others now: try again later.\n";
static const char no_descriptor[] = "Too many connections are open: try again later.\n";
static const char too_early[] = "A client waits for the answer to its upgrade before it says more (RFC 6455, 4.1).\n";
static const char too_large[] = "The body of this request is too large.\n";

#define CONNECTION_MAGIC 0x636f6e6eu

struct connection;

struct shard {
	struct http *http;
	struct MHD_Daemon *daemon;
	enum pool pool;
	uv_poll_t poll;
	unsigned n_connections;
	bool is_dirty;
};

/* How far it is, its connection knows: it is the one being served there. */
struct request {
	struct http *http;
	struct connection *connection;
	struct MHD_Connection *library;
	uint32_t slot;
	uint64_t use;
	unsigned refusal; /* a status when the body is not kept, but read and dropped; 0: it is kept */
	size_t dropped;
	size_t charged; /* to the budget */
	size_t unsent;  /* of a large answer */
	struct buf body;
	unsigned status;
	struct MHD_Response *response;
	struct list due; /* in http->to_resume */
	char tag[HTTP_TAG];
};

/* Ours for each of the library's; made before it is, found by its socket. */
struct connection {
	uint32_t magic;
	struct shard *shard;
	int fd;
	struct peer peer;
	struct request *request; /* the one being served */
	struct pace pace;
	bool is_gone;
	struct list vanished; /* in http->vanished or http->pipelined */
	struct list all;      /* in http->connections, for the sweep */
};

struct http {
	uv_loop_t *loop;
	struct context *context;
	const struct http_handler *handler;
	struct watch *watch;
	uv_timer_t timer;
	ms_t sweep_at;
	struct list connections;
	struct shard shard[MAX_SHARDS + POOLS]; /* there is always room for the first of a kind */
	unsigned n_shards, n_open;              /* open: handles that must be closed before the memory goes */
	bool is_ending;                         /* what comes now is refused */
	bool is_closing;

	struct slots requests;
	struct fdmap arrivals; /* connections the library has not told of yet */
	struct list to_resume, vanished, pipelined, upgrades;
};

static struct connection *
connection_from(void *p)
{
	struct connection *c = p;

	must(c != NULL && c->magic == CONNECTION_MAGIC);
	return c;
}

/* Larger ones get 413. */
static size_t
max_body(const struct http *h)
{
	return h->context->conf->bosh.max_body;
}

/* ---- requests ---- */

/* What is kept of the body has changed. */
static void
charge(struct request *rq)
{
	budget_move(&rq->http->context->budget, &rq->charged, rq->body.n);
}

static struct request *
request_new(struct http *h, struct connection *c, struct MHD_Connection *library)
{
	struct request *rq = xcalloc(1, sizeof *rq);

	rq->http = h;
	rq->connection = c;
	rq->library = library;
	rq->slot = slots_add(&h->requests, rq, &rq->use);
	buf_init(&rq->body, max_body(h));
	list_init(&rq->due);
	c->request = rq;
	return rq;
}

static void
request_free(struct request *rq)
{
	struct http *h = rq->http;

	slots_remove(&h->requests, rq->slot);
	list_remove(&rq->due);
	buf_fini(&rq->body);
	charge(rq);
	if (rq->response != NULL)
		MHD_destroy_response(rq->response);
	free(rq);
}

static struct req_id
request_id(const struct request *rq)
{
	return (struct req_id){rq->http->context->self, rq->slot, rq->use};
}

static void
tell(struct request *rq, struct req_fate fate)
{
	const struct http_handler *handler = rq->http->handler;

	handler->news(handler->arg, request_id(rq), rq->tag, fate);
}

static void
answer(struct request *rq, struct MHD_Response *response, unsigned status, const struct http_field *fields,
	size_t n_fields)
{
	const struct conf *conf = rq->http->context->conf;

	must(response != NULL);
	for (size_t i = 0; i < n_fields; i++)
		MHD_add_response_header(response, fields[i].name, fields[i].value);
	for (size_t i = 0; i < conf->n_response_header; i++)
		MHD_add_response_header(response, conf->response_header[i].name, conf->response_header[i].value);
	rq->response = response;
	rq->status = status;
	if (pace_answer(&rq->connection->pace))
		list_append(&rq->http->to_resume, &rq->due);
}

/* The request, if it still waits for its answer. */
static struct request *
find_waiting(const struct http *h, struct req_id id)
{
	struct request *rq = slots_find(&h->requests, id.slot, id.use);

	return rq != NULL && pace_is_unanswered(&rq->connection->pace) ? rq : NULL;
}

unsigned
http_waiting(const struct http *h)
{
	const struct request *rq;
	uint32_t i = 0;
	unsigned n = 0;

	while ((rq = slots_next(&h->requests, &i)) != NULL)
		n += pace_is_unanswered(&rq->connection->pace);
	return n;
}

bool
http_held(struct http *h, struct req_id id, struct http_request *rq)
{
	struct request *held = find_waiting(h, id);

	if (held == NULL)
		return false;
	*rq = (struct http_request){.id = id, .library = held->library, .tag = held->tag};
	return true;
}

void
http_reply(struct http *h, struct req_id id, unsigned status, const struct http_field *fields, size_t n_fields,
	struct slice body)
{
	struct request *rq = find_waiting(h, id);

	if (rq == NULL)
		return;
	answer(rq,
		MHD_create_response_from_buffer(
			body.n, (void *) (uintptr_t) (body.n > 0 ? body.p : ""), MHD_RESPMEM_MUST_COPY),
		status, fields, n_fields);
	if (body.n >= HTTP_LARGE) {
		rq->unsent = body.n;
		tell(rq, (struct req_fate){REQ_UNSENT, (int64_t) body.n});
	}
}

/* The library gives the file to the kernel to send, a piece at a time. */
void
http_reply_file(struct http *h, struct req_id id, unsigned status, const struct http_field *fields, size_t n_fields,
	int fd, uint64_t size)
{
	struct request *rq = find_waiting(h, id);

	if (rq == NULL || size == 0) {
		close(fd);
		http_reply(h, id, status, fields, n_fields, SLICE(""));
		return;
	}
	answer(rq, MHD_create_response_from_fd64(size, fd), status, fields, n_fields);
}

void
http_cut(struct http *h, struct req_id id)
{
	struct request *rq = slots_find(&h->requests, id.slot, id.use);

	if (rq != NULL && rq->unsent > 0) {
		/* The socket is the library's: it sees the end and closes it. */
		shutdown(rq->connection->fd, SHUT_RDWR);
		return;
	}
	if (rq == NULL || !pace_is_unanswered(&rq->connection->pace))
		return;
	rq->connection->is_gone = true; /* the library is told so when it comes back to it */
	if (pace_answer(&rq->connection->pace))
		list_append(&h->to_resume, &rq->due);
}

/* ---- upgrades that come late ---- */

static void
hand_over_upgrades(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->upgrades)) != NULL) {
		struct late_upgrade *late = list_entry(link, struct late_upgrade, link);
		h->handler->upgraded(h->handler->arg, late->fd, &late->head, &late->peer);
		late->fd = -1;
		late_upgrade_free(late);
	}
}

/* ---- the library's callbacks ---- */

static enum MHD_Result
queue_response(struct request *rq)
{
	enum MHD_Result result = MHD_queue_response(rq->library, rq->status, rq->response);

	MHD_destroy_response(rq->response);
	rq->response = NULL;
	return result;
}

static struct http_request
describe(struct request *rq, const char *url, const char *method, const char *version)
{
	return (struct http_request){
		.id = request_id(rq),
		.method = slice_str(method),
		.path = place_path(slice_str(url)),
		.version = slice_str(version),
		.body = buf_slice(&rq->body),
		.peer = &rq->connection->peer,
		.has_left = rq->connection->is_gone,
		.library = rq->library,
		.tag = rq->tag,
	};
}

/* A refusal that nobody but the library's connection is told of: it closes after it. */
static enum MHD_Result
refuse(struct request *rq, const struct http_request *public, unsigned status, const char *text)
{
	const struct http_handler *handler = rq->http->handler;

	pace_ask(&rq->connection->pace);
	handler->refuse(handler->arg, public, status, text);
	must(rq->response != NULL);
	return queue_response(rq);
}

/*
 * An upgrade on a connection that is past the door.  What the client has said
 * behind the head would be lost with the library's buffer, but it has to wait
 * for the answer (RFC 6455, 4.1).
 */
static enum MHD_Result
take_upgrade(struct request *rq, const struct http_request *public, const struct upgrade_head *head)
{
	struct late_upgrade *late;

	if (rq->http->is_ending)
		return refuse(rq, public, 503, ending);
	if (pace_has_read_on(&rq->connection->pace))
		return refuse(rq, public, 400, too_early);
	late = late_upgrade_new(rq->connection->fd, head, &rq->connection->peer);
	if (late == NULL)
		return refuse(rq, public, 503, no_descriptor);
	pace_take(&rq->connection->pace);
	list_append(&rq->http->upgrades, &late->link);
	return MHD_NO;
}

/* True: it is an upgrade, and *result what the library is to be told. */
static bool
judge_upgrade(struct request *rq, const struct http_request *public, enum MHD_Result *result)
{
	const struct http_handler *handler = rq->http->handler;
	struct upgrade_head head;

	pace_ask(&rq->connection->pace);
	switch (handler->upgrade(handler->arg, public, &head)) {
	case UPGRADE_WEBSOCKET:
		*result = take_upgrade(rq, public, &head);
		return true;
	case UPGRADE_REFUSED:
		must(rq->response != NULL);
		*result = queue_response(rq);
		return true;
	default:
		pace_read_on(&rq->connection->pace);
		return false;
	}
}

/* The head is there.  What is wrong with it is answered before a body is read. */
static enum MHD_Result
begin(struct http *h, struct MHD_Connection *library, const char *url, const char *method, const char *version,
	void **request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *rq = request_new(h, connection_from(info->socket_context), library);
	struct http_request public;
	struct smuggling framing;
	bool is_http_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
	enum MHD_Result result;
	uint64_t bytes;

	*request = rq;
	public = describe(rq, url, method, version);
	framing = http_fields_smuggling(library, &bytes);
	pace_head(&rq->connection->pace, bytes, framing.transfer_encodings > 0, (ms_t) uv_now(h->loop));
	if (strcmp(method, "GET") == 0 && judge_upgrade(rq, &public, &result))
		return result;
	if (smuggling_is_odd(&framing, is_http_1_1))
		return refuse(rq, &public, 400, "The length of this request, or its Host, is not clear.\n");
	/* A body that is only a bit too large is read and dropped: who writes first and reads later sees the answer too. */
	if (framing.length > max_body(h))
		rq->refusal = 413;
	if (framing.length > max_body(h) + MAX_DROPPED ||
		(rq->refusal != 0 && slice_is_set(http_header(&public, "expect"))))
		return refuse(rq, &public, 413, too_large);
	if (framing.length > 0 && rq->refusal == 0)
		buf_reserve(&rq->body, framing.length < FIRST_ROOM ? (size_t) framing.length : FIRST_ROOM);
	return MHD_YES;
}

static enum MHD_Result
read_body(struct request *rq, const char *data, size_t *n)
{
	if (rq->refusal == 0 && buf_append(&rq->body, slice_of(data, *n)) != 0)
		rq->refusal = 413;
	else if (rq->refusal == 0 && rq->body.n > BUDGET_SHORT && budget_is_spent(&rq->http->context->budget))
		rq->refusal = 503;
	if (rq->refusal != 0)
		buf_fini(&rq->body);
	charge(rq);
	if (rq->refusal != 0) {
		rq->dropped += *n;
		if (rq->dropped > max_body(rq->http) + MAX_DROPPED)
			return MHD_NO;
	}
	rq->connection->pace.consumed += *n;
	*n = 0;
	return MHD_YES;
}

static enum MHD_Result
on_access(void *arg, struct MHD_Connection *library, const char *url, const char *method, const char *version,
	const char *data, size_t *n_data, void **request)
{
	struct http *h = arg;
	struct request *rq = *request;
	struct http_request public;
	struct pace *pace;

	if (rq == NULL)
		return begin(h, library, url, method, version, request);
	if (*n_data > 0)
		return read_body(rq, data, n_data);
	pace = &rq->connection->pace;
	if (pace->stage == PACE_BODY) {
		pace_ask(pace);
		public = describe(rq, url, method, version);
		if (rq->refusal != 0)
			return refuse(rq, &public, rq->refusal, rq->refusal == 413 ? too_large : no_room);
		if (h->is_ending)
			return refuse(rq, &public, 503, ending);
		h->handler->request(h->handler->arg, &public);
		buf_clear(&rq->body, KEEP_BODY);
		charge(rq);
	}
	if (rq->response != NULL)
		return queue_response(rq);
	/* What a client said before it left counts; on_completed() tells that it does not wait for the answer. */
	if (rq->connection->is_gone)
		return MHD_NO;
	MHD_suspend_connection(library);
	pace_hold(pace);
	return MHD_YES;
}

static void
on_completed(void *arg, struct MHD_Connection *library, void **request, enum MHD_RequestTerminationCode code)
{
	struct request *rq = *request;

	(void) arg;
	(void) library;
	(void) code;
	if (rq == NULL)
		return;
	*request = NULL;
	rq->connection->request = NULL;
	if (rq->unsent > 0)
		tell(rq, (struct req_fate){REQ_UNSENT, -(int64_t) rq->unsent});
	if (pace_is_unanswered(&rq->connection->pace))
		tell(rq, (struct req_fate){.event = REQ_GONE});
	pace_next(&rq->connection->pace);
	request_free(rq);
}

/* Looks at all connections from time to time, while there are any and their time is limited. */
static void
plan_sweep(struct http *h, ms_t now)
{
	ms_t timeout = h->context->conf->limits.header_timeout;

	if (timeout == 0 || list_is_empty(&h->connections))
		h->sweep_at = MS_NEVER;
	else
		h->sweep_at = now + ms_max(timeout / 2, MIN_SWEEP_MS);
}

static void
on_connection(void *arg, struct MHD_Connection *library, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct http *h = arg;
	struct connection *c;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		fd = MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c = connection_from(fdmap_take(&h->arrivals, fd));
		*context = c;
		list_append(&h->connections, &c->all);
		if (h->sweep_at == MS_NEVER)
			plan_sweep(h, (ms_t) uv_now(h->loop));
		watch_add(h->watch, fd, c);
		return;
	}
	c = connection_from(*context);
	watch_remove(h->watch, c->fd);
	list_remove(&c->vanished);
	list_remove(&c->all);
	c->shard->n_connections--;
	c->magic = 0;
	free(c);
}

/* ---- the loop ---- */

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct shard *s = poll->data;

	(void) status;
	(void) events;
	s->is_dirty = true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct http *h = timer->data;

	for (unsigned i = 0; i < h->n_shards; i++)
		h->shard[i].is_dirty = true;
}

/* Only marks: the socket and its struct are the library's until it says so. */
static void
on_watched(void *arg, void *item, bool is_gone)
{
	struct http *h = arg;
	struct connection *c = connection_from(item);

	if (!is_gone) {
		/* Mostly the request that is about to be read; behind one that is held, it would wait for its end. */
		if (pace_is_suspended(&c->pace) && list_is_empty(&c->vanished))
			list_append(&h->pipelined, &c->vanished);
		return;
	}
	if (c->is_gone)
		return;
	c->is_gone = true;
	list_remove(&c->vanished);
	list_append(&h->vanished, &c->vanished);
}

ms_t
http_deadline(const struct http *h)
{
	return h->sweep_at;
}

void
http_expire(struct http *h, ms_t now)
{
	if (now < h->sweep_at)
		return;
	for (struct list *link = h->connections.next; link != &h->connections; link = link->next) {
		struct connection *c = list_entry(link, struct connection, all);
		/* One that came in the same packet as the request it waits behind: no event told of it. */
		if (pace_is_pipelined(&c->pace) && list_is_empty(&c->vanished))
			list_append(&h->pipelined, &c->vanished);
		if (!pace_is_late(&c->pace, h->context->conf->limits.header_timeout, now))
			continue;
		log_event(h->context->log, LOG_INFO, "no request in time", "client=%s listener=%s", c->peer.text,
			listeners_of(h->context->listeners, &c->peer)->text);
		c->pace.since = now;
		/* The socket is the library's: it sees the end and closes it. */
		shutdown(c->fd, SHUT_RDWR);
	}
	plan_sweep(h, now);
}

void
http_reload(struct http *h)
{
	plan_sweep(h, (ms_t) uv_now(h->loop));
}

/* Paths are compared as they are written: the library's unescaping would make different ones equal, and cut at %00. */
static size_t
keep_escaped(void *arg, struct MHD_Connection *library, char *text)
{
	(void) arg;
	(void) library;
	return strlen(text);
}

/* False when the library, or the loop, has no descriptors left for another daemon. */
static bool
open_shard(struct http *h, enum pool pool)
{
	struct shard *s = &h->shard[h->n_shards];
	const union MHD_DaemonInfo *info;

	*s = (struct shard){.http = h, .pool = pool};
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL,
		on_access, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		h, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes(pool), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned) IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT, (unsigned) 1 << 30, MHD_OPTION_STRICT_FOR_CLIENT,
		1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_END);
	if (s->daemon == NULL)
		return false;
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	must(info != NULL);
	must(uv_poll_init(h->loop, &s->poll, info->epoll_fd) == 0);
	s->poll.data = s;
	must(uv_poll_start(&s->poll, UV_READABLE, on_readable) == 0);
	h->n_shards++;
	h->n_open++;
	return true;
}

struct http *
http_new(uv_loop_t *loop, struct context *context, const struct http_handler *handler)
{
	struct http *h = xcalloc(1, sizeof *h);

	h->loop = loop;
	h->context = context;
	h->handler = handler;
	list_init(&h->to_resume);
	list_init(&h->vanished);
	list_init(&h->pipelined);
	list_init(&h->upgrades);
	list_init(&h->connections);
	h->watch = watch_new(loop, on_watched, h);
	must(uv_timer_init(loop, &h->timer) == 0);
	h->timer.data = h;
	h->sweep_at = MS_NEVER;
	h->n_open = 1;
	must(open_shard(h, POOL_USUAL));
	return h;
}

static struct shard *
choose_shard(struct http *h, enum pool pool)
{
	struct shard *best = NULL;

	for (unsigned i = 0; i < h->n_shards; i++)
		if (h->shard[i].pool == pool && (best == NULL || h->shard[i].n_connections < best->n_connections))
			best = &h->shard[i];
	if (best != NULL && (best->n_connections < SHARD_CONNECTIONS || h->n_shards >= MAX_SHARDS))
		return best;
	if (open_shard(h, pool))
		return &h->shard[h->n_shards - 1];
	/* A crowded one, or the usual one, serves as well when there is nothing to make another of. */
	return best != NULL ? best : &h->shard[0];
}

void
http_adopt(struct http *h, int fd, size_t n_head, const struct peer *peer)
{
	struct connection *c;

	if (h->is_closing) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof *c);
	c->magic = CONNECTION_MAGIC;
	c->fd = fd;
	c->peer = *peer;
	c->shard = choose_shard(h, pool_choose(n_head, conf_is_trusted(h->context->conf, peer)));
	pace_init(&c->pace, fd, h->context->log, (ms_t) uv_now(h->loop));
	list_init(&c->vanished);
	list_init(&c->all);
	fdmap_put(&h->arrivals, fd, c);
	c->shard->n_connections++;
	c->shard->is_dirty = true;
	if (MHD_add_connection(c->shard->daemon, fd, NULL, 0) != MHD_YES) {
		log_event(h->context->log, LOG_WARNING, "connection not served",
			"client=%s reason=\"no room in the HTTP library\"", peer->text);
		c->shard->n_connections--;
		fdmap_take(&h->arrivals, fd);
		c->magic = 0;
		free(c);
	}
}

/*
 * A held request whose client left: its handler learns it, the library closes
 * the connection.  What the client said behind it, its last words, is read
 * first, and for that the library wants to see the held one answered.
 */
void
http_tell_gone(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->vanished)) != NULL) {
		struct connection *c = list_entry(link, struct connection, vanished);
		struct request *rq = c->request;
		if (!pace_is_suspended(&c->pace))
			continue;
		list_remove(&rq->due);
		list_append(&h->to_resume, &rq->due);
		if (pace_is_unanswered(&c->pace)) {
			if (pace_is_pipelined(&c->pace)) {
				rq->status = MHD_HTTP_OK;
				rq->response = MHD_create_response_from_buffer(0, (void *) "", MHD_RESPMEM_PERSISTENT);
			}
			pace_answer(&c->pace);
			tell(rq, (struct req_fate){.event = REQ_GONE});
		}
	}
}

static void
hurry(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->pipelined)) != NULL) {
		struct connection *c = list_entry(link, struct connection, vanished);
		if (pace_is_pipelined(&c->pace))
			tell(c->request, (struct req_fate){.event = REQ_HURRY});
	}
}

static void
resume(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->to_resume)) != NULL) {
		struct request *rq = list_entry(link, struct request, due);
		pace_run(&rq->connection->pace);
		rq->connection->shard->is_dirty = true;
		MHD_resume_connection(rq->library);
	}
}

bool
http_run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG timeout, first = UINT64_MAX;

	if (h->is_closing)
		return false;
	http_tell_gone(h);
	hurry(h);
	resume(h);
	for (unsigned i = 0; i < h->n_shards; i++) {
		struct shard *s = &h->shard[i];
		if (!s->is_dirty)
			continue;
		s->is_dirty = false;
		MHD_run(s->daemon);
		if (MHD_get_timeout(s->daemon, &timeout) != MHD_YES)
			continue;
		if (timeout == 0)
			s->is_dirty = true;
		else if (timeout < first)
			first = timeout;
	}
	hand_over_upgrades(h);
	if (first != UINT64_MAX && !uv_is_active((uv_handle_t *) &h->timer))
		uv_timer_start(&h->timer, on_timer, first, 0);
	for (unsigned i = 0; i < h->n_shards; i++)
		if (h->shard[i].is_dirty)
			return true;
	return !list_is_empty(&h->to_resume) || !list_is_empty(&h->vanished);
}

static void
on_closed(uv_handle_t *handle)
{
	struct http *h = handle->type == UV_TIMER ? handle->data : ((struct shard *) handle->data)->http;

	if (--h->n_open > 0)
		return;
	for (unsigned i = 0; i < h->n_shards; i++)
		MHD_stop_daemon(h->shard[i].daemon);
	watch_close(h->watch);
	slots_fini(&h->requests);
	fdmap_fini(&h->arrivals, NULL);
	free(h);
}

void
http_close(struct http *h)
{
	struct http_field field = {"Connection", "close"};
	struct request *rq;
	uint32_t slot = 0;

	if (h == NULL)
		return;
	h->is_ending = true;
	/* The library aborts when a daemon stops while it holds a request. */
	while ((rq = slots_next(&h->requests, &slot)) != NULL)
		http_reply(h, request_id(rq), 503, &field, 1, SLICE(""));
	for (int i = 0; i < 16 && http_run(h); i++)
		;
	h->is_closing = true;
	for (unsigned i = 0; i < h->n_shards; i++)
		uv_close((uv_handle_t *) &h->shard[i].poll, on_closed);
	uv_close((uv_handle_t *) &h->timer, on_closed);
}
