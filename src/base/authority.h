/* authority.h: a host and its port as they stand in a URL, an Origin or a Host field (RFC 3986, 3.2). */
#ifndef CULVERT_BASE_AUTHORITY_H
#define CULVERT_BASE_AUTHORITY_H

#include "base/slice.h"

/*
 * Splits HOST, HOST:PORT, [IPV6] or [IPV6]:PORT.  *host comes without
 * brackets, and may be empty; *port stays as it is when none is written.
 * False when the form is another one, and then neither means anything;
 * whether the host makes sense is not looked at.
 */
bool authority_split(struct slice s, struct slice *host, uint16_t *port);
/* The same; an IPv6 address may have a scope, "[fe80::1%eth0]", which is not judged. */
bool authority_split_scoped(struct slice s, struct slice *host, uint16_t *port);

#endif
