/*
 * listeners.h: where connections come in, as they were opened.  A connection
 * carries the index of its listener from accept on (base/peer.h), and what
 * holds for some listeners only is asked of this table.  It is made once: a
 * reload may write other listeners, which take a restart, but those that are
 * open stay what they are.
 */
#ifndef CULVERT_CONF_LISTENERS_H
#define CULVERT_CONF_LISTENERS_H

#include "conf/conf.h"

#define LISTENER_HSTS 32

struct listener {
	const struct conf_listen *conf; /* what it was opened by */
	uint16_t port;                  /* of TCP, also where the kernel picked it */
	char *text;                     /* for the log: "address:port", or the path of a unix socket */
};

struct listeners {
	const struct conf *conf; /* one reference */
	struct listener *v;      /* in the order of conf->listen */
	size_t n;
};

/* Those of the configuration; their threads do not run yet. */
struct listeners *listeners_new(const struct conf *conf);
void listeners_free(struct listeners *l);
/* It is open, at this port; called before another thread asks. */
void listeners_opened(struct listeners *l, size_t index, uint16_t port);

/*
 * Would a connection with these two ends lead to one of them?  Asked of its
 * maker: an address of this machine's that is not loopback is at both ends.
 */
bool listeners_have(const struct listeners *l, const unsigned char self[NETWORK_BYTES],
	const unsigned char server[NETWORK_BYTES], uint16_t port);

/* The listener that a connection came in by. */
const struct listener *listeners_of(const struct listeners *l, const struct peer *peer);

/* Writes the value of Strict-Transport-Security for who comes in by its TLS (RFC 6797, 6.1); false: nothing is to be said. */
bool listener_hsts(const struct listener *l, char value[LISTENER_HSTS]);

#endif
