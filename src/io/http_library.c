#include "io/http_library.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "base/wipe.h"
#include "io/http_connection.h"
#include "io/late_upgrade.h"
#include "io/refusal.h"
#include "io/tcp_info.h"
#include "proto/http/smuggling.h"

#define IDLE_SECONDS 120    /* of a kept connection; proxies and browsers give up before (75 s) */
#define MAX_DROPPED 1048576 /* bytes of a body too large that are read and dropped, so that the answer arrives */
#define KEEP_BODY 1024      /* room a waiting request may keep */
#define FIRST_ROOM 16384    /* made for a body before any of it has come */
#define WHOSE_BYTES 8192    /* of a body, in which it should have said whose request it is */

static const char ending[] = "culvert is shutting down.";
static const char blank[] = "The request line has a blank too many.";
static const char hidden[] = "A line of the head goes on in a second one, or there is a NUL in it.";
static const char no_room[] = "culvert is short of memory for other clients now: try again later.";
static const char no_descriptor[] = "Too many connections are open: try again later.";
static const char not_read[] = "The HTTP library cannot read it.";
static const char too_early[] = "Wait for the answer to an upgrade before you send anything else (RFC 6455, 4.1).";
static const char too_large[] = "The body of this request is too large.";

/* Larger ones get 413. */
static size_t
max_body(const struct http *h)
{
	return h->context->conf->bosh.max_body;
}

static struct request *
request_new(struct http *h, struct connection *c, struct MHD_Connection *library)
{
	struct request *rq = xcalloc(1, sizeof *rq);

	rq->http = h;
	rq->connection = c;
	rq->library = library;
	rq->slot = slots_add(&h->requests, rq, &rq->use);
	buf_init_secret(&rq->body, max_body(h));
	list_init(&rq->due);
	list_init(&rq->untold);
	c->request = rq;
	return rq;
}

static void
request_free(struct request *rq)
{
	struct http *h = rq->http;

	slots_remove(&h->requests, rq->slot);
	list_remove(&rq->due);
	list_remove(&rq->untold);
	buf_fini(&rq->body);
	wipe(rq->tag, sizeof rq->tag);
	rq->answer = 0;
	charge(rq);
	if (rq->response != NULL)
		MHD_destroy_response(rq->response);
	free(rq);
}

static enum MHD_Result
queue_response(struct request *rq)
{
	enum MHD_Result result = MHD_queue_response(rq->library, rq->status, rq->response);

	MHD_destroy_response(rq->response);
	rq->response = NULL;
	return result;
}

/* A refusal that nobody but the library's connection is told of: it closes after it. */
static enum MHD_Result
refuse(struct request *rq, const struct http_request *public, unsigned status, const char *reason)
{
	const struct http_handler *handler = rq->http->handler;

	pace_ask(&rq->connection->pace);
	handler->refuse(handler->arg, public, status, reason);
	must(rq->response != NULL);
	return queue_response(rq);
}

/*
 * An upgrade on a connection that is past the door.  What the client has said
 * behind the head would be lost with the library's buffer, but it has to wait
 * for the answer (RFC 6455, 4.1).
 */
static enum MHD_Result
take_upgrade(struct request *rq, const struct http_request *public, const struct upgrade_head *head,
	const struct peer *client)
{
	struct late_upgrade *late;

	if (rq->http->state != HTTP_OPEN)
		return refuse(rq, public, 503, ending);
	if (rq->has_more)
		return refuse(rq, public, 400, too_early);
	late = late_upgrade_new(rq->connection->fd, head, client);
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
	struct peer client;

	pace_ask(&rq->connection->pace);
	switch (handler->upgrade(handler->arg, public, &head, &client)) {
	case UPGRADE_WEBSOCKET:
		*result = take_upgrade(rq, public, &head, &client);
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

static void
set_response(struct request *rq, struct MHD_Response *response)
{
	if (rq->response != NULL)
		MHD_destroy_response(rq->response);
	rq->response = response;
}

/* To read on, the library wants to see this one answered. */
void
http_library_dismiss(struct request *rq)
{
	struct pace *pace = &rq->connection->pace;

	set_response(rq, NULL);
	if (pace_is_pipelined(pace)) {
		rq->status = MHD_HTTP_OK;
		set_response(rq, MHD_create_response_from_buffer(0, (void *) "", MHD_RESPMEM_PERSISTENT));
	}
	if (pace_is_unanswered(pace))
		pace_answer(pace);
	tell(rq, (struct req_fate){.event = REQ_GONE});
}

static struct connection *
connection_of(struct MHD_Connection *library)
{
	return connection_from(MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
}

/*
 * Might another reader see another head?  The first one of a connection the
 * door has seen whole: nothing is hidden in it, and when it looks as if there
 * were, the library keeps heads in a way of its own, and can only be believed.
 */
static const char *
find_doubt(const struct connection *c, const struct http_head *head, bool needs_host)
{
	struct http *h = c->shard->http;
	const char *reason = smuggling_reason(&head->framing, needs_host);

	if (c->pace.consumed == 0 && head->has_gap)
		h->is_foreign = true;
	if (c->has_blank)
		return blank;
	if (head->has_gap && !h->is_foreign)
		return hidden;
	return reason != NULL ? reason : head->framing.unread;
}

/* The head is there.  What is wrong with it is answered before a body is read. */
static enum MHD_Result
begin(struct http *h, struct MHD_Connection *library, const char *url, const char *method, const char *version,
	void **request)
{
	struct request *rq = request_new(h, connection_of(library), library);
	struct http_request public;
	struct http_head head = http_fields_head(library, method, url, version);
	const struct smuggling *framing = &head.framing;
	const char *reason = find_doubt(rq->connection, &head, strcmp(version, MHD_HTTP_VERSION_1_0) != 0);
	enum MHD_Result result;

	*request = rq;
	rq->url = url;
	rq->method = method;
	rq->version = version;
	rq->length = framing->length;
	http_connection_taken(h, rq->connection);
	public = request_public(rq);
	pace_head(&rq->connection->pace, head.bytes, framing->transfer_encodings > 0, (ms_t) uv_now(h->loop));
	/* Where chunks end others may see otherwise (DIFFERENCES.md): what is behind them is nobody's next request. */
	rq->is_last = framing->transfer_encodings > 0;
	rq->has_more = head.has_more && !h->is_foreign;
	if (reason != NULL)
		return refuse(rq, &public, 400, reason);
	if (strcmp(method, "GET") == 0 && judge_upgrade(rq, &public, &result))
		return result;
	/* A body that is only a bit too large is read and dropped: who writes first and reads later sees the answer too. */
	if (framing->length > max_body(h))
		rq->refusal = 413;
	if (framing->length > max_body(h) + MAX_DROPPED ||
		(rq->refusal != 0 && slice_is_set(http_header(&public, "expect"))))
		return refuse(rq, &public, 413, too_large);
	if (framing->length > 0 && rq->refusal == 0 && !budget_refuses(&h->context->budget, FIRST_ROOM)) {
		buf_reserve(&rq->body, framing->length < FIRST_ROOM ? (size_t) framing->length : FIRST_ROOM);
		charge(rq);
	}
	return MHD_YES;
}

/* Keeps more of the body, or finds why not. */
static void
keep_body(struct request *rq, struct slice more)
{
	const struct context *c = rq->http->context;

	if (buf_append(&rq->body, more) != 0)
		rq->refusal = 413;
	charge(rq);
	if (rq->refusal == 0 && budget_refuses(&c->budget, rq->charged)) {
		rq->refusal = 503;
		log_event(c->log, LOG_NOTICE, "no room", "client=%s for=body bytes=%zu cause=limits.buffer_total",
			log_peer(c->log, &rq->connection->peer).text, rq->charged);
	}
	if (rq->refusal != 0) {
		buf_fini(&rq->body);
		charge(rq);
	}
}

/* A part of the body is there: whose is it?  They are not idle while it comes. */
static void
look_whose(struct request *rq)
{
	const struct http_handler *handler = rq->http->handler;
	struct http_request public;

	if (rq->tag[0] != '\0' || rq->refusal != 0 || rq->body.n == rq->length || rq->body.n > WHOSE_BYTES)
		return;
	public = request_public(rq);
	handler->begun(handler->arg, &public);
	if (rq->tag[0] != '\0')
		tell_moving(rq, true);
}

/* What is taken over is the library's own memory, at which it does not look again before it reads on. */
static enum MHD_Result
read_body(struct request *rq, const char *data, size_t *n)
{
	if (rq->refusal == 0)
		keep_body(rq, slice_of(data, *n));
	if (rq->refusal != 0) {
		rq->dropped += *n;
		if (rq->dropped > max_body(rq->http) + MAX_DROPPED)
			return MHD_NO;
	}
	rq->connection->pace.consumed += *n;
	look_whose(rq);
	wipe((void *) (uintptr_t) data, *n);
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
	if (rq->is_late)
		return MHD_NO;
	pace = &rq->connection->pace;
	if (pace->stage == PACE_BODY) {
		pace_ask(pace);
		public = request_public(rq);
		if (rq->refusal != 0)
			return refuse(rq, &public, rq->refusal, rq->refusal == 413 ? too_large : no_room);
		if (h->state != HTTP_OPEN)
			return refuse(rq, &public, 503, ending);
		log_event(h->context->log, LOG_DEBUG, "HTTP request", "client=%s method=%s path=%s bytes=%zu",
			log_peer(h->context->log, public.peer).text, log_value(public.method).text,
			log_value(public.path).text, rq->body.n);
		h->handler->request(h->handler->arg, &public);
		tell_moving(rq, false);
		buf_clear(&rq->body, KEEP_BODY);
		charge(rq);
	}
	/* What a client said before it left counts; it does not wait for the answer. */
	if (rq->response == NULL && rq->connection->is_gone && pace_is_unanswered(pace))
		http_library_dismiss(rq);
	if (rq->response != NULL)
		return queue_response(rq);
	if (rq->connection->is_gone)
		return MHD_NO;
	MHD_suspend_connection(library);
	pace_hold(pace);
	return MHD_YES;
}

/* Is there an answer to what is still being read?  Then it is the library's own, of which only the log can tell. */
static void
note_own_answer(const struct connection *c, struct MHD_Connection *library)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(library, MHD_CONNECTION_INFO_HTTP_STATUS);

	if (info != NULL)
		refusal_request(c->shard->http->context, &c->peer, info->http_status, not_read);
}

/* The target of a request, before anything is looked for in it. */
static void *
on_target(void *arg, const char *target, struct MHD_Connection *library)
{
	const struct http *h = arg;
	struct connection *c = connection_of(library);

	c->has_blank = strpbrk(target, " \t") != NULL;
	if (listeners_of(h->context->listeners, &c->peer)->conf->redirect) {
		free(c->target);
		c->target = xstrdup(target);
	}
	return NULL;
}

static void
on_completed(void *arg, struct MHD_Connection *library, void **request, enum MHD_RequestTerminationCode code)
{
	struct http *h = arg;
	struct request *rq = *request;
	struct connection *c = connection_of(library);

	if (pace_is_reading(&c->pace))
		note_own_answer(c, library);
	if (rq == NULL)
		return;
	*request = NULL;
	c->request = NULL;
	if (rq->unsent > 0 && list_is_empty(&rq->untold))
		tell(rq, (struct req_fate){REQ_UNSENT, -(int64_t) rq->unsent});
	if (pace_is_unanswered(&c->pace))
		tell(rq, (struct req_fate){.event = REQ_GONE});
	if (rq->is_moving && code == MHD_REQUEST_TERMINATED_COMPLETED_OK && tcp_info_bytes_unsent(c->fd) > 0)
		http_connection_pass(rq);
	tell_moving(rq, false);
	pace_next(&c->pace);
	if (c->is_gone)
		http_connection_leave(h, c);
	request_free(rq);
}

static void
on_connection(void *arg, struct MHD_Connection *library, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct http *h = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = http_connection_start(
			h, MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else
		http_connection_end(h, connection_from(*context));
}

/* Paths are compared as they are written: the library's unescaping would make different ones equal, and cut at %00. */
static size_t
keep_escaped(void *arg, struct MHD_Connection *library, char *text)
{
	(void) arg;
	(void) library;
	return strlen(text);
}

struct MHD_Daemon *
http_library_start(struct http *h, enum pool pool)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0,
		NULL, NULL, on_access, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes(pool), MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned) IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT, (unsigned) 1 << 30, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_END);
}
