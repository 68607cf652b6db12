/*
 * proxied.h: whose request it is, when a proxy may have passed it on.  What
 * stands in the fields for that counts only if the peer is a proxy that is
 * believed; otherwise the peer itself is the client.
 *
 *      proxied_begin(&p, rules);
 *      for each field: proxied_field(&p, name, value);
 *      proxied_client(&p)
 */
#ifndef CULVERT_PROTO_HTTP_PROXIED_H
#define CULVERT_PROTO_HTTP_PROXIED_H

#include "base/peer.h"
#include "proto/http/forwarded.h"

/* All is borrowed until the end. */
struct proxied_rules {
	const struct peer *peer; /* who has connected */
	bool is_trusted;         /* its word on its own client is believed */
	enum forwarded_kind kind;
	const struct network *trusted;
	size_t n_trusted;
};

struct proxied {
	const struct proxied_rules *rules;
	struct forwarded forwarded;
	unsigned protos; /* fields X-Forwarded-Proto */
	bool is_https;   /* the only one of them says so */
};

void proxied_begin(struct proxied *p, const struct proxied_rules *rules);
/* The next field as it came, in the order they came. */
void proxied_field(struct proxied *p, struct slice name, struct slice value);
/*
 * The client: its address, or PEER_UNKNOWN when a proxy that is believed does
 * not tell it.  It has no port then.
 */
struct peer proxied_client(const struct proxied *p);

#endif
