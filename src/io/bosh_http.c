#include "io/bosh_http.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "io/http_answer.h"
#include "io/refusal.h"
#include "io/rules.h"
#include "proto/bosh/body.h"
#include "proto/http/cors.h"
#include "session/sid.h"

#define PREFLIGHT_AGE "86400"

void
bosh_http_reply(struct http *http, const struct context *c, const struct reply *reply)
{
	struct http_request rq;
	struct http_answer a;
	char seconds[16];

	if (!http_held(http, reply->id, &rq))
		return;
	http_answer_begin(&a, c, &rq, content_name(reply->content));
	if (reply->retry_after > 0) {
		snprintf(seconds, sizeof seconds, "%u", reply->retry_after);
		http_answer_add(&a, "Retry-After", seconds);
	}
	http_reply(http, reply->id, reply->status, a.field, a.n, reply->body);
}

/* XEP-0124, 17.1: HTTP codes are for those who do not speak BOSH.  Nobody could look for the session. */
void
bosh_http_refuse(struct http *http, const struct context *c, const struct http_request *rq, enum closing reason)
{
	struct http_answer a;
	struct buf text;

	counter_add(c->counters->http_refused, 1);
	buf_init(&text, BUF_UNLIMITED);
	body_terminal(&text, reason, NULL);
	http_answer_begin(&a, c, rq, content_name(CONTENT_TEXT_XML));
	http_answer_add(&a, "Connection", "close");
	http_reply(http, rq->id, 200, a.field, a.n, buf_slice(&text));
	buf_fini(&text);
}

/* The preflight of a browser (Fetch, 3.3.2): what follows may be a POST with any content type and any further fields. */
static void
preflight(struct http *http, const struct context *c, const struct http_request *rq)
{
	struct origins origins = rules_origins(c);
	char headers[CORS_HEADERS_MAX];
	struct http_answer a;

	http_answer_begin(&a, c, rq, NULL);
	http_answer_add(&a, "Allow", "POST, GET, HEAD, OPTIONS");
	if (origin_readers(&origins, http_origin(rq)) != ORIGIN_NOBODY) {
		cors_allow_headers(headers, http_header(rq, "Access-Control-Request-Headers"));
		http_answer_add(&a, "Access-Control-Allow-Methods", "POST, OPTIONS");
		http_answer_add(&a, "Access-Control-Allow-Headers", headers);
		http_answer_add(&a, "Access-Control-Max-Age", PREFLIGHT_AGE);
	}
	http_reply(http, rq->id, 204, a.field, a.n, SLICE(""));
}

static const char not_for_pages[] = "BOSH answers are for programs, not pages.\n";
static const char bad_origin[] = "This Origin is not allowed.\n";

static void
post(struct http *http, const struct context *c, const struct bosh_http_handler *handler, const struct http_request *rq)
{
	const struct post post = {.id = rq->id, .peer = *rq->peer, .has_left = rq->has_left, .body = rq->body};
	struct origin_asked asked;
	enum origin_verdict verdict = http_judge_origin(c, rq, &asked);

	if (slice_eq(http_header(rq, "Sec-Fetch-Mode"), SLICE("navigate"))) {
		refusal_request(c, rq->peer, 403, not_for_pages);
		http_answer_text(http, c, rq, 403, not_for_pages, NULL, NULL);
	} else if (verdict != ORIGIN_ALLOWED) {
		refusal_origin(c, rq->peer, 403, bad_origin, &asked, verdict);
		http_answer_text(http, c, rq, 403, bad_origin, NULL, NULL);
	} else {
		handler->post(handler->arg, &post, rq->tag);
	}
}

void
bosh_http_serve(struct http *http, const struct context *c, const struct bosh_http_handler *handler,
	const struct http_request *rq)
{
	if (slice_eq(rq->method, SLICE("POST")))
		post(http, c, handler, rq);
	else if (slice_eq(rq->method, SLICE("OPTIONS")))
		preflight(http, c, rq);
	else if (http_is_reading(rq))
		http_answer_text(http, c, rq, 200,
			"It works: this is a BOSH endpoint (XEP-0124, XEP-0206), served by culvert.\n"
			"Point an XMPP client's BOSH URL here.\n",
			NULL, NULL);
	else
		http_answer_text(
			http, c, rq, 405, "A BOSH endpoint takes POST.\n", "Allow", "POST, GET, HEAD, OPTIONS");
}

void
bosh_http_begun(const struct http_request *rq)
{
	struct slice sid = slice_eq(rq->method, SLICE("POST")) ? body_sid(rq->body) : SLICE_NONE;

	if (slice_is_set(sid) && sid.n < SID_MAX)
		memcpy(rq->tag, sid.p, sid.n);
}

void
bosh_http_news(const struct bosh_http_handler *handler, struct req_id id, const char *tag, struct req_fate fate)
{
	const struct news news = {.id = id, .sid = slice_str(tag), .fate = fate};

	if (news.sid.n > 0)
		handler->news(handler->arg, &news);
}
