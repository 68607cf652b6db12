/*
 * framing.h: what must hold of a request's header fields before anybody
 * trusts where its body ends, or upgrades its connection.  HTTP libraries
 * accept heads that two readers read differently (RFC 9112, 11.2), and a
 * proxy before us may be the other reader.
 *
 *	struct framing f = {.length = 0};
 *	for each field: framing_field(&f, name, value);
 *	if (framing_is_odd(&f, is_http_1_1)) refuse;
 */
#ifndef CULVERT_PROTO_FRAMING_H
#define CULVERT_PROTO_FRAMING_H

#include "base/slice.h"

#define FRAMING_UPGRADE_FIELDS 6 /* that decide about an upgrade */

struct framing {
	unsigned content_lengths, transfer_encodings, hosts; /* how often each came */
	unsigned upgrade[FRAMING_UPGRADE_FIELDS];            /* the same */
	bool is_field_odd, is_upgrade, is_upgrade_odd;
	uint64_t length; /* Content-Length, if there was one */
};

/* The next field as it came, blanks around the value included. */
void framing_field(struct framing *f, struct slice name, struct slice value);

/* Might two readers differ on this head?  HTTP/1.1 needs a Host. */
bool framing_is_odd(const struct framing *f, bool needs_host);
/* The same of a head that asks for an upgrade: it has no body, and nothing in it is said twice. */
bool framing_is_upgrade_odd(const struct framing *f);

#endif
