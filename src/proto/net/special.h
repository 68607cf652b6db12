/*
 * special.h: which addresses and ports are not for servers of any public
 * domain.  Whoever may name any domain may, with records of their own, name
 * any address: a router, a database, culvert's own machine.
 *
 * The ranges are those of the IANA registries of special-purpose addresses
 * (RFC 6890), multicast, and all that is outside the unicast addresses in use.
 */
#ifndef CULVERT_PROTO_NET_SPECIAL_H
#define CULVERT_PROTO_NET_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/network.h"

/*
 * What kind of address it is, in a word or two, when it must not be reached;
 * NULL: it is public, or in one of the n allowed.  is_ip6: it is reached over
 * IPv6; then even a mapped one of IPv4 is special.  What NAT64 makes of an
 * address of IPv4 must be allowed, and what is in it public or allowed.
 */
const char *
special_refused(const unsigned char address[NETWORK_BYTES], bool is_ip6, const struct network *allowed, size_t n);

/* May a server of XMPP be expected at this port? */
bool special_has_port(uint16_t port);

#endif
