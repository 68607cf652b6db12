/*
 * parts.h: which stanzas an answer holds, in order: what can still be said of
 * them once their bytes are in its text.
 *
 *      <body ...> | part | part | part | </body>
 *
 * The parts of an answer are let go when the client is known to have it, and
 * become stanzas again when it is known not to.
 */
#ifndef CULVERT_PROTO_BOSH_PARTS_H
#define CULVERT_PROTO_BOSH_PARTS_H

#include "proto/xml/stanza.h"

struct part {
	enum stanza_kind kind;
	bool has_stream_prefix, is_returnable;
	size_t n; /* bytes */
};

struct parts {
	struct part *v;
	size_t n;
};

/* Notes what is in the queue; p must be empty. */
void parts_note(struct parts *p, const struct stanza_queue *q);
/* p is empty after. */
void parts_fini(struct parts *p);
void parts_count(const struct parts *p, struct stanza_tally *tally);
/* Those that the server would have back. */
size_t parts_returnable(const struct parts *p);
/* Puts what the answer holds in front of the queue, as it was when it was noted.  p is empty after. */
void parts_take_back(struct parts *p, struct slice answer, struct stanza_queue *q);

/* What memory they take. */
static inline size_t
parts_cost(const struct parts *p)
{
	return p->n * sizeof *p->v;
}

#endif
