/*
 * session_pump.h: the only place where stanzas pass between the two sides of a
 * session, where a side is kept from sending more than the other takes, and
 * where a session ends.
 */
#ifndef CULVERT_SESSION_SESSION_PUMP_H
#define CULVERT_SESSION_SESSION_PUMP_H

#include "session/session_parts.h"

/*
 * Moves stanzas until nothing moves, hands output over, and tells the world:
 * to be called once at the end of each event.  A reason ends the session, the
 * first one counts.  Must not be called by what it calls.
 */
void session_pump(struct session *s, enum closing closing, ms_t now);

/* It is over, and counts no more (quota.h). */
void session_give_back(struct session *s);
/* Of what the client said and is not read yet, nothing counts any more. */
void session_drop_unread(struct session *s);

#endif
