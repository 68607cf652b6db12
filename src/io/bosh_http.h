/*
 * bosh_http.h: BOSH over HTTP: what is asked of its path.  Bodies go to
 * whoever finds their sessions; answers come back as values.
 */
#ifndef CULVERT_IO_BOSH_HTTP_H
#define CULVERT_IO_BOSH_HTTP_H

#include "io/http_reply.h"
#include "proto/closing.h"
#include "session/context.h"
#include "session/letter.h"

struct bosh_http_handler {
	void *arg;
	/* A request with a body.  The sid (SID_MAX bytes) is written as soon as it is known. */
	void (*post)(void *arg, const struct post *post, char *sid);
	/* Something happens to a request that was posted. */
	void (*news)(void *arg, const struct news *news);
};

/* A request to its path: POST, OPTIONS, GET or anything else. */
void bosh_http_serve(struct http *http, const struct context *c, const struct bosh_http_handler *handler,
	const struct http_request *rq);
/* One whose body was not read to its end: it is too large, or too slow. */
void bosh_http_refuse(struct http *http, const struct context *c, const struct http_request *rq, enum closing reason);
/* Whose it is, as soon as its body says so: into its tag. */
void bosh_http_begun(const struct http_request *rq);
/* For http_handler: tells it on, if the request named a session. */
void bosh_http_news(const struct bosh_http_handler *handler, struct req_id id, const char *tag, struct req_fate fate);

/* The answer to a request of this worker; nothing happens when it is gone. */
void bosh_http_reply(struct http *http, const struct context *c, const struct reply *reply);

#endif
