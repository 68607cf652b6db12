/*
 * envelope.h: what is written on a stanza, and what kind of message it is: so
 * much as is needed to give it back to who sent it.
 */
#ifndef CULVERT_PROTO_STREAM_ENVELOPE_H
#define CULVERT_PROTO_STREAM_ENVELOPE_H

#include "proto/xml/stanza.h"

/* Values of attributes as they are written; the quote of each stands right before it.  Not set: there is none. */
struct envelope {
	struct slice from, to, id, type;
};

/* s: an element, or the beginning of one.  What is borrowed from it ends with it. */
struct envelope envelope_read(struct slice s);

/* message, presence or iq by its start tag, or the beginning of one, with an unprefixed name; otherwise STANZA_OTHER. */
enum stanza_kind envelope_kind(struct slice tag);

/* The quote that a value stands in. */
static inline char
envelope_quote(struct slice value)
{
	return value.p[-1];
}

/*
 * Is it a copy of what others received, or was kept before: a carbon
 * (XEP-0280) or a result of an archive (XEP-0313)?  Only a child says so, not
 * what somebody has written into a text.
 */
bool envelope_is_copy(const struct stanza *st);

/*
 * Is it a message that a server keeps for a client that has not received it,
 * or returns to its sender (RFC 6121, 8.5.2; XEP-0160; XEP-0198, 4)?  chat and
 * normal are, which every type is that nobody knows (RFC 6121, 5.2.2).
 */
bool envelope_is_returnable(const struct stanza *st);

#endif
