/* server_name.h: is a certificate for the name that a client asks for, and is it worth a word that none is? */
#ifndef CULVERT_PROTO_NET_SERVER_NAME_H
#define CULVERT_PROTO_NET_SERVER_NAME_H

#include <stdint.h>

#include "base/slice.h"

enum server_name_match {
	SERVER_NAME_OTHER,
	SERVER_NAME_WILDCARD,
	SERVER_NAME_EXACT,
};

/*
 * pattern is as certificates have it; "*." stands for one label, the first
 * (RFC 6125, 6.4.3).  Both are ASCII; case and one dot at the end of name do
 * not count.
 */
enum server_name_match server_name_match(struct slice pattern, struct slice name);

#define SERVER_NAMES_TOLD 64
#define SERVER_NAMES_PERIOD 3600 /* seconds */

/* Names that were told of, so that each is told once in a period.  All zero to begin with. */
struct server_names_told {
	struct {
		uint64_t name; /* its hash: two names that share one share a line, too */
		int64_t at;    /* 0: unused */
	} v[SERVER_NAMES_TOLD];
};

/* Is this name to be told now?  When there are too many in a period, no: whoever makes them up wants to fill the log. */
bool server_names_tell(struct server_names_told *t, struct slice name, int64_t now);

#endif
