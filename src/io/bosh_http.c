#include "io/bosh_http.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "io/discovery.h"
#include "io/pages.h"

#define PREFLIGHT_AGE "86400"
#define MAX_FIELDS 12

/* What we keep with a request: whose session it names, and which Origin may read the answer. */
struct tag {
	char sid[SID_MAX];
	uint32_t origin; /* index in the configuration's list, counted from 1 */
};

_Static_assert(sizeof(struct tag) <= HTTP_TAG, "the tag must fit");

struct bosh_http {
	struct bosh_http_config config;
	const struct bosh_http_handler *handler;
	struct http_handler http_handler;
	struct http *http;
	struct pages *pages;
};

static ms_t
now_of(const struct bosh_http *b)
{
	return (ms_t) uv_now(b->config.loop);
}

static struct tag
read_tag(const char *bytes)
{
	struct tag tag;

	memcpy(&tag, bytes, sizeof tag);
	return tag;
}

/* Which entry of the list lets pages of this request's Origin read the answer, counted from 1; 0: none, or none needed. */
static uint32_t
find_origin(const struct bosh_http *b, const struct http_request *rq)
{
	return (uint32_t) origin_entry(&b->config.rules->origins, http_header(rq, "Origin"));
}

struct fields {
	struct http_field v[MAX_FIELDS];
	size_t n;
};

static void
add(struct fields *f, const char *name, const char *value)
{
	must(f->n < MAX_FIELDS);
	f->v[f->n++] = (struct http_field){name, value};
}

/* The answer may be read by pages of the origins in the list; credentials are never part of it. */
static void
add_cors(const struct bosh_http *b, struct fields *f, uint32_t origin)
{
	const struct conf_list *list = &b->config.conf->origins;

	/* The list may have changed since the request came. */
	if (origin == 0 || origin > list->n) {
		if (list->n > 0)
			add(f, "Vary", "Origin");
		return;
	}
	add(f, "Access-Control-Allow-Origin", list->v[origin - 1]);
	if (strcmp(list->v[origin - 1], "*") != 0)
		add(f, "Vary", "Origin");
}

/* What a peer sent must never become a page of the application's origin. */
static void
add_safety(struct fields *f)
{
	add(f, "Cache-Control", "no-store");
	add(f, "Content-Security-Policy", "sandbox; default-src 'none'");
	add(f, "X-Content-Type-Options", "nosniff");
}

void
bosh_http_reply(struct bosh_http *b, struct req_id req, unsigned status, struct slice body, const char *content_type)
{
	const char *bytes = http_tag(b->http, req);
	struct fields f = {.n = 0};

	if (bytes == NULL)
		return;
	add(&f, "Content-Type", content_type);
	add_safety(&f);
	add_cors(b, &f, read_tag(bytes).origin);
	http_reply(b->http, req, status, f.v, f.n, body);
}

void
bosh_http_cut(struct bosh_http *b, struct req_id req)
{
	http_cut(b->http, req);
}

static void
reply_text(struct bosh_http *b, const struct http_request *rq, unsigned status, const char *text, const char *name,
	const char *value)
{
	struct fields f = {.n = 0};

	if (status >= 400)
		counter_add(b->config.counters->http_refused, 1);
	add(&f, "Content-Type", "text/plain; charset=utf-8");
	add_safety(&f);
	add_cors(b, &f, read_tag(rq->tag).origin);
	if (name != NULL)
		add(&f, name, value);
	http_reply(b->http, rq->id, status, f.v, f.n, slice_str(text));
}

/* The end of a session that nobody could look for: its body was not read. */
static void
reply_terminal(struct bosh_http *b, const struct http_request *rq, enum closing reason)
{
	struct fields f = {.n = 0};
	struct buf text;

	counter_add(b->config.counters->http_refused, 1);
	buf_init(&text, BUF_UNLIMITED);
	body_terminal(&text, reason, NULL);
	add(&f, "Content-Type", "text/xml; charset=utf-8");
	add_safety(&f);
	add_cors(b, &f, read_tag(rq->tag).origin);
	add(&f, "Connection", "close");
	http_reply(b->http, rq->id, 200, f.v, f.n, buf_slice(&text));
	buf_fini(&text);
}

/* The preflight of a browser (Fetch, 3.2.2): what follows may be a POST with any of the usual content types. */
static void
reply_preflight(struct bosh_http *b, const struct http_request *rq)
{
	uint32_t origin = read_tag(rq->tag).origin;
	struct fields f = {.n = 0};

	add(&f, "Allow", "POST, GET, HEAD, OPTIONS");
	add_safety(&f);
	add_cors(b, &f, origin);
	if (origin != 0) {
		add(&f, "Access-Control-Allow-Methods", "POST, OPTIONS");
		add(&f, "Access-Control-Allow-Headers", "Content-Type, Content-Encoding, X-Requested-With");
		add(&f, "Access-Control-Max-Age", PREFLIGHT_AGE);
	}
	http_reply(b->http, rq->id, 204, f.v, f.n, SLICE(""));
}

static void
keep_sid(const struct http_request *rq, struct tag *tag, struct slice sid)
{
	if (sid.n == 0 || sid.n >= sizeof tag->sid)
		return;
	memcpy(tag->sid, sid.p, sid.n);
	memcpy(rq->tag, tag, sizeof *tag);
}

static void
post(struct bosh_http *b, const struct http_request *rq, struct tag *tag)
{
	struct slice sid;
	unsigned worker;

	if (slice_eq(http_header(rq, "Sec-Fetch-Mode"), SLICE("navigate"))) {
		reply_text(b, rq, 403, "BOSH answers are for programs, not pages.\n", NULL, NULL);
		return;
	}
	if (!origin_is_allowed(&b->config.rules->origins, http_header(rq, "Origin"), http_header(rq, "Host"))) {
		reply_text(b, rq, 403, "This Origin is not allowed.\n", NULL, NULL);
		return;
	}
	worker = registry_owner(b->config.registry, rq->body, &sid);
	keep_sid(rq, tag, sid);
	if (worker != b->config.worker ||
		registry_post(b->config.registry, rq->id, rq->body, rq->peer, now_of(b), &worker) == REGISTRY_FORWARD) {
		counter_add(b->config.counters->bosh_forwarded, 1);
		b->handler->forward(b->handler->arg, worker, rq->id, rq->body, rq->peer);
	} else {
		sid = registry_posted(b->config.registry);
	}
	keep_sid(rq, tag, sid);
}

static bool
is_reading(const struct http_request *rq)
{
	return slice_eq(rq->method, SLICE("GET")) || slice_eq(rq->method, SLICE("HEAD"));
}

static void
serve_bosh(struct bosh_http *b, const struct http_request *rq, struct tag *tag)
{
	if (slice_eq(rq->method, SLICE("POST")))
		post(b, rq, tag);
	else if (slice_eq(rq->method, SLICE("OPTIONS")))
		reply_preflight(b, rq);
	else if (is_reading(rq))
		reply_text(b, rq, 200,
			"It works: this is a BOSH endpoint (XEP-0124, XEP-0206), served by culvert.\n"
			"Point an XMPP client's BOSH URL here.\n",
			NULL, NULL);
	else
		reply_text(b, rq, 405, "A BOSH endpoint takes POST.\n", "Allow", "POST, GET, HEAD, OPTIONS");
}

static void
serve_websocket_page(struct bosh_http *b, const struct http_request *rq)
{
	if (is_reading(rq))
		reply_text(b, rq, 200,
			"It works: this is an XMPP WebSocket endpoint (RFC 7395), served by culvert.\n"
			"Point an XMPP client's WebSocket URL here.\n",
			NULL, NULL);
	else
		reply_text(b, rq, 405, "A WebSocket endpoint takes GET with an upgrade.\n", "Allow", "GET, HEAD");
}

static void
reply_none(struct bosh_http *b, const struct http_request *rq)
{
	counter_add(b->config.counters->http_refused, 1);
	pages_answer_none(b->pages, rq);
}

/*
 * The client's end as far as is known here.  Of a proxy that is believed it
 * is the proxy's word that counts, also against TLS between it and us; said
 * twice, or with a list, it may be the client's own.
 */
static struct peer
see_peer(const struct conf *conf, const struct http_request *rq)
{
	struct peer peer = *rq->peer;

	peer.has_left = rq->has_left;
	if (conf_is_trusted(conf, &peer) && slice_is_set(http_header(rq, "X-Forwarded-Proto")))
		peer.is_secure = slice_eq_nocase(slice_trim(http_header_once(rq, "X-Forwarded-Proto")), SLICE("https"));
	return peer;
}

static void
on_request(void *arg, const struct http_request *as_it_came)
{
	struct bosh_http *b = arg;
	const struct conf *conf = b->config.conf;
	struct peer peer = see_peer(conf, as_it_came);
	struct http_request seen = *as_it_came, *rq = &seen;
	struct tag tag = {.origin = find_origin(b, rq)};
	enum place place = place_find(&b->config.rules->places, rq->path);

	seen.peer = &peer;
	memcpy(rq->tag, &tag, sizeof tag);
	if (place == PLACE_BOSH)
		serve_bosh(b, rq, &tag);
	else if (place == PLACE_WEBSOCKET)
		serve_websocket_page(b, rq);
	else if (slice_eq(rq->method, SLICE("OPTIONS")) && slice_eq(rq->path, SLICE("*")))
		reply_text(b, rq, 200, "", "Allow", "POST, GET, HEAD, OPTIONS");
	else if (!discovery_answer(b->http, conf, b->config.rules->hooks, rq) && !pages_answer(b->pages, rq))
		reply_none(b, rq);
}

/* Where a request came in, for the log. */
static const char *
entrance(const struct bosh_http *b, const struct http_request *rq)
{
	return listeners_of(b->config.listeners, rq->peer)->text;
}

static void
on_refuse(void *arg, const struct http_request *rq, unsigned status, const char *text)
{
	struct bosh_http *b = arg;
	struct tag tag = {.origin = find_origin(b, rq)};

	memcpy(rq->tag, &tag, sizeof tag);
	log_event(b->config.log, LOG_NOTICE, "request refused", "client=%s listener=%s status=%u reason=\"%.*s\"",
		rq->peer->text, entrance(b, rq), status, (int) strcspn(text, "\n"), text);
	/* XEP-0124, 17.1: HTTP codes are for those who do not speak BOSH. */
	if (status == 413 && slice_eq(rq->method, SLICE("POST")) &&
		place_find(&b->config.rules->places, rq->path) == PLACE_BOSH)
		reply_terminal(b, rq, CLOSING_TOO_BIG);
	else
		reply_text(b, rq, status, text, "Connection", "close");
}

/* The door's answer to an upgrade that is refused, for a connection that is past it. */
static void
reply_refusal(struct bosh_http *b, const struct http_request *rq, const struct upgrade *u)
{
	struct fields f = {.n = 0};
	struct buf text;

	counter_add(b->config.counters->http_refused, 1);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "%s\n", u->reason);
	add(&f, "Content-Type", "text/plain; charset=utf-8");
	add_safety(&f);
	if (upgrade_names_version(u)) {
		add(&f, "Upgrade", "websocket");
		add(&f, "Sec-WebSocket-Version", UPGRADE_VERSION);
	}
	add(&f, "Connection", "close");
	http_reply(b->http, rq->id, upgrade_status(u), f.v, f.n, buf_slice(&text));
	buf_fini(&text);
}

static enum upgrade_verdict
on_upgrade(void *arg, const struct http_request *rq, struct upgrade_head *head)
{
	struct bosh_http *b = arg;
	struct upgrade u;
	enum upgrade_verdict verdict = http_upgrade(rq, b->config.rules, &u);

	*head = u.head;
	if (verdict == UPGRADE_REFUSED) {
		log_event(b->config.log, LOG_NOTICE, "upgrade refused", "client=%s listener=%s status=%u reason=\"%s\"",
			rq->peer->text, entrance(b, rq), upgrade_status(&u), u.reason);
		reply_refusal(b, rq, &u);
	}
	return verdict;
}

static void
on_upgraded(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer)
{
	struct bosh_http *b = arg;

	b->handler->websocket(b->handler->arg, fd, head, peer);
}

/* Tells the session of a waiting request what its connection does, wherever the session is. */
static void
tell_session(struct bosh_http *b, struct req_id id, const char *bytes, bool is_gone)
{
	struct tag tag = read_tag(bytes);
	struct slice sid = slice_str(tag.sid);
	unsigned worker = b->config.worker;

	if (!registry_worker(b->config.registry, sid, &worker))
		return;
	if (worker != b->config.worker)
		b->handler->forward_event(b->handler->arg, worker, id, sid, is_gone);
	else if (is_gone)
		registry_gone(b->config.registry, sid, id, now_of(b));
	else
		registry_hurry(b->config.registry, sid, id, now_of(b));
}

static void
on_gone(void *arg, struct req_id id, const char *bytes)
{
	tell_session(arg, id, bytes, true);
}

static void
on_hurry(void *arg, struct req_id id, const char *bytes)
{
	tell_session(arg, id, bytes, false);
}

/* A large answer is being sent, or has been: its session counts what its client has not taken. */
static void
on_unsent(void *arg, const char *bytes, ssize_t n)
{
	struct bosh_http *b = arg;
	struct tag tag = read_tag(bytes);
	struct slice sid = slice_str(tag.sid);
	unsigned worker = b->config.worker;

	if (!registry_worker(b->config.registry, sid, &worker))
		return;
	if (worker != b->config.worker)
		b->handler->forward_unsent(b->handler->arg, worker, sid, n);
	else
		registry_unsent(b->config.registry, sid, n, now_of(b));
}

struct bosh_http *
bosh_http_new(const struct bosh_http_config *config, const struct bosh_http_handler *handler)
{
	struct bosh_http *b = xcalloc(1, sizeof *b);
	struct http_config http_config = {
		.worker = config->worker,
		.max_body = config->conf->bosh.max_body,
		.header_timeout = config->conf->limits.header_timeout,
		.budget = registry_budget(config->registry),
		.listeners = config->listeners,
		.log = config->log,
	};

	b->config = *config;
	b->handler = handler;
	b->http_handler = (struct http_handler){
		.arg = b,
		.request = on_request,
		.refuse = on_refuse,
		.upgrade = on_upgrade,
		.upgraded = on_upgraded,
		.gone = on_gone,
		.hurry = on_hurry,
		.unsent = on_unsent,
	};
	b->http = http_new(config->loop, &http_config, &b->http_handler);
	http_set_conf(b->http, config->conf);
	b->pages = pages_new(b->http, config->conf, config->log);
	return b;
}

void
bosh_http_close(struct bosh_http *b)
{
	http_close(b->http);
}

void
bosh_http_free(struct bosh_http *b)
{
	if (b == NULL)
		return;
	pages_free(b->pages);
	free(b);
}

void
bosh_http_adopt(struct bosh_http *b, int fd, size_t n_head, const struct peer *peer)
{
	http_adopt(b->http, fd, n_head, peer);
}

bool
bosh_http_run(struct bosh_http *b)
{
	return http_run(b->http);
}

unsigned
bosh_http_waiting(const struct bosh_http *b)
{
	return http_waiting(b->http);
}

void
bosh_http_set_conf(struct bosh_http *b, const struct conf *conf)
{
	b->config.conf = conf;
	http_set_conf(b->http, conf);
	pages_set_conf(b->pages, conf);
}
