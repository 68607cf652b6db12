/*
 * http_answer.h: what the answers of all places have in common: who may read
 * them (CORS), and that no browser takes them for pages.
 */
#ifndef CULVERT_IO_HTTP_ANSWER_H
#define CULVERT_IO_HTTP_ANSWER_H

#include "io/http_reply.h"
#include "proto/http/origin.h"
#include "session/context.h"
#include "session/sid.h"

#define HTTP_ANSWER_FIELDS 14

/* The fields of an answer, put together. */
struct http_answer {
	struct http_field field[HTTP_ANSWER_FIELDS];
	size_t n;
	char origin[ORIGIN_MAX + 1]; /* that may read it */
};

/* The tag of a request is the sid of the session that it names, "" when none: the registry writes it there. */
_Static_assert(SID_MAX <= HTTP_TAG, "the sid must fit");

/* What a browser says of the page that asks: trimmed; unset when it says nothing, or, which none does, several things. */
struct slice http_origin(const struct http_request *rq);
/* May this page connect?  Not when it says several things.  *asked is what was judged; it lasts as long as the request. */
enum origin_verdict
http_judge_origin(const struct context *c, const struct http_request *rq, struct origin_asked *asked);

/*
 * Begins an answer: its type, unless it is NULL; that it is no page and not to
 * be kept; and, unless rq is NULL, whose pages may read it, as the
 * configuration is now.
 */
void http_answer_begin(struct http_answer *a, const struct context *c, const struct http_request *rq, const char *type);
void http_answer_add(struct http_answer *a, const char *name, const char *value);

/* A short text for people, with one field more unless name is NULL. */
void http_answer_text(struct http *http, const struct context *c, const struct http_request *rq, unsigned status,
	const char *text, const char *name, const char *value);

#endif
