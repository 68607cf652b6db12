/*
 * origin.h: which web sites' pages may connect.  One rule for BOSH and
 * WebSocket, by the Origin that browsers send (RFC 6454):
 *
 *	none at all            not a browser's: allowed
 *	of the host it asks    the page came from here: allowed, whatever the list says
 *	in the list, or "*"    allowed
 *	any other              refused; so is "null" without "*"
 */
#ifndef CULVERT_PROTO_HTTP_ORIGIN_H
#define CULVERT_PROTO_HTTP_ORIGIN_H

#include "base/slice.h"

/* What the configuration lists; an empty list names none. */
struct origins {
	char *const *v;
	size_t n;
};

/* Which entry names this Origin, counted from 1; 0: none does.  "*" names all, also one that is not set. */
size_t origin_entry(const struct origins *origins, struct slice origin);

/* May a request with this Origin, to this Host, connect? */
bool origin_is_allowed(const struct origins *origins, struct slice origin, struct slice host);

#endif
