/*
 * custody.h: what becomes of stanzas whose client or server is lost: where
 * management.h is used, what is answered instead, and what the log says.
 * Only session.c, session_pump.c and server_side.c call this.
 */
#ifndef CULVERT_SESSION_CUSTODY_H
#define CULVERT_SESSION_CUSTODY_H

#include "session/session_parts.h"

/* The client's stream to this session's domain begins. */
void custody_begin(struct session *s);
/* It begins anew, or ends: the server learns how far the client came. */
void custody_end(struct session *s);
/* Sends an element to the server, or keeps it, or answers it; takes it over. */
void custody_up(struct session *s, struct stanza **st, ms_t now);
/* An element of the server's, which is still the caller's.  False: it is not for the client. */
bool custody_down(struct session *s, struct stanza *st);
/* Once in each event, when stanzas have moved: what is due to be told is. */
void custody_settle(struct session *s, ms_t now);
/* When custody_settle() is due. */
ms_t custody_deadline(const struct session *s);
/* Bytes and cost of stanzas that wait until the client is bound. */
size_t custody_queued(const struct session *s);

/*
 * The session ends for this reason, and nobody will come for what waits: who
 * sent it is answered, but for what the server has back (XEP-0206, 7).
 */
void custody_return(struct session *s, enum closing reason);
/*
 * The connection to the server is gone.  What was not sent is answered while
 * the client listens; of what was, the log says how much the server has not
 * confirmed: an error might make somebody send it twice.
 */
void custody_server_lost(struct session *s);

#endif
