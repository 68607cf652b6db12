/* peer.h: who is at the other end of a client's connection, as a value. */
#ifndef CULVERT_BASE_PEER_H
#define CULVERT_BASE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/network.h"

#define PEER_TEXT 64 /* room for "[address]:port", "address", "unix" or "unknown", with its NUL */

struct peer {
	char text[PEER_TEXT];                 /* for the log */
	uint32_t listener;                    /* the index of the one it came in by (conf/listeners.h) */
	unsigned char address[NETWORK_BYTES]; /* all zero for a unix socket, and when nobody knows it */
	bool is_unix;
	bool is_secure; /* the client's connection is encrypted */
	bool is_client; /* the address is a client's own: known, and not a trusted proxy's */
};

/* Writes the address and its text; port 0: nobody knows it, and the text has none. */
void peer_set_address(struct peer *peer, const unsigned char address[NETWORK_BYTES], uint16_t port);
/* The port in its text; 0: nobody knows it. */
uint16_t peer_port(const struct peer *peer);
/* It has no address that anybody knows; the text says instead what it is. */
void peer_set_nobody(struct peer *peer, const char *text);

#endif
