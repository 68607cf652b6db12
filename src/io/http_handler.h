/*
 * http_handler.h: who serves the requests of http.c, as a table of what it is
 * told; what it may say is in http_reply.h.
 */
#ifndef CULVERT_IO_HTTP_HANDLER_H
#define CULVERT_IO_HTTP_HANDLER_H

#include "io/http_fields.h"

struct http_handler {
	void *arg;
	/* A complete request.  To be answered by http_reply(), in this call or later. */
	void (*request)(void *arg, const struct http_request *rq);
	/* A request is refused before it is complete: to be answered in this call, with "Connection: close"; a sentence. */
	void (*refuse)(void *arg, const struct http_request *rq, unsigned status, const char *reason);
	/* The beginning of a body has come; who knows by now whose request it is writes that into its tag. */
	void (*begun)(void *arg, const struct http_request *rq);
	/*
	 * A GET, to be judged by http_upgrade(): WEBSOCKET, with *head and *client filled, lets go of the connection; REFUSED
	 * answers in this call; HTTP lets it come as a request.
	 */
	enum upgrade_verdict (*upgrade)(
		void *arg, const struct http_request *rq, struct upgrade_head *head, struct peer *client);
	/* The socket of an upgrade, its head read; takes fd over. */
	void (*upgraded)(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer);
	/* Something happens to a request that waits, or to its large answer. */
	void (*news)(void *arg, struct req_id id, const char *tag, struct req_fate fate);
};

#endif
