/*
 * smuggling.h: what must hold of a request's header fields before anybody
 * trusts where its body ends.  HTTP libraries accept heads that two readers
 * read differently (RFC 9112, 11.2), and a proxy before us may be the other
 * reader.
 *
 *	struct smuggling f = {.length = 0};
 *	for each field: smuggling_field(&f, name, value);
 *	if (smuggling_is_odd(&f, is_http_1_1)) refuse;
 */
#ifndef CULVERT_PROTO_HTTP_SMUGGLING_H
#define CULVERT_PROTO_HTTP_SMUGGLING_H

#include "base/slice.h"

struct smuggling {
	unsigned content_lengths, transfer_encodings, hosts; /* how often each came */
	bool is_field_odd;
	uint64_t length; /* Content-Length, if there was one */
};

/* The next field as it came, blanks around the value included. */
void smuggling_field(struct smuggling *f, struct slice name, struct slice value);

/* Might two readers differ on this head?  HTTP/1.1 needs a Host. */
bool smuggling_is_odd(const struct smuggling *f, bool needs_host);
/* Is this a field as two readers would read it alike?  No blanks in the name, no control characters in the value. */
bool smuggling_is_field(struct slice name, struct slice value);

#endif
