/*
 * http.h: HTTP with libmicrohttpd, as values: a request comes with a req_id
 * and its whole body; the answer names the req_id, now or much later.
 *
 *      door -> http_adopt -> [library] -> handler->request
 *                                              |  held, nothing runs
 *      http_reply(id) -> marked -> http_run: resume, library writes
 *
 * Behind it, and nobody else's business: http_library.c is what the library
 * calls, http_connection.c who is connected, http_parts.h what they share.
 * Handlers need http_handler.h, http_reply.h and http_fields.h.
 *
 * All calls belong to the thread of the loop.
 */
#ifndef CULVERT_IO_HTTP_H
#define CULVERT_IO_HTTP_H

#include <uv.h>

#include "base/library.h"
#include "base/ms.h"
#include "io/http_handler.h"
#include "io/http_reply.h"
#include "session/context.h"

/* All pointers must outlive it. */
struct http *http_new(uv_loop_t *loop, struct context *context, const struct http_handler *handler);
/* After the context has another configuration. */
void http_reload(struct http *h);
/* Answers what is held with 503 and closes all; the memory goes when the loop has run. */
void http_close(struct http *h);

/*
 * Serves a connection; takes fd over.  Bytes that were only peeked at are still
 * in it: the library needs this room for the first request's head.
 */
void http_adopt(struct http *h, int fd, size_t room, const struct peer *peer);

/*
 * Tells the handler whose clients are gone, and what large answers are on their
 * way; http_run() does so first of all.  No session's event may be going on.
 */
void http_tell_gone(struct http *h);
/* Lets the library work; to be called once per turn of the loop, before it sleeps.  True: call again without sleeping. */
bool http_run(struct http *h);

/* When clients that take too long are looked for; before that, what they have sent must be read. */
ms_t http_deadline(const struct http *h);
void http_expire(struct http *h, ms_t now);

/* For --version. */
void http_versions(struct library *l);

#endif
