/*
 * management.h: stream management with the server (XEP-0198) in the name of a
 * client that does not speak it itself, so that the server has back what the
 * client never received.
 *
 *      OPEN --<enable/> or <resume/> of the client--> CLIENTS
 *        |
 *        `--its first ordinary stanza--> ASKED --<enabled/>--> OURS
 *                                          `--<failed/>--> OFF
 *
 * Who comes first owns it.  Where we do, <enable/>, without resume, stands
 * immediately before the client's first stanza that is no bind or session iq:
 * behind presence it would be too late for what the server had kept.  Stanzas
 * that come before the client is bound wait for that.
 *
 * What h says.  h is the number of stanzas that are handled (4); it rises by
 * one behind the other, and never falls.  A stanza is handled
 *
 *      returnable messages (envelope.h)   when the client is known to have it;
 *      all others                         when it is taken over.
 *
 * So the server is never told more than the client has of those messages that
 * it would give back.  Of all others it would make errors that nobody can use:
 * presence from who is not offline, rooms that are left, carbons twice.
 *
 * Rules only: what the client has is for the front to prove.
 */
#ifndef CULVERT_PROTO_STREAM_MANAGEMENT_H
#define CULVERT_PROTO_STREAM_MANAGEMENT_H

#include "base/ms.h"
#include "proto/stream/upstream.h"
#include "proto/xml/stanza.h"

struct management;

struct management *management_new(void);
/* NULL is fine. */
void management_free(struct management *m);

/* An element of the client's for the server; takes it over.  What becomes of it: see management_next_up and _next_down. */
void management_up(struct management *m, const struct upstream_offer *offer, struct stanza **st, ms_t now);
/*
 * An element of the server's.  False: it was for us, and is not for the
 * client.  A message that the server would have back is marked so.
 */
bool management_down(struct management *m, struct stanza *st);
/* So many of those that were marked are known to be with the client, in all: the first ones. */
void management_proven(struct management *m, uint64_t returnable);
/* What waited for something that came, or for too long, goes on; and <a/> is due. */
void management_settle(struct management *m, const struct upstream_offer *offer, ms_t now);
/* When management_settle() is to be called, whatever happens; MS_NEVER when not. */
ms_t management_deadline(const struct management *m);
/*
 * The stream ends, or begins anew: what waits is let go, and the server gets
 * its last <a/>.  After that it is as new.
 */
void management_end(struct management *m);

/* What is to be sent to the server, in order; the caller's.  NULL when there is no more. */
struct stanza *management_next_up(struct management *m);
/* The same for the client: answers of ours. */
struct stanza *management_next_down(struct management *m);

/* Do we own it, and does the server count? */
bool management_is_ours(const struct management *m);
/* Has the client said that nobody looks at it (XEP-0352)? */
bool management_is_client_inactive(const struct management *m);
/* How many stanzas the server keeps, since it does not know that they are handled. */
uint32_t management_unhandled(const struct management *m);
/* How many of the stanzas that were sent the server has not said to have; the last it said may be some time ago. */
uint32_t management_unanswered(const struct management *m);
/* Bytes and cost of what waits for the client to be bound. */
size_t management_queued(const struct management *m);

#endif
