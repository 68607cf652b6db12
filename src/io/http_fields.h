/*
 * http_fields.h: a request as its handler sees it, and what libmicrohttpd has
 * read of its head.  Beside http.c this is the only file that sees the
 * library: it asks and changes nothing, http.c does all else.
 */
#ifndef CULVERT_IO_HTTP_FIELDS_H
#define CULVERT_IO_HTTP_FIELDS_H

#include "base/peer.h"
#include "base/req.h"
#include "base/slice.h"
#include "io/late_upgrade.h"
#include "proto/http/smuggling.h"

struct MHD_Connection;

/* A request; all is borrowed for the time of the call. */
struct http_request {
	struct req_id id;
	struct slice method, path; /* the path without query */
	struct slice body;
	const struct peer *peer;
	bool has_left;                  /* the client has: these are its last words */
	struct MHD_Connection *library; /* for the functions below */
	char *tag;                      /* HTTP_TAG bytes, zero at first; lasts as long as the request */
};

/* The value of a header field, unset when absent. */
struct slice http_header(const struct http_request *rq, const char *name);
/* The same of one that must not be doubted: unset also when it came more than once. */
struct slice http_header_once(const struct http_request *rq, const char *name);
/* The value of an argument of the query, as it was written; unset when absent. */
struct slice http_argument(const struct http_request *rq, const char *name);

/* For http.c: what the fields say of lengths and upgrades; *bytes is the size of the whole head. */
struct smuggling http_fields_smuggling(struct MHD_Connection *library, uint64_t *bytes);
/* For http.c: all fields to a late upgrade; 0 or CV_EFULL. */
int http_fields_copy(struct MHD_Connection *library, struct late_upgrade *late);

#endif
