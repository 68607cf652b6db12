/*
 * session.h: one client and its stream to the server.
 *
 *      client --- front (bosh | websocket) --- pump --- upstream --- server
 *
 * Everything that happens to a session is one of the calls below.  Each feeds
 * bytes or an event in, pumps stanzas until nothing moves, hands output to
 * the outlet, and reports the new deadline to the world.  None frees the
 * session: its owner does, when session_is_done().
 */
#ifndef CULVERT_SESSION_SESSION_H
#define CULVERT_SESSION_SESSION_H

#include "session/session_parts.h"

/* A session that has yet to see its first event.  conf is referenced. */
struct session *session_new_bosh(const struct session_world *world, const struct conf *conf, const char *sid,
	uint64_t number, const struct peer *peer, ms_t now);
struct session *session_new_websocket(
	const struct session_world *world, const struct conf *conf, uint64_t number, const struct peer *peer, ms_t now);
/* Nothing is told to anybody; session_close() does that. */
void session_free(struct session *s);

/* BOSH: a request was read; has its client left, and when it was refused, why. */
void
session_request(struct session *s, struct body *body, struct req_id req, bool has_left, enum closing refused, ms_t now);
/* BOSH: what happens to a request. */
void session_news(struct session *s, struct req_id req, struct req_fate fate, ms_t now);
/* BOSH: would a request with this rid be nothing new?  See bosh_is_old(). */
bool session_is_old(const struct session *s, uint64_t rid);
/*
 * WebSocket: n bytes have come of a message whose end has not, and take so
 * many to keep.  False: they are not to be kept, nor what follows.
 */
bool session_message_part(struct session *s, size_t n, size_t kept, ms_t now);
/* WebSocket: a complete text message. */
void session_message(struct session *s, struct slice text, ms_t now);
/* WebSocket: the connection takes output again. */
void session_client_writable(struct session *s, ms_t now);
/* WebSocket: the connection is gone. */
void session_client_gone(struct session *s, ms_t now);

/* The connection to the server stands, or is now TLS. */
void session_connected(struct session *s, enum upstream_leg leg, ms_t now);
/* Bytes from the server. */
void session_upstream(struct session *s, struct slice bytes, ms_t now);
/* The connection takes output again. */
void session_upstream_writable(struct session *s, ms_t now);
/* The connection is gone before the server's stream was the client's, and another is tried. */
void session_upstream_again(struct session *s, ms_t now);
/* The connection could not be made (CLOSING_CONNECT_FAILED, CLOSING_TLS_FAILED) or is gone (CLOSING_SERVER_GONE). */
void session_upstream_gone(struct session *s, enum closing reason, ms_t now);

/* Has something come that is to be read in portions? */
bool session_has_unread(const struct session *s);
/*
 * Reads the next portion of it with world's readers for what is large; true:
 * they are this session's until that is done.
 */
bool session_go_on(struct session *s, ms_t now);

/* Ends the session: both sides are told.  The first reason counts. */
void session_close(struct session *s, enum closing reason, ms_t now);
/* Time passed. */
void session_expire(struct session *s, ms_t now);
/* When session_expire() is due; MS_NEVER when not. */
ms_t session_deadline(const struct session *s);
/* Both sides know that the session has ended, as far as they can be told. */
bool session_is_told(const struct session *s);
/* Nobody is left to be told anything. */
bool session_is_done(const struct session *s, ms_t now);

#endif
