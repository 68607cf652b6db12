#include "io/http_answer.h"

#include "base/fatal.h"
#include "io/rules.h"

struct slice
http_origin(const struct http_request *rq)
{
	return slice_trim(http_header_once(rq, "Origin"));
}

enum origin_verdict
http_judge_origin(const struct context *c, const struct http_request *rq, struct origin_asked *asked)
{
	struct origins origins = rules_origins(c);

	*asked = (struct origin_asked){.origin = http_origin(rq), .host = slice_trim(http_header(rq, "Host"))};
	if (rq->is_proxied)
		asked->forwarded_host = slice_trim(http_header_once(rq, "X-Forwarded-Host"));
	if (!slice_is_set(asked->origin) && slice_is_set(http_header(rq, "Origin")))
		return ORIGIN_OTHER_SITE;
	return origin_judge(&origins, asked);
}

void
http_answer_add(struct http_answer *a, const char *name, const char *value)
{
	must(a->n < HTTP_ANSWER_FIELDS);
	a->field[a->n++] = (struct http_field){name, value};
}

/* The answer may be read by pages of the origins in the list; that is said to each of them alone. */
static void
add_cors(struct http_answer *a, const struct context *c, struct slice origin)
{
	struct origins origins = rules_origins(c);

	if (origin_readers_vary(&origins))
		http_answer_add(a, "Vary", "Origin");
	switch (origin_readers(&origins, origin)) {
	case ORIGIN_NOBODY:
		return;
	case ORIGIN_EVERYBODY:
		http_answer_add(a, "Access-Control-Allow-Origin", "*");
		break;
	case ORIGIN_THIS:
		memcpy(a->origin, origin.p, origin.n);
		a->origin[origin.n] = '\0';
		http_answer_add(a, "Access-Control-Allow-Origin", a->origin);
		if (c->conf->cors_credentials)
			http_answer_add(a, "Access-Control-Allow-Credentials", "true");
		break;
	}
	if (c->conf->response_names[0] != '\0')
		http_answer_add(a, "Access-Control-Expose-Headers", c->conf->response_names);
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
