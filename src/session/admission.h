/*
 * admission.h: quota.h for the sessions of one worker: what is refused is
 * counted and, once for each address and minute, written into the log.
 *
 *      admission_ask()     an upgrade to WebSocket, before it is answered
 *      admission_enter()   a session begins
 *      admission_failed()  a login of it has failed
 */
#ifndef CULVERT_SESSION_ADMISSION_H
#define CULVERT_SESSION_ADMISSION_H

#include "base/log.h"
#include "session/counters.h"
#include "session/quota.h"

/* What is asked, and who is told; all is borrowed. */
struct admission {
	struct quota *quota;
	const struct log *log;
	struct counters *counters;
};

/* False: not now; *retry_after says, in whole seconds and at least 1, when it may be worth another try. */
bool admission_ask(const struct admission *a, const struct peer *peer, ms_t now, unsigned *retry_after);
/* The same; true: it is counted, and the ticket is for quota_leave(). */
bool admission_enter(const struct admission *a, const struct peer *peer, ms_t now, struct quota_ticket *ticket,
	unsigned *retry_after);
/* False when that was one too many. */
bool admission_failed(const struct admission *a, const struct peer *peer, const struct quota_ticket *ticket, ms_t now);

#endif
