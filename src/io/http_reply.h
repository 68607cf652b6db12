/*
 * http_reply.h: what the handler of a request may say of it, now or much
 * later; the request is named by its req_id.
 */
#ifndef CULVERT_IO_HTTP_REPLY_H
#define CULVERT_IO_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/req.h"
#include "base/slice.h"
#include "io/http_fields.h"

#define HTTP_LARGE 16384 /* bytes of an answer that are worth counting until the client has taken them */

struct http;

struct http_field {
	const char *name, *value;
};

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

#endif
