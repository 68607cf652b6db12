/*
 * registry.h: the sessions of one worker: sid to session, deadlines, the end
 * of all.  It answers every BOSH request: by the session it belongs to, with
 * an error, or with the owner to hand it to.
 */
#ifndef CULVERT_SESSION_REGISTRY_H
#define CULVERT_SESSION_REGISTRY_H

#include "session/context.h"
#include "session/session.h"

struct registry;

/* All pointers must outlive it. */
struct registry *registry_new(struct context *context, const struct outlet *outlet);
/* Frees the sessions too, telling nobody. */
void registry_free(struct registry *r);

enum registry_verdict {
	REGISTRY_TAKEN,   /* an answer comes through the outlet, now or later, or forward() does */
	REGISTRY_FORWARD, /* the session is somebody else's; hand the bytes over */
};

/*
 * A BOSH body came in.  It is not parsed when it is plain to see that the
 * session is another worker's.  The sid is written, "" when there is none.
 * *owner is set for REGISTRY_FORWARD.
 */
enum registry_verdict
registry_post(struct registry *r, const struct post *post, ms_t now, char sid[SID_MAX], struct owner *owner);
/*
 * Reads the next portions of what is large; false when nothing is left to be
 * read.  To be called once in each turn.
 */
bool registry_run(struct registry *r, ms_t now);
/* Something happens to a request that named a sid, any sid.  *owner is set for REGISTRY_FORWARD. */
enum registry_verdict registry_news(struct registry *r, const struct news *news, ms_t now, struct owner *owner);

/*
 * A WebSocket connection stands.  The session is the registry's; the caller
 * calls session_*() for its events.  Whoever took the last place since
 * admission_ask() has it: the session ends as soon as it is due.
 */
struct session *registry_websocket(struct registry *r, const struct peer *peer, ms_t now);

/* The earliest deadline of all sessions. */
ms_t registry_deadline(const struct registry *r);
/* Expires what is due. */
void registry_expire(struct registry *r, ms_t now);
/*
 * Frees the sessions that are done.  To be called when no session's event is
 * being handled; before_free is told each, so that what hangs on io can go.
 */
void registry_reap(struct registry *r, void (*before_free)(void *arg, struct session *s), void *arg);

/*
 * From now on until then the sessions there are end one after the other, for
 * this reason; who wants to begin one is told so too.  registry_expire() goes
 * on with it.
 */
void registry_drain(struct registry *r, enum closing reason, ms_t until, ms_t now);
/* Ends all sessions at once; who wants to begin one is told so too. */
void registry_close_all(struct registry *r, enum closing reason, ms_t now);
/* Gives all sessions up, telling nobody: the next registry_reap() frees them. */
void registry_bury_all(struct registry *r);
/* After registry_close_all(): does everybody know? */
bool registry_is_told(const struct registry *r);
size_t registry_count(const struct registry *r);

#endif
