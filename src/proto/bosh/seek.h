/*
 * seek.h: a client shows what it has received by going on.  One that waits
 * and says nothing is given reason to: a request that is held is answered
 * empty, and the next one that comes proves something.
 *
 * While something is unproven and the session is idle, such answers go out
 * some seconds apart, as many as it takes to prove it; then more and more
 * seldom.  What is done anyway, or was done a moment ago, counts as well.
 */
#ifndef CULVERT_PROTO_BOSH_SEEK_H
#define CULVERT_PROTO_BOSH_SEEK_H

#include "base/ms.h"

/* How much somebody wants to know what the client has. */
enum seek {
	SEEK_NOT,
	SEEK_CALMLY,
	SEEK_URGENTLY, /* much is unproven */
};

struct seeking {
	enum seek how;
	unsigned releases; /* since something new was given to the client */
	ms_t moved_at;     /* a request came, or an answer went */
};

/* A request came or an answer went out. */
void seeking_moved(struct seeking *k, ms_t now);
/* The answer held what is to be proven, or something has been: it begins anew. */
void seeking_begin(struct seeking *k);
/* A request was answered empty to learn something. */
void seeking_released(struct seeking *k);
/* When the next is due; margin: so many requests further on, something is proven. */
ms_t seeking_due(const struct seeking *k, unsigned margin);

#endif
