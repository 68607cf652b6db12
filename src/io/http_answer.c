#include "io/http_answer.h"

#include "base/fatal.h"
#include "io/rules.h"

void
http_mark(const struct context *c, const struct http_request *rq)
{
	struct origins origins = rules_origins(c);
	struct http_mark mark = {.origin = (uint32_t) origin_entry(&origins, http_header(rq, "Origin"))};

	memcpy(rq->tag, &mark, sizeof mark);
}

struct http_mark
http_mark_read(const char *tag)
{
	struct http_mark mark;

	memcpy(&mark, tag, sizeof mark);
	return mark;
}

void
http_answer_add(struct http_answer *a, const char *name, const char *value)
{
	must(a->n < HTTP_ANSWER_FIELDS);
	a->field[a->n++] = (struct http_field){name, value};
}

/* The answer may be read by pages of the origins in the list; credentials are never part of it. */
static void
add_cors(struct http_answer *a, const struct context *c, uint32_t origin)
{
	const struct conf_list *list = &c->conf->origins;

	/* The list may have changed since the request came. */
	if (origin == 0 || origin > list->n) {
		if (list->n > 0)
			http_answer_add(a, "Vary", "Origin");
		return;
	}
	http_answer_add(a, "Access-Control-Allow-Origin", list->v[origin - 1]);
	if (strcmp(list->v[origin - 1], "*") != 0)
		http_answer_add(a, "Vary", "Origin");
}

/* What a peer sent must never become a page of the application's origin. */
void
http_answer_begin(struct http_answer *a, const struct context *c, const char *tag, const char *type)
{
	a->n = 0;
	if (type != NULL)
		http_answer_add(a, "Content-Type", type);
	http_answer_add(a, "Cache-Control", "no-store");
	http_answer_add(a, "Content-Security-Policy", "sandbox; default-src 'none'");
	http_answer_add(a, "X-Content-Type-Options", "nosniff");
	if (tag != NULL)
		add_cors(a, c, http_mark_read(tag).origin);
}

void
http_answer_text(struct http *http, const struct context *c, const struct http_request *rq, unsigned status,
	const char *text, const char *name, const char *value)
{
	struct http_answer a;

	if (status >= 400)
		counter_add(c->counters->http_refused, 1);
	http_answer_begin(&a, c, rq->tag, "text/plain; charset=utf-8");
	if (name != NULL)
		http_answer_add(&a, name, value);
	http_reply(http, rq->id, status, a.field, a.n, slice_str(text));
}
