/*
 * client_hello.h: what the first bytes of a connection are where TLS is
 * expected.  Nobody begins a handshake, which takes memory, before a client
 * has said all of its ClientHello; and who asks to resume a session is served
 * soon, for that costs next to nothing.  This only looks: the TLS library
 * reads the bytes, and believes none of what was seen here.
 */
#ifndef CULVERT_PROTO_NET_CLIENT_HELLO_H
#define CULVERT_PROTO_NET_CLIENT_HELLO_H

#include "base/slice.h"

#define CLIENT_HELLO_MAX 16384 /* bytes of a record we look at, its head included */

enum client_hello_verdict {
	CLIENT_HELLO_MORE,    /* not complete yet */
	CLIENT_HELLO_TLS,     /* a whole record that may be one (RFC 5246, 7.4.1.2) */
	CLIENT_HELLO_HTTP,    /* looks like a request without TLS */
	CLIENT_HELLO_GARBAGE, /* neither */
};

/* *has_ticket, of CLIENT_HELLO_TLS: it brings a session ticket along (RFC 5077, 3.2). */
enum client_hello_verdict client_hello_look(struct slice bytes, bool *has_ticket);

#endif
