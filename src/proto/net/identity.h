/*
 * identity.h: is a certificate for the server of this domain?  What names
 * count, and how they compare (RFC 6125, 6; RFC 6120, 13.7.2.1).  Pure: whoever
 * has read the certificate lists its names.
 */
#ifndef CULVERT_PROTO_NET_IDENTITY_H
#define CULVERT_PROTO_NET_IDENTITY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "base/slice.h"

enum identity_kind {
	IDENTITY_DNS,    /* dNSName: a domain, or "*." and a domain */
	IDENTITY_SRV,    /* SRVName (RFC 4985): "_xmpp-client." and as a dNSName; of other services: for nobody here */
	IDENTITY_XMPP,   /* XmppAddr (RFC 6120, 13.7.1.4): a domain, in UTF-8 */
	IDENTITY_COMMON, /* the subject's common name: counts only where a certificate has none of the above */
};

/* A name as the certificate has it: any bytes, not kept. */
struct identity {
	enum identity_kind kind;
	struct slice name;
};

/*
 * Is one of the n names that of domain (A-labels, without a dot at its end)?
 * A wildcard is a whole first label, stands for exactly one label, and has at
 * least two labels behind it.  Of hooks only to_ascii is used.
 */
bool identity_is_among(const struct identity *v, size_t n, struct slice domain, const struct hooks *hooks);

/* Appends the names that count for people: "a.example, SRV _xmpp-client.b.example, ..."; "no name" when there is none. */
void identity_describe(const struct identity *v, size_t n, struct buf *out);

#endif
