#include "io/discovery.h"

#include "conf/meta.h"
#include "proto/http/static_file.h"

#define DOMAIN_MAX 1024 /* as asked for, with its NUL */

/*
 * Every site may read these, whatever "origins" says, and only these
 * (XEP-0156, 3): they hold nothing but what all may know.
 */
#define EVERYBODY \
	{ \
		"Access-Control-Allow-Origin", "*" \
	}
#define NO_SNIFF \
	{ \
		"X-Content-Type-Options", "nosniff" \
	}

static const char no_domain[] = "No XMPP domain that is served here was asked for.\n"
				"\n"
				"The domain is taken from the host this is fetched from, or from ?domain=NAME.\n"
				"It must be one of \"domains\" in culvert's configuration.\n";
static const char no_url[] =
	"There is no address to give: XEP-0156 allows only those that begin with https:// or wss://,\n"
	"and this request did not come by https as far as culvert knows.\n"
	"\n"
	"Set \"public_url\" in culvert's configuration, like \"https://chat.example.com\".  Or let the\n"
	"proxy in front send \"X-Forwarded-Proto: https\" and the Host of the browser, or that in\n"
	"X-Forwarded-Host; its address must be one of \"trusted_proxies\".\n";

static void
reply_text(struct http *http, const struct http_request *rq, const char *text)
{
	static const struct http_field fields[] = {
		{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}, EVERYBODY, NO_SNIFF};

	http_reply(http, rq->id, 404, fields, sizeof fields / sizeof *fields, slice_str(text));
}

/* Browsers ask first when a script adds fields of its own. */
static void
reply_preflight(struct http *http, const struct http_request *rq)
{
	static const struct http_field fields[] = {{"Allow", "GET, HEAD, OPTIONS"}, EVERYBODY,
		{"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"}, {"Access-Control-Allow-Headers", "*"},
		{"Access-Control-Max-Age", "86400"}};

	http_reply(http, rq->id, 204, fields, sizeof fields / sizeof *fields, SLICE(""));
}

static void
refuse_method(struct http *http, const struct http_request *rq)
{
	static const struct http_field fields[] = {
		{"Allow", "GET, HEAD, OPTIONS"}, {"Content-Type", "text/plain; charset=utf-8"}, EVERYBODY, NO_SNIFF};

	http_reply(http, rq->id, 405, fields, sizeof fields / sizeof *fields, SLICE("host-meta takes GET.\n"));
}

static void
reply_document(struct http *http, const struct http_request *rq, struct slice document, bool is_json, bool is_derived)
{
	char etag[STATIC_FILE_ETAG_MAX];
	/* What follows from the fields of one request must not be given to another's client. */
	const struct http_field fields[] = {
		{"ETag", etag},
		{"Cache-Control", is_derived ? "no-store" : "public, max-age=3600"},
		EVERYBODY,
		NO_SNIFF,
		{"Content-Type", is_json ? "application/json" : "application/xrd+xml"},
	};
	size_t n = sizeof fields / sizeof *fields;

	static_file_etag_of(etag, document);
	if (static_file_is_known(http_header(rq, "If-None-Match"), SLICE_NONE, etag, ""))
		http_reply(http, rq->id, 304, fields, n - 1, SLICE(""));
	else
		http_reply(http, rq->id, 200, fields, n, document);
}

static void
reply(struct http *http, const struct conf *conf, const struct hooks *hooks, const struct http_request *rq,
	bool is_json)
{
	struct slice argument = http_argument(rq, "domain");
	struct meta_question q = {.host = http_header(rq, "Host"), .is_secure = rq->peer->is_secure};
	char domain[DOMAIN_MAX], base[META_BASE_MAX];
	bool is_derived = false;
	struct buf document;
	enum meta_answer answer = META_NO_DOMAIN;

	if (slice_is_set(http_header(rq, "X-Forwarded-Host")) && rq->is_proxied) {
		q.forwarded_host = http_header_once(rq, "X-Forwarded-Host");
		/* Twice: nobody knows which one is the proxy's. */
		if (!slice_is_set(q.forwarded_host))
			q.forwarded_host = SLICE("");
	}
	if (!slice_is_set(argument)) {
		answer = meta_ask(conf, &q, hooks, base, &is_derived);
	} else if (static_file_argument(argument, domain, sizeof domain)) {
		q.domain = slice_str(domain);
		answer = meta_ask(conf, &q, hooks, base, &is_derived);
	}
	if (answer != META_FOUND) {
		reply_text(http, rq, answer == META_NO_URL ? no_url : no_domain);
		return;
	}
	buf_init(&document, BUF_UNLIMITED);
	if (is_json)
		meta_jrd(conf, base, &document);
	else
		meta_xrd(conf, base, &document);
	reply_document(http, rq, buf_slice(&document), is_json, is_derived);
	buf_fini(&document);
}

bool
discovery_answer(struct http *http, const struct conf *conf, const struct hooks *hooks, const struct http_request *rq)
{
	bool is_json = slice_eq(rq->path, SLICE("/.well-known/host-meta.json"));

	if (!is_json && !slice_eq(rq->path, SLICE("/.well-known/host-meta")))
		return false;
	if (slice_eq(rq->method, SLICE("OPTIONS")))
		reply_preflight(http, rq);
	else if (slice_eq(rq->method, SLICE("GET")) || slice_eq(rq->method, SLICE("HEAD")))
		reply(http, conf, hooks, rq, is_json);
	else
		refuse_method(http, rq);
	return true;
}
