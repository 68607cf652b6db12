/*
 * http_answer.h: what the answers of all places have in common: who may read
 * them (CORS), and that no browser takes them for pages.
 */
#ifndef CULVERT_IO_HTTP_ANSWER_H
#define CULVERT_IO_HTTP_ANSWER_H

#include <stddef.h>

#include "io/http.h"
#include "session/context.h"
#include "session/sid.h"

#define HTTP_ANSWER_FIELDS 12

/* The fields of an answer, put together. */
struct http_answer {
	struct http_field field[HTTP_ANSWER_FIELDS];
	size_t n;
};

/* What is kept with a request (http_tag()). */
struct http_mark {
	char sid[SID_MAX]; /* of the session that it names; "" when none */
	uint32_t origin;   /* which entry of the configured list lets pages read the answer, from 1; 0: none does */
};

_Static_assert(sizeof(struct http_mark) <= HTTP_TAG, "the mark must fit");
_Static_assert(offsetof(struct http_mark, sid) == 0, "the registry writes it there");

/* Notes with the request whose pages may read what is answered. */
void http_mark(const struct context *c, const struct http_request *rq);
struct http_mark http_mark_read(const char *tag);

/*
 * Begins an answer: its type, unless it is NULL; that it is no page and not to
 * be kept; and, unless tag is NULL, who may read it.
 */
void http_answer_begin(struct http_answer *a, const struct context *c, const char *tag, const char *type);
void http_answer_add(struct http_answer *a, const char *name, const char *value);

/* A short text for people, with one field more unless name is NULL. */
void http_answer_text(struct http *http, const struct context *c, const struct http_request *rq, unsigned status,
	const char *text, const char *name, const char *value);

#endif
