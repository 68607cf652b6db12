/* network.h: ranges of IP addresses.  All are IPv6 here: those of IPv4 in their mapped form (::ffff:0:0/96). */
#ifndef CULVERT_BASE_NETWORK_H
#define CULVERT_BASE_NETWORK_H

#include "base/slice.h"

#define NETWORK_BYTES 16
#define NETWORK_TEXT 46 /* room for an address as text, with its NUL */

struct network {
	unsigned char address[NETWORK_BYTES];
	unsigned bits; /* that count, 0 to 128 */
};

/* Reads an address, without brackets. */
bool network_address(struct slice text, unsigned char address[NETWORK_BYTES]);
/* The same address as text: of a mapped one, that of IPv4. */
void network_text(const unsigned char address[NETWORK_BYTES], char text[NETWORK_TEXT]);
/* Is it one of IPv4? */
bool network_is_ipv4(const unsigned char address[NETWORK_BYTES]);
/* Maps 4 bytes of IPv4. */
void network_map(const void *ipv4, unsigned char address[NETWORK_BYTES]);

/*
 * Reads "192.0.2.0/24", "2001:db8::/32", or one address.  False, too, when
 * bits behind the prefix are set: one of the two numbers is not what was meant.
 */
bool network_parse(struct slice text, struct network *n);

bool network_has(const struct network *n, const unsigned char address[NETWORK_BYTES]);

#endif
