/*
 * smuggling.h: what must hold of a request's head before anybody trusts where
 * its body ends.  HTTP libraries accept heads that two readers read
 * differently (RFC 9112, 11.2), and a proxy before us may be the other reader.
 *
 *	struct smuggling f = {.length = 0};
 *	for each field: smuggling_field(&f, name, value);
 *	if ((reason = smuggling_reason(&f, is_http_1_1)) != NULL) refuse;
 *
 * Legal is a blank behind a value (RFC 9110, 5.5); but libmicrohttpd 0.9.75
 * takes "5 " for no number and waits for ever behind "chunked ".
 */
#ifndef CULVERT_PROTO_HTTP_SMUGGLING_H
#define CULVERT_PROTO_HTTP_SMUGGLING_H

#include "base/slice.h"

struct smuggling {
	unsigned content_lengths, transfer_encodings, hosts; /* how often each came */
	const char *odd;                                     /* the first thing that is wrong, a sentence; or NULL */
	const char *unread;                                  /* what is legal, but not read here, a sentence; or NULL */
	uint64_t length;                                     /* Content-Length, if there was one */
};

/* The request line, its end cut off, or as much of it as is known. */
void smuggling_line(struct smuggling *f, struct slice line);
/* The next field as it came, blanks around the value included.  A line without a colon has a name but no value. */
void smuggling_field(struct smuggling *f, struct slice name, struct slice value);

/* Why two readers might differ on this head, a sentence for who reads the refusal; NULL: they do not. */
const char *smuggling_reason(const struct smuggling *f, bool is_http_1_1);
/* May a field have this name, a token (RFC 9110, 5.6.2)? */
bool smuggling_is_name(struct slice name);

#endif
