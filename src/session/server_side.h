/*
 * server_side.h: a session's connection to its server: from the domain the
 * client names to the end tag of the server.
 *
 *      NONE --open--> CONNECTING --connected--> OPEN --close--> CLOSING or CUTTING --written--> GONE
 *                         ^                      |
 *                         `------start_tls-------'
 *
 * pass_on and again lead from OPEN back to CONNECTING, forget and drop to GONE
 * from anywhere.  Only session.c and its session_pump.c call this.
 */
#ifndef CULVERT_SESSION_SERVER_SIDE_H
#define CULVERT_SESSION_SERVER_SIDE_H

#include "session/session_parts.h"

/* How long the server has to answer our end tag. */
#define SERVER_CLOSE_WAIT 3000

/* The client opens its stream, or opens it anew.  A reason: it may not, or not now. */
enum closing server_side_open(struct session *s, ms_t now);
/* The connection stands, or is now TLS. */
void server_side_connected(struct session *s, enum upstream_leg leg, ms_t now);
/*
 * For this reason the session would end.  True: it does not, since the server
 * is to blame, its stream is not the client's yet, and another is tried.
 */
bool server_side_pass_on(struct session *s, enum closing reason);
/* The connection is gone, and another is tried: from the beginning.  Not where the session has ended: then it is dropped. */
void server_side_again(struct session *s);
/* The server has opened the client's stream: the log says which server it is, and how it was reached.  Once. */
void server_side_announce(struct session *s, ms_t now);
/* The session ends because of its server, before that: the log says which server it is.  To be called while it is connected. */
void server_side_blame(struct session *s, enum closing reason, ms_t now);
/* The server has sent <stream:error/>: the log says which, and with what words. */
void server_side_tell_error(const struct session *s);
/* Is there a connection to the server that can be written to? */
bool server_side_stands(const struct session *s);
/* The server agreed to TLS: nothing is written or read here until it stands. */
void server_side_start_tls(struct session *s);
/* Writes what the connection takes.  One that was to be dropped after that is. */
void server_side_write(struct session *s);

/*
 * Only the client itself ends a session that its server would keep for it
 * (RFC 7395, 3.6; XEP-0198, 5).  For any other reason the server sees the
 * connection break, and the client may come back for what it has not received.
 */
bool server_side_stays_resumable(const struct session *s, enum closing reason);
/* domains.*.keepalive: when keep_by is over. */
void server_side_keep(struct session *s, ms_t now);
/* The server gets what was sent before, then our end tag, and a while to say its own. */
void server_side_close(struct session *s, enum closing reason, ms_t now);
/* The connection is dropped, if there is one, */
void server_side_drop(struct session *s);
/* or is gone.  The session may be remembered for a while, what was for its server need not be. */
void server_side_forget(struct session *s);

#endif
