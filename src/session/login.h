/*
 * login.h: what the log says of a session's logins, by SASL (RFC 6120, 6) or
 * SASL2 (XEP-0388): by which mechanism, how many have failed, and why.  Who
 * it was only with log.names, and never a password: of what the client sends,
 * no more than the name is kept.
 *
 *      session logged in session=7 mechanism=SCRAM-SHA-1 after_s=0.120
 *      session login failed session=7 ... mechanism=PLAIN condition=not-authorized failures=2
 */
#ifndef CULVERT_SESSION_LOGIN_H
#define CULVERT_SESSION_LOGIN_H

#include "session/session_parts.h"

/* The client begins one: its <auth/> or <authenticate/>. */
void login_begin(struct session *s, struct slice element);
/* The server's word: STANZA_SUCCESS, STANZA_SUCCESS2 or STANZA_FAILURE; of others nothing is said. */
void login_answer(struct session *s, enum stanza_kind kind, ms_t now);
/* NULL is fine. */
void login_free(struct login *l);

#endif
