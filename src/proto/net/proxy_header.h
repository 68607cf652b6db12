/*
 * proxy_header.h: the PROXY protocol's header, versions 1 and 2, which a proxy
 * sends in front of what its client says ("The PROXY protocol", sections 2.1
 * and 2.2):
 *
 *      PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n
 *      \r\n\r\n\0\r\nQUIT\n  command  family  length  addresses  TLVs
 */
#ifndef CULVERT_PROTO_NET_PROXY_HEADER_H
#define CULVERT_PROTO_NET_PROXY_HEADER_H

#include "base/network.h"

#define PROXY_HEADER_MAX 4096 /* bytes: more than any proxy has to say */

enum proxy_header_result {
	PROXY_HEADER_MORE, /* so far it may become one */
	PROXY_HEADER_DONE,
	PROXY_HEADER_BAD,
};

/* For whom the proxy connects. */
enum proxy_header_who {
	PROXY_HEADER_UNKNOWN, /* it does not say: UNKNOWN, UNSPEC, a unix socket, datagrams */
	PROXY_HEADER_ITSELF,  /* LOCAL, such as a check whether we are alive */
	PROXY_HEADER_ADDRESS,
};

struct proxy_header {
	size_t n; /* bytes it takes, when DONE */
	enum proxy_header_who who;
	unsigned char address[NETWORK_BYTES]; /* the client's */
	uint16_t port;
	const char *reason; /* of BAD: what is wrong, for the log */
};

/*
 * Looks at the first bytes of a connection, all that have come so far.  What
 * cannot become a header is BAD at its first wrong byte.
 */
enum proxy_header_result proxy_header_read(struct proxy_header *h, struct slice bytes);

#endif
