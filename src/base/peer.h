/* peer.h: who is at the other end of a client's connection, as a value. */
#ifndef CULVERT_BASE_PEER_H
#define CULVERT_BASE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/network.h"

#define PEER_TEXT 64 /* room for "[address]:port", "network/bits", "unix" or "unknown", with its NUL */

enum peer_kind {
	PEER_UNKNOWN, /* somebody behind a proxy that does not tell who */
	PEER_ADDRESS,
	PEER_UNIX, /* it came by a unix socket */
	PEER_KINDS,
};

struct peer {
	enum peer_kind kind;
	unsigned char address[NETWORK_BYTES]; /* all zero when there is none */
	uint16_t port;                        /* 0: nobody knows it */
	uint32_t listener;                    /* the index of the one it came in by (conf/listeners.h) */
	bool is_secure;                       /* the client's connection is encrypted */
	bool is_client;                       /* the address is a client's own: known, and not a trusted proxy's */
};

/* It has this address; port 0: nobody knows it. */
void peer_set_address(struct peer *peer, const unsigned char address[NETWORK_BYTES], uint16_t port);
/* It has no address: PEER_UNKNOWN or PEER_UNIX. */
void peer_set_nobody(struct peer *peer, enum peer_kind kind);

struct peer_text {
	char text[PEER_TEXT];
};

/*
 * The client as the value of a pair, shortened as the log wants it: the only
 * text there is of a peer, so that no line tells more.  It lives as long as the
 * expression that it stands in.
 */
struct peer_text log_peer(const struct log *log, const struct peer *peer);

#endif
