/*
 * ending.h: how a BOSH client learns that its session is over.  Requests that
 * wait are answered; the first to come learns it if none did; for a while a
 * client that lost an answer may ask for it again.
 */
#ifndef CULVERT_PROTO_BOSH_ENDING_H
#define CULVERT_PROTO_BOSH_ENDING_H

#include "proto/bosh/answers.h"
#include "proto/bosh/ring.h"

/* How long the end of a session is remembered for a client that lost the answer and asks again. */
#define ENDING_REMEMBERED 10000

struct ending {
	bool has_culprit; /* the request that broke a rule */
	struct req_id culprit;
	bool is_told, has_told_rid;
	uint64_t told_rid; /* the request that learnt of it, if it has no slot */
	char *terminal;
	size_t n_terminal;
	unsigned copies; /* so many were given it, at last: */
	struct req_id copy;
	unsigned status;           /* of the answer with it */
	unsigned status_not_found; /* of answers to those who come too late */
};

void ending_fini(struct ending *e);

/* This request broke a rule, and has no slot (any more). */
void ending_accuse(struct ending *e, struct req_id req);
/* The same, with its rid. */
void ending_accuse_rid(struct ending *e, struct req_id req, uint64_t rid);

/*
 * The session is over; takes the terminal body.  Answers the culprit and all
 * that wait: the oldest with the terminal body if there is no culprit (13).
 */
void ending_begin(struct ending *e, char *terminal, size_t n, const struct ring *ring, struct answers *answers);
/* The connection of a request is gone, and its answer, if it had one, was not read.  True: so nobody knows of the end. */
bool ending_gone(struct ending *e, struct req_id req);
/* A request came after that.  True: it was the first to learn of it. */
bool
ending_request(struct ending *e, const struct ring *ring, struct answers *answers, uint64_t rid, struct req_id req);
/* One that cannot be understood, or shows the wrong key. */
void ending_refuse(struct ending *e, struct answers *answers, struct req_id req, bool is_stranger);

#endif
