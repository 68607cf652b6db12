/*
 * ring.h: the requests of one BOSH session, in a ring of slots found by rid.
 * Two counters divide the rids a session knows:
 *
 *         answered, bytes kept     held           may come early
 *      ...|-----------------------|--------------|----------------|...
 *         answer_rid - kept       answer_rid     next_rid         next_rid + window
 *
 * Both go up, but for one thing: the last answer may turn out to have reached
 * nobody, and its request is held again.
 *
 * No rules: bosh.c has them.
 */
#ifndef CULVERT_PROTO_BOSH_RING_H
#define CULVERT_PROTO_BOSH_RING_H

#include "base/ms.h"
#include "base/req.h"
#include "base/state.h"
#include "proto/bosh/body.h"
#include "proto/bosh/parts.h"
#include "proto/stream/stream_header.h"
#include "proto/xml/stanza.h"

enum slot_state {
	SLOT_FREE,
	SLOT_EARLY,    /* arrived before one with a lower rid */
	SLOT_HELD,     /* taken up, to be answered */
	SLOT_ANSWERED, /* reply is kept for repeats; gone: nobody has it */
};

struct ring_slot {
	enum slot_state state; /* only ring.c sets it */
	bool gone;             /* nobody waits for the answer: the connection is gone, or has been answered early */
	bool has_copies;       /* of the answer, that went out before the last one, and may have been read */
	bool is_empty;         /* the client sent nothing but the request itself */
	bool has_payload;      /* the answer has */
	bool has_greeting;     /* the answer says who the server is */
	bool terminate, has_pause;
	bool is_extra;       /* the client may have it open beyond "requests": it pauses or terminates */
	unsigned repeats;    /* in quick succession */
	uint64_t rid, heard; /* heard: the client has all answers up to this one, it says; 0: it does not */
	struct req_id req;
	ms_t arrived_at, repeated_at, deadline, answered_at, pause;
	struct stream_header *restart; /* what the client wrote into a restart request; NULL: it is none */
	struct stanza_queue payload;
	char *reply; /* NULL: the empty body */
	size_t n_reply;
	struct parts parts; /* that the reply holds and the client is not known to have */
};

struct ring {
	const struct trace *trace;
	struct ring_slot *v;
	unsigned n; /* 0: no request yet */
	unsigned n_early;
	uint64_t next_rid, answer_rid;
	size_t kept;       /* bytes of answers and of what is known of their parts */
	size_t returnable; /* stanzas in them that the server would have back */
};

/* A ring that can hold n rids, the first of which is to be rid.  s must be zeroed, trace outlive it. */
void ring_init(struct ring *s, unsigned n, uint64_t rid, const struct trace *trace);
void ring_fini(struct ring *s);

/* The slot for a rid, whosever it is now. */
static inline struct ring_slot *
ring_at(const struct ring *s, uint64_t rid)
{
	return &s->v[rid % s->n];
}

/* The slot of this rid; NULL when it is not known, or not any more. */
struct ring_slot *ring_find(const struct ring *s, uint64_t rid);
/* The slot of this request, unless another one with its rid came after it; NULL when there is none. */
struct ring_slot *ring_request(const struct ring *s, struct req_id req);

/* The slot becomes the body's, whose payload it takes, as one that came early.  What it held before is forgotten. */
struct ring_slot *ring_fill(struct ring *s, struct body *body, struct req_id req, ms_t now);
/* The early request with next_rid joins those that are held. */
struct ring_slot *ring_take_up(struct ring *s);
/* The oldest held request is answered: with what, is ring_reply()'s to say. */
struct ring_slot *ring_answer(struct ring *s, ms_t now);
/* That is the answer, malloc()ed, and now the slot's, as are its parts. */
void ring_reply(struct ring *s, struct ring_slot *slot, char *reply, size_t n, struct parts *parts);
/* The last answer reached nobody: what it holds goes in front of the queue, and its request is held. */
void ring_take_back(struct ring *s, struct ring_slot *slot, struct stanza_queue *down);
void ring_forget(struct ring *s, struct ring_slot *slot);
/* Forgets answers to rids below this one. */
void ring_forget_below(struct ring *s, uint64_t rid);

static inline unsigned
ring_held(const struct ring *s)
{
	return (unsigned) (s->next_rid - s->answer_rid);
}

/* The client has all answers to rids up to this one: what they held is counted, once. */
void ring_confirm(struct ring *s, uint64_t rid, struct stanza_tally *tally);
/*
 * What the client is not known to have goes in front of the queue, in order;
 * how many stanzas.  The answers are still there for who asks again.
 */
size_t ring_recall(struct ring *s, struct stanza_queue *down);
/* What the client is not known to have by now, it will never be. */
void ring_disclaim(struct ring *s);
/*
 * The lowest of these rids, from and below, whose connection is gone while it
 * was held or before its answer was read, and that was not repeated since; 0:
 * there is none.
 */
uint64_t ring_abandoned(const struct ring *s, uint64_t from, uint64_t below);
/* Is there an answer to a rid below this one that the client is not known to have? */
bool ring_has_unproven(const struct ring *s, uint64_t rid);
/* Holds n rids from now on, if those are more.  Pointers to slots are not good any more. */
void ring_grow(struct ring *s, unsigned n);

/* Is there a held request whose client is still there to read an answer? */
bool ring_has_live(const struct ring *s);
/* The same, or one that came early. */
bool ring_has_waiting(const struct ring *s);
/* Has a held request, whose client is still there, waited long enough? */
bool ring_is_overdue(const struct ring *s, ms_t now);
/* When the first request that waits, held or early, has waited long enough. */
ms_t ring_deadline(const struct ring *s);

/* What waits in requests that came early: for the one that is missing. */
size_t ring_queued(const struct ring *s);
/* It will not be needed: the missing one is of no use any more. */
void ring_discard(struct ring *s);

#endif
