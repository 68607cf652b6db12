/*
 * ws.h: WebSocket messages with libwebsockets.  The door has judged the
 * upgrade; the library does the handshake and the framing (RFC 6455).  The
 * only file that sees it.
 *
 * All calls belong to the thread of the loop.
 */
#ifndef CULVERT_IO_WS_H
#define CULVERT_IO_WS_H

#include <uv.h>

#include "base/library.h"
#include "base/ms.h"
#include "base/peer.h"
#include "base/slice.h"
#include "proto/http/upgrade.h"
#include "proto/xml/stanza.h"
#include "session/context.h"

struct ws;
struct ws_connection;

enum ws_trouble {
	WS_TOO_BIG, /* a message larger than the limit */
	WS_BINARY,
	WS_UNMASKED, /* its first frame was not masked */
	WS_SLOW,     /* it takes what it is sent too slowly */
};

struct ws_handler {
	void *arg;
	/* A connection stands; returns what its other calls are told.  conn is good until gone. */
	void *(*opened)(void *arg, struct ws_connection *conn, const struct peer *peer);
	/* A whole text message, valid UTF-8; the bytes are borrowed. */
	void (*message)(void *arg, void *user, struct slice text);
	/*
	 * n bytes of a message have come, and so many are kept until its end does.  False: not, and nothing more is read.
	 */
	bool (*part)(void *arg, void *user, size_t n, size_t kept);
	/* The peer broke a rule; nothing more is read from it. */
	void (*trouble)(void *arg, void *user, enum ws_trouble what);
	/* Output is taken again. */
	void (*writable)(void *arg, void *user);
	void (*gone)(void *arg, void *user);
	/* A socket we closed: to be read from, and what comes dropped, until the peer closes too; takes fd over. */
	void (*linger)(void *arg, int fd);
};

/*
 * Loads the library's part for the loop; NULL, with a log line that names
 * the cure, when that fails.  RLIMIT_NOFILE must have its final value.
 */
struct ws *ws_new(uv_loop_t *loop, struct context *context, const struct ws_handler *handler);
/* From now on nothing is told of any connection. */
void ws_mute(struct ws *w);
/* Closes all connections, telling nobody.  To be freed when the loop has ended. */
void ws_close(struct ws *w);
void ws_free(struct ws *w);

/* Serves a connection whose upgrade was found good, and its head read, but no byte more; takes fd over. */
void ws_adopt(struct ws *w, int fd, const struct upgrade_head *head, const struct peer *peer);

/* Sends one message; writes to the headroom.  False when nothing is taken now: writable is called later. */
bool ws_send(struct ws_connection *c, struct stanza *st);
/*
 * Starts the closing handshake at the next ws_run(), with a word for who looks
 * at it, or NULL; text lasts.  With code 0 cuts the connection there.
 */
void ws_hangup(struct ws_connection *c, unsigned code, const char *text);
void ws_pause(struct ws_connection *c, bool pause);

/* When somebody may have been silent for too long; before he is judged, what came must be read. */
ms_t ws_deadline(const struct ws *w);
void ws_expire(struct ws *w, ms_t now);

/* Does what was put off; to be called once per turn of the loop.  True: call again without sleeping. */
bool ws_run(struct ws *w);

/* For --version. */
void ws_versions(struct library *l);

#endif
