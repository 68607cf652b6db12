/*
 * http_parts.h: what the files of http.c share: its state, the connections and
 * their requests.  Nobody else includes it.
 */
#ifndef CULVERT_IO_HTTP_PARTS_H
#define CULVERT_IO_HTTP_PARTS_H

#include <uv.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/fdmap.h"
#include "base/list.h"
#include "base/slots.h"
#include "io/http_handler.h"
#include "io/pace.h"
#include "io/pool.h"
#include "io/watch.h"
#include "proto/http/place.h"
#include "session/context.h"

#define MAX_SHARDS 16 /* see http.c */
#define CONNECTION_MAGIC 0x636f6e6eu

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;
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
	size_t charged;     /* to the budget */
	size_t answer;      /* bytes of an answer that the library has */
	size_t unsent;      /* of a large one */
	struct list untold; /* in http->untold: the handler does not know of the large one */
	struct buf body;
	unsigned status;
	bool has_more;   /* bytes behind its head were read together with it */
	bool is_late;    /* it is answered without the library, which still reads it, and what comes is dropped */
	bool is_moving;  /* the handler was told so */
	uint64_t length; /* of its body, as far as it says */
	const char *url, *method, *version; /* the library's */
	bool is_last;                       /* the connection is closed after its answer */
	struct MHD_Response *response;
	struct list due; /* in http->to_resume */
	char tag[HTTP_TAG];
};

/* The request whose answer it is, which is no more. */
struct passage {
	struct req_id id;
	char tag[HTTP_TAG];
};

/* Ours for each of the library's; made before it is, found by its socket. */
struct connection {
	uint32_t magic;
	struct shard *shard;
	int fd;
	struct peer peer;
	struct request *request; /* the one being served */
	size_t charged;          /* to the budget: what the library keeps */
	struct pace pace;
	char *target;            /* of the same request, where it is to be redirected; NULL: not kept */
	bool has_blank;          /* in the target of the request whose head came last */
	bool is_gone;            /* the client sends no more */
	bool is_read_out;        /* and all it sent was read when the library had run last */
	struct passage *passage; /* a large answer that the library is done with and the client is not; or NULL */
	struct list vanished;    /* in http->vanished, http->leaving or http->pipelined */
	struct list all;         /* in http->connections, for the sweep */
};

enum http_state {
	HTTP_OPEN,
	HTTP_ENDING, /* what comes now is refused */
	HTTP_CLOSED, /* handles are closing, and nothing is looked at */
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
	enum http_state state;                  /* only http.c sets it */
	bool is_foreign;                        /* the library does not keep heads as http_fields_head() knows it */

	struct slots requests;
	struct fdmap arrivals; /* connections the library has not told of yet */
	struct list to_resume, untold, vanished, leaving, pipelined, upgrades;
};

static inline struct connection *
connection_from(void *p)
{
	struct connection *c = p;

	must(c != NULL && c->magic == CONNECTION_MAGIC);
	return c;
}

static inline struct req_id
request_id(const struct request *rq)
{
	return (struct req_id){rq->http->context->self, rq->slot, rq->use};
}

/* As its handler sees it; borrowed. */
static inline struct http_request
request_public(struct request *rq)
{
	return (struct http_request){
		.id = request_id(rq),
		.method = slice_str(rq->method),
		.path = place_path(slice_str(rq->url)),
		.target = slice_str(rq->connection->target),
		.version = slice_str(rq->version),
		.body = buf_slice(&rq->body),
		.peer = &rq->connection->peer,
		.has_left = rq->connection->is_gone,
		.library = rq->library,
		.tag = rq->tag,
	};
}

/* What is kept of the body has changed, or the answer is there. */
static inline void
charge(struct request *rq)
{
	budget_move(&rq->http->context->budget, &rq->charged, rq->body.cap + rq->answer);
}

static inline void
tell(struct request *rq, struct req_fate fate)
{
	const struct http_handler *handler = rq->http->handler;

	handler->news(handler->arg, request_id(rq), rq->tag, fate);
}

/* The handler is told once that the request, or its answer, is on its way, and once that it is not. */
static inline void
tell_moving(struct request *rq, bool is_moving)
{
	if (rq->is_moving == is_moving)
		return;
	rq->is_moving = is_moving;
	tell(rq, (struct req_fate){.event = is_moving ? REQ_MOVES : REQ_RESTS});
}

#endif
