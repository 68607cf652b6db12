#include "io/site.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "io/discovery.h"
#include "io/http.h"
#include "io/http_answer.h"
#include "io/pages.h"
#include "io/redirect.h"
#include "io/refusal.h"
#include "io/rules.h"

struct site {
	uv_loop_t *loop;
	struct context *context;
	const struct site_handler *handler;
	struct http_handler http_handler;
	struct http *http;
	struct pages *pages;
};

static void
serve_websocket(struct site *s, const struct http_request *rq)
{
	if (http_is_reading(rq))
		http_answer_text(s->http, s->context, rq, 200,
			"It works: this is an XMPP WebSocket endpoint (RFC 7395), served by culvert.\n"
			"Point an XMPP client's WebSocket URL here.\n",
			NULL, NULL);
	else
		http_answer_text(s->http, s->context, rq, 405, "A WebSocket endpoint takes GET with an upgrade.\n",
			"Allow", "GET, HEAD");
}

static void
serve_other(struct site *s, const struct http_request *rq)
{
	const struct context *c = s->context;

	if (slice_eq(rq->method, SLICE("OPTIONS")) && slice_eq(rq->path, SLICE("*"))) {
		http_answer_text(s->http, c, rq, 200, "", "Allow", "POST, GET, HEAD, OPTIONS");
	} else if (!discovery_answer(s->http, c->conf, c->hooks, rq) && !pages_answer(s->pages, rq)) {
		counter_add(c->counters->http_refused, 1);
		pages_answer_none(s->pages, rq);
	}
}

/* The request as its client's: *client is written, and borrowed by what is returned. */
static struct http_request
see_client(const struct site *s, const struct http_request *as_it_came, struct peer *client)
{
	struct proxied_rules rules = rules_proxied(s->context, as_it_came->peer);
	struct http_request rq = *as_it_came;
	struct proxied p;

	proxied_begin(&p, &rules);
	if (rules.is_trusted)
		http_proxied(as_it_came, &p);
	*client = proxied_client(&p);
	rq.peer = client;
	rq.is_proxied = rules.is_trusted;
	return rq;
}

static enum place
place_of(const struct site *s, const struct http_request *rq)
{
	struct places places = rules_places(s->context, rq->peer);

	return place_find(&places, rq->path);
}

/* connection: what becomes of it, or NULL. */
static void
refuse(struct site *s, const struct http_request *rq, unsigned status, const char *reason, const char *connection)
{
	struct buf text;

	refusal_request(s->context, rq->peer, status, reason);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "%s\n", reason);
	http_answer_text(
		s->http, s->context, rq, status, buf_cstr(&text), connection != NULL ? "Connection" : NULL, connection);
	buf_fini(&text);
}

static void
on_request(void *arg, const struct http_request *as_it_came)
{
	struct site *s = arg;
	struct peer client;
	struct http_request rq = see_client(s, as_it_came, &client);
	const char *reason;

	if (refusal_denies(s->context, &client, &reason)) {
		counter_add(s->context->counters->http_refused, 1);
		refuse(s, &rq, 403, reason, NULL);
		return;
	}
	if (redirect_answer(s->http, s->context, &rq))
		return;
	switch (place_of(s, &rq)) {
	case PLACE_BOSH:
		bosh_http_serve(s->http, s->context, &s->handler->bosh, &rq);
		break;
	case PLACE_WEBSOCKET:
		serve_websocket(s, &rq);
		break;
	case PLACE_OTHER:
		serve_other(s, &rq);
		break;
	}
}

static void
on_refuse(void *arg, const struct http_request *as_it_came, unsigned status, const char *reason)
{
	struct site *s = arg;
	struct peer client;
	struct http_request rq = see_client(s, as_it_came, &client);

	if ((status == 413 || status == 408) && slice_eq(rq.method, SLICE("POST")) && place_of(s, &rq) == PLACE_BOSH) {
		refusal_request(s->context, rq.peer, status, reason);
		bosh_http_refuse(s->http, s->context, &rq, status == 413 ? CLOSING_TOO_BIG : CLOSING_SLOW_UPLOAD);
		return;
	}
	refuse(s, &rq, status, reason, "close");
}

static void
on_begun(void *arg, const struct http_request *rq)
{
	if (place_of(arg, rq) == PLACE_BOSH)
		bosh_http_begun(rq);
}

/* The door's answer to an upgrade that is refused, for a connection that is past it. */
static void
reply_refusal(struct site *s, const struct http_request *rq, const struct upgrade *u)
{
	struct http_answer a;
	struct buf text;
	char seconds[16];

	counter_add(s->context->counters->http_refused, 1);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "%s\n", u->reason);
	http_answer_begin(&a, s->context, NULL, "text/plain; charset=utf-8");
	if (upgrade_names_version(u)) {
		http_answer_add(&a, "Upgrade", "websocket");
		http_answer_add(&a, "Sec-WebSocket-Version", UPGRADE_VERSION);
	}
	if (u->retry_after > 0) {
		snprintf(seconds, sizeof seconds, "%u", u->retry_after);
		http_answer_add(&a, "Retry-After", seconds);
	}
	http_answer_add(&a, "Connection", "close");
	http_reply(s->http, rq->id, upgrade_status(u), a.field, a.n, buf_slice(&text));
	buf_fini(&text);
}

static enum upgrade_verdict
on_upgrade(void *arg, const struct http_request *rq, struct upgrade_head *head, struct peer *client)
{
	struct site *s = arg;
	struct upgrade_rules rules = rules_upgrade(s->context, rq->peer);
	struct upgrade u;
	enum upgrade_verdict verdict = http_upgrade(rq, &rules, &u);

	if (verdict == UPGRADE_WEBSOCKET)
		verdict = refusal_of_client(s->context, &u, (ms_t) uv_now(s->loop));
	*head = u.head;
	*client = u.client;
	if (verdict == UPGRADE_REFUSED) {
		refusal_upgrade(s->context, &u);
		reply_refusal(s, rq, &u);
	}
	return verdict;
}

static void
on_upgraded(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer)
{
	struct site *s = arg;

	s->handler->websocket(s->handler->arg, fd, head, peer);
}

static void
on_news(void *arg, struct req_id id, const char *tag, struct req_fate fate)
{
	struct site *s = arg;

	bosh_http_news(&s->handler->bosh, id, tag, fate);
}

struct site *
site_new(uv_loop_t *loop, struct context *context, const struct site_handler *handler)
{
	struct site *s = xcalloc(1, sizeof *s);

	s->loop = loop;
	s->context = context;
	s->handler = handler;
	s->http_handler = (struct http_handler){
		.arg = s,
		.request = on_request,
		.refuse = on_refuse,
		.begun = on_begun,
		.upgrade = on_upgrade,
		.upgraded = on_upgraded,
		.news = on_news,
	};
	s->http = http_new(loop, context, &s->http_handler);
	s->pages = pages_new(s->http, context->conf, context->log);
	return s;
}

void
site_close(struct site *s)
{
	http_close(s->http);
}

void
site_free(struct site *s)
{
	if (s == NULL)
		return;
	pages_free(s->pages);
	free(s);
}

void
site_reload(struct site *s)
{
	http_reload(s->http);
	pages_set_conf(s->pages, s->context->conf);
}

void
site_adopt(struct site *s, int fd, size_t room, const struct peer *peer)
{
	http_adopt(s->http, fd, room, peer);
}

void
site_reply(struct site *s, const struct reply *reply)
{
	bosh_http_reply(s->http, s->context, reply);
}

void
site_cut(struct site *s, struct req_id id)
{
	http_cut(s->http, id);
}

unsigned
site_waiting(const struct site *s)
{
	return http_waiting(s->http);
}

void
site_tell_gone(struct site *s)
{
	http_tell_gone(s->http);
}

bool
site_run(struct site *s)
{
	return http_run(s->http);
}

ms_t
site_deadline(const struct site *s)
{
	return http_deadline(s->http);
}

void
site_expire(struct site *s, ms_t now)
{
	http_expire(s->http, now);
}
