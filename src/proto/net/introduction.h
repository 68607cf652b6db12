/*
 * introduction.h: what a server is told of its client before anything else:
 * the header of the PROXY protocol ("The PROXY protocol", 2.1 and 2.2).
 *
 *      PROXY TCP6 2001:db8::1 2001:db8::2 4711 5222\r\n
 *      \r\n\r\n\0\r\nQUIT\n  command  family  length  addresses  TLVs
 */
#ifndef CULVERT_PROTO_NET_INTRODUCTION_H
#define CULVERT_PROTO_NET_INTRODUCTION_H

#include <stdint.h>

#include "base/peer.h"
#include "base/slice.h"

#define INTRODUCTION_MAX 512 /* room for any */

struct introduction {
	unsigned version;          /* 1 or 2 */
	const struct peer *client; /* NULL: nobody, we speak for ourselves */
	/* The connection's own ends. */
	unsigned char self[NETWORK_BYTES], server[NETWORK_BYTES];
	uint16_t self_port, server_port;
	struct slice domain; /* what the client asked for: at most 255 bytes, at least 1 */
};

/*
 * Writes the header; how many bytes that are.  A client without an address, or
 * whose address nobody knows, is at ours: what UNKNOWN and UNSPEC come to, at
 * which the listener of ejabberd 23.01 crashes.  Version 2 says LOCAL where we
 * speak for ourselves, and always has the domain (PP2_TYPE_AUTHORITY), and
 * whether the client's connection is encrypted (PP2_TYPE_SSL).
 */
size_t introduction_write(const struct introduction *i, char out[INTRODUCTION_MAX]);

#endif
