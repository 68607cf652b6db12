/*
 * door.h: an accepted socket until it is known who serves it.  A PROXY header,
 * where the listener asks for it, is taken off and says who is there.  The request
 * head is peeked at, not read: the HTTP library reads it whole.  That of a good
 * upgrade is read and forgotten; the WebSocket library is given one of ours.
 * Upgrades that are not valid are answered here, and a client that does not
 * say in time what it wants is shown out.
 */
#ifndef CULVERT_IO_DOOR_H
#define CULVERT_IO_DOOR_H

#include <uv.h>

#include "base/ms.h"
#include "base/peer.h"
#include "proto/http/upgrade.h"
#include "session/context.h"

struct door;

struct door_handler {
	void *arg;
	/* A client of a listener with TLS, whose ClientHello is there, and not read.  Takes fd over. */
	void (*tls)(void *arg, int fd, bool brings_ticket, const struct peer *peer);
	/* Both take fd over.  Nothing is read from it yet; its head needs this room (upgrade.h). */
	void (*http)(void *arg, int fd, size_t room, const struct peer *peer);
	/* An upgrade that was found good: its head is read, and no byte more. */
	void (*websocket)(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer);
};

/* All pointers must outlive it. */
struct door *door_new(uv_loop_t *loop, struct context *context, const struct door_handler *handler);
/* Shows everybody out; the memory goes when the loop has run. */
void door_close(struct door *d);

/* Takes fd over: a connected, non-blocking socket.  is_one_too_many: which the client is told (503). */
void door_enter(struct door *d, int fd, const struct peer *peer, bool is_one_too_many);

/* The same, behind the client's TLS; fd is the inner end. */
void door_enter_secured(struct door *d, int fd, const struct peer *peer);

/* Takes over the socket of a client that has been told goodbye: what it still sends is dropped until it closes. */
void door_linger(struct door *d, int fd);

/* Sees to those of whom something has come; once per turn of the loop.  True: call again without sleeping. */
bool door_run(struct door *d);

ms_t door_deadline(const struct door *d);
void door_expire(struct door *d, ms_t now);

#endif
