/*
 * answered.h: which requests the client has answered lately, so that none of
 * them gets a second answer in its name when the client is gone (RFC 6120,
 * 8.2.3: one answer).
 *
 * A request is known by who sent it and by its id, as a hash of both: what is
 * compared are few numbers, however many requests and answers there are.
 */
#ifndef CULVERT_PROTO_STREAM_ANSWERED_H
#define CULVERT_PROTO_STREAM_ANSWERED_H

#include "proto/xml/stanza.h"

/* So many answers are remembered; a client that has shown nothing since has not given more. */
#define ANSWERED_MAX 32

/* Zeroed: none. */
struct answered {
	uint64_t v[ANSWERED_MAX];
	unsigned next;
};

/* Is it an iq of type result or error? */
bool answered_is_answer(const struct stanza *st);
/* The client gives this answer. */
void answered_note(struct answered *a, const struct stanza *answer);
/* The server has this for the client: a request with the sender and id of one that was answered is a new one. */
void answered_ask(struct answered *a, const struct stanza *st);
/* Has the client answered this?  a may be NULL: it has answered nothing. */
bool answered_has(const struct answered *a, const struct stanza *st);

#endif
