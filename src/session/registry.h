/*
 * registry.h: the sessions of one worker: sid to session, deadlines, the end
 * of all.  It answers every BOSH request: by the session it belongs to, with
 * an error, or with the number of the worker to hand it to.
 */
#ifndef CULVERT_SESSION_REGISTRY_H
#define CULVERT_SESSION_REGISTRY_H

#include "session/session.h"

struct registry;

struct registry_config {
	const struct outlet *outlet;
	const struct hooks *hooks;
	const struct log *log;
	struct counters *counters;
	struct sid_prefix prefix; /* node must outlive the registry */
	unsigned worker, n_workers;
};

/* conf is referenced. */
struct registry *registry_new(const struct registry_config *config, const struct conf *conf);
/* Another configuration, for sessions to come; those there are keep theirs. */
void registry_set_conf(struct registry *r, const struct conf *conf);
/* Frees the sessions too, telling nobody. */
void registry_free(struct registry *r);

/*
 * The worker that owns the session a body names, found without parsing it;
 * this worker when the body names none.  *sid is set, or unset when there is none.
 */
unsigned registry_owner(const struct registry *r, struct slice body, struct slice *sid);

enum registry_verdict {
	REGISTRY_TAKEN,   /* an answer comes through the outlet, now or later */
	REGISTRY_FORWARD, /* the session is another worker's; hand the bytes over */
};

/* A BOSH body came in.  *worker is set for REGISTRY_FORWARD. */
enum registry_verdict registry_post(
	struct registry *r, struct req_id req, struct slice body, const struct peer *peer, ms_t now, unsigned *worker);
/* The sid of the session that the last registry_post() went to, unset when none; to be asked right after it. */
struct slice registry_posted(const struct registry *r);
/* Which worker a sid belongs to.  False when it is no sid of this process. */
bool registry_worker(const struct registry *r, struct slice sid, unsigned *worker);
/* The connection of a request that named this sid is gone (any sid, also unknown ones). */
void registry_gone(struct registry *r, struct slice sid, struct req_id req, ms_t now);

/* The client of a request that named this sid has sent more behind it on the same connection. */
void registry_hurry(struct registry *r, struct slice sid, struct req_id req, ms_t now);

/* Large answers of the session with this sid: n bytes more, or, below zero, less are on their way to its client. */
void registry_unsent(struct registry *r, struct slice sid, ssize_t n, ms_t now);

/* A WebSocket connection stands.  The session is the registry's; the caller calls session_*() for its events. */
struct session *registry_websocket(struct registry *r, const struct peer *peer, ms_t now);

/* What the sessions keep is counted here; whoever else keeps something for a peer of this worker counts it here too. */
struct budget *registry_budget(struct registry *r);

/* The earliest deadline of all sessions. */
ms_t registry_deadline(const struct registry *r);
/* Expires what is due. */
void registry_expire(struct registry *r, ms_t now);
/*
 * Frees the sessions that are done.  To be called when no session's event is
 * being handled; before_free is told each, so that what hangs on io can go.
 */
void registry_reap(struct registry *r, void (*before_free)(void *arg, struct session *s), void *arg);

/* Ends all sessions; who wants to begin one by BOSH is told so too. */
void registry_close_all(struct registry *r, enum closing reason, ms_t now);
/* Gives all sessions up, telling nobody: the next registry_reap() frees them. */
void registry_bury_all(struct registry *r);
/* After registry_close_all(): does everybody know? */
bool registry_is_told(const struct registry *r);
size_t registry_count(const struct registry *r);

#endif
