#include "io/http_answer.h"

#include "base/fatal.h"
#include "io/rules.h"

struct slice
http_origin(const struct http_request *rq)
{
	return slice_trim(http_header_once(rq, "Origin"));
}

bool
http_is_origin_allowed(const struct context *c, const struct http_request *rq)
{
	struct origins origins = rules_origins(c);
	struct slice origin = http_origin(rq);

	if (!slice_is_set(origin) && slice_is_set(http_header(rq, "Origin")))
		return false;
	return origin_is_allowed(&origins, origin, http_header(rq, "Host"));
}

void
http_answer_add(struct http_answer *a, const char *name, const char *value)
{
	must(a->n < HTTP_ANSWER_FIELDS);
	a->field[a->n++] = (struct http_field){name, value};
}

/* The answer may be read by pages of the origins in the list; credentials are never part of it. */
static void
add_cors(struct http_answer *a, const struct context *c, struct slice origin)
{
	struct origins origins = rules_origins(c);
	size_t entry = origin_entry(&origins, origin);
	bool is_all = entry > 0 && strcmp(origins.v[entry - 1], "*") == 0;

	if (entry > 0)
		http_answer_add(a, "Access-Control-Allow-Origin", origins.v[entry - 1]);
	if (origins.n > 0 && !is_all)
		http_answer_add(a, "Vary", "Origin");
}

/* What a peer sent must never become a page of the application's origin. */
void
http_answer_begin(struct http_answer *a, const struct context *c, const struct http_request *rq, const char *type)
{
	a->n = 0;
	if (type != NULL)
		http_answer_add(a, "Content-Type", type);
	http_answer_add(a, "Cache-Control", "no-store");
	http_answer_add(a, "Content-Security-Policy", "sandbox; default-src 'none'");
	http_answer_add(a, "X-Content-Type-Options", "nosniff");
	if (rq != NULL)
		add_cors(a, c, http_origin(rq));
}

void
http_answer_text(struct http *http, const struct context *c, const struct http_request *rq, unsigned status,
	const char *text, const char *name, const char *value)
{
	struct http_answer a;

	if (status >= 400)
		counter_add(c->counters->http_refused, 1);
	http_answer_begin(&a, c, rq, "text/plain; charset=utf-8");
	if (name != NULL)
		http_answer_add(&a, name, value);
	http_reply(http, rq->id, status, a.field, a.n, slice_str(text));
}
