/*
 * forwarded.h: whom a chain of proxies speaks for.  Each proxy adds, at the
 * right, the address it was connected from:
 *
 *      X-Forwarded-For: client, proxy 1, proxy 2
 *      Forwarded: for=client;proto=https, for="[2001:db8::1]:4711"      (RFC 7239)
 *
 * What stands left of the first that is no trusted proxy, seen from the right,
 * is what that one says, and it may say anything.  So the client is the
 * right-most address that is not a trusted proxy's; when all are, the
 * left-most one.
 *
 *      forwarded_begin(&f, FORWARDED_FOR, trusted, n_trusted);
 *      for each field of that name, in order: forwarded_field(&f, value);
 *      forwarded_client(&f, address)
 */
#ifndef CULVERT_PROTO_HTTP_FORWARDED_H
#define CULVERT_PROTO_HTTP_FORWARDED_H

#include "base/network.h"
#include "base/settings.h"

enum forwarded_client {
	FORWARDED_NOBODY,  /* nothing was said: the peer itself */
	FORWARDED_ADDRESS, /* this one */
	FORWARDED_UNKNOWN, /* a proxy that is believed does not know it, or does not tell (RFC 7239, 6.2 and 6.3) */
};

struct forwarded {
	enum forwarded_kind kind;
	const struct network *trusted;
	size_t n_trusted;

	enum forwarded_client client;
	unsigned char address[NETWORK_BYTES];
};

/* trusted is borrowed until the end. */
void forwarded_begin(struct forwarded *f, enum forwarded_kind kind, const struct network *trusted, size_t n_trusted);
/*
 * The next field's value.  Elements without a for parameter, and what cannot
 * be read, are somebody unknown.  It is read from the right, so that no
 * quotation mark of the client's hides what a proxy has written behind it.
 */
void forwarded_field(struct forwarded *f, struct slice value);
/* Writes the address only of FORWARDED_ADDRESS. */
enum forwarded_client forwarded_client(const struct forwarded *f, unsigned char address[NETWORK_BYTES]);
/* Is it one of the trusted proxies'? */
bool forwarded_is_trusted(const struct forwarded *f, const unsigned char address[NETWORK_BYTES]);

#endif
