/* redirect.h: what a listener without TLS serves instead of sessions: the challenges of ACME (RFC 8555, 8.3), and the way to https. */
#ifndef CULVERT_IO_REDIRECT_H
#define CULVERT_IO_REDIRECT_H

#include "io/http_reply.h"
#include "session/context.h"

/* False when the request's listener is for sessions: it has not been answered then. */
bool redirect_answer(struct http *http, const struct context *c, const struct http_request *rq);

#endif
