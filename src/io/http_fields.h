/*
 * http_fields.h: a request as its handler sees it, and what libmicrohttpd has
 * read of its head.  It asks the library and changes nothing; http.c and what
 * is behind it do all else.
 */
#ifndef CULVERT_IO_HTTP_FIELDS_H
#define CULVERT_IO_HTTP_FIELDS_H

#include "base/peer.h"
#include "base/req.h"
#include "base/slice.h"
#include "proto/http/smuggling.h"
#include "proto/http/upgrade.h"

#define HTTP_TAG 96 /* bytes a handler may keep with a request */

struct MHD_Connection;

/* A request; all is borrowed for the time of the call. */
struct http_request {
	struct req_id id;
	struct slice method, path; /* the path without query */
	struct slice target;       /* the whole, as it stands in the request line; unset where nobody redirects */
	struct slice version;      /* "HTTP/1.1" */
	struct slice body;
	const struct peer *peer;        /* who has connected, or whom that one speaks for */
	bool is_proxied;                /* who has connected is a proxy that is believed */
	bool has_left;                  /* the client has: these are its last words */
	struct MHD_Connection *library; /* for the functions below */
	char *tag;                      /* HTTP_TAG bytes, zero at first; lasts as long as the request */
};

/* GET or HEAD? */
bool http_is_reading(const struct http_request *rq);
/* The value of a header field, unset when absent. */
struct slice http_header(const struct http_request *rq, const char *name);
/* The same of one that must not be doubted: unset also when it came more than once. */
struct slice http_header_once(const struct http_request *rq, const char *name);
/* The value of an argument of the query, as it was written; unset when absent. */
struct slice http_argument(const struct http_request *rq, const char *name);

/* Is it an upgrade to WebSocket?  UPGRADE_HTTP, UPGRADE_WEBSOCKET or UPGRADE_REFUSED; what u borrows is the request's. */
enum upgrade_verdict http_upgrade(const struct http_request *rq, const struct upgrade_rules *rules, struct upgrade *u);

/* Shows the proxy's judge all fields. */
void http_proxied(const struct http_request *rq, struct proxied *p);

/* For http_library.c: what the library's own bytes say of a head. */
struct http_head {
	struct smuggling framing; /* of path and fields */
	uint64_t bytes;           /* the whole head */
	/* There is something in it that the library does not show; or it keeps heads otherwise than 0.9.75 does. */
	bool has_gap;
	/* Bytes behind it have been read: the room for them was zeros, which no frame begins with.  False without a Host. */
	bool has_more;
};

/* All as the library gives it to its handler. */
struct http_head
http_fields_head(struct MHD_Connection *library, const char *method, const char *path, const char *version);

#endif
