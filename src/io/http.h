/*
 * http.h: HTTP with libmicrohttpd, as values: a request comes with a req_id
 * and its whole body; the answer names the req_id, now or much later.  With
 * http_fields.c the only file that sees the library.
 *
 *      door -> http_adopt -> [library] -> handler->request
 *                                              |  held, nothing runs
 *      http_reply(id) -> marked -> http_run: resume, library writes
 *
 * All calls belong to the thread of the loop.
 */
#ifndef CULVERT_IO_HTTP_H
#define CULVERT_IO_HTTP_H

#include <uv.h>

#include "base/ms.h"
#include "base/slice.h"
#include "io/http_fields.h"
#include "session/context.h"

#define HTTP_TAG 96      /* bytes a handler may keep with a request */
#define HTTP_LARGE 16384 /* bytes of an answer that are worth counting until the client has taken them */

struct http;

struct http_field {
	const char *name, *value;
};

struct http_handler {
	void *arg;
	/* A complete request.  To be answered by http_reply(), in this call or later. */
	void (*request)(void *arg, const struct http_request *rq);
	/* A request is refused before it is complete: to be answered in this call, with "Connection: close". */
	void (*refuse)(void *arg, const struct http_request *rq, unsigned status, const char *text);
	/*
	 * A GET, to be judged by http_upgrade(): WEBSOCKET, with *head filled, lets go of the connection; REFUSED
	 * answers in this call; HTTP lets it come as a request.
	 */
	enum upgrade_verdict (*upgrade)(void *arg, const struct http_request *rq, struct upgrade_head *head);
	/* The socket of an upgrade, its head read; takes fd over. */
	void (*upgraded)(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer);
	/* Something happens to a request that waits, or to its large answer. */
	void (*news)(void *arg, struct req_id id, const char *tag, struct req_fate fate);
};

/* All pointers must outlive it. */
struct http *http_new(uv_loop_t *loop, struct context *context, const struct http_handler *handler);
/* After the context has another configuration. */
void http_reload(struct http *h);
/* Answers what is held with 503 and closes all; the memory goes when the loop has run. */
void http_close(struct http *h);

/*
 * Serves a connection; takes fd over.  Bytes that were only peeked at are still
 * in it: the first request's head is n_head bytes; 0: nobody knows.
 */
void http_adopt(struct http *h, int fd, size_t n_head, const struct peer *peer);

/*
 * Answers a request.  fields and body are copied; content type and the like
 * are fields.  Nothing happens when the request is gone or answered.
 */
void http_reply(struct http *h, struct req_id id, unsigned status, const struct http_field *fields, size_t n_fields,
	struct slice body);

/* The same with a file as the body: size bytes from its beginning, read as the client takes them.  Takes fd over. */
void http_reply_file(struct http *h, struct req_id id, unsigned status, const struct http_field *fields,
	size_t n_fields, int fd, uint64_t size);

/*
 * Closes the connection of a request that will not be answered, or whose large
 * answer is still on its way and not wanted any more.  Otherwise nothing happens.
 */
void http_cut(struct http *h, struct req_id id);

/* A request that waits for its answer: its id, tag and fields; the rest is unset.  False when it is gone or answered. */
bool http_held(struct http *h, struct req_id id, struct http_request *rq);

/* How many requests wait for their answer. */
unsigned http_waiting(const struct http *h);

/* Tells the handler whose clients are gone; http_run() does so first of all. */
void http_tell_gone(struct http *h);
/* Lets the library work; to be called once per turn of the loop, before it sleeps.  True: call again without sleeping. */
bool http_run(struct http *h);

/* When clients that take too long are looked for; before that, what they have sent must be read. */
ms_t http_deadline(const struct http *h);
void http_expire(struct http *h, ms_t now);

#endif
