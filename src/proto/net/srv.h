/*
 * srv.h: what DNS says of a domain's servers, put in the order in which they
 * are to be tried.  Pure: the records come from elsewhere, and so do the
 * random numbers.
 *
 * Two names are asked for: _xmpps-client._tcp, TLS from the first byte
 * (XEP-0368), and _xmpp-client._tcp (RFC 6120, 3.2.1).  Their records count
 * as one set: the lowest priority first, chance by weight within it
 * (RFC 2782).
 */
#ifndef CULVERT_PROTO_NET_SRV_H
#define CULVERT_PROTO_NET_SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRV_HOST 254 /* room for a host name, with its NUL */
#define SRV_MAX 32   /* records of one domain that are looked at */

struct srv_record {
	uint16_t priority, weight, port;
	bool tls_direct;
	char host[SRV_HOST]; /* "": the target is ".", this service is not offered */
};

enum srv_outcome {
	SRV_NONE,        /* no records: the domain itself is the host (RFC 6120, 3.2.2) */
	SRV_FOUND,       /* these are the servers */
	SRV_NOT_OFFERED, /* the domain says that it has no server (RFC 2782, Target; XEP-0368, 3) */
};

/* Takes out the records that name no server; *n is how many stay.  What is left says what to do. */
enum srv_outcome srv_judge(struct srv_record *record, size_t *n);
/* Puts them in order.  random gives 32 bits that nobody can guess. */
void srv_order(struct srv_record *record, size_t n, uint32_t (*random)(void *arg), void *arg);

#endif
