/*
 * letter.h: what passes between those who have a BOSH request's connection and
 * those who own its session: values, with an encoding in which they may travel
 * to another thread or process.
 *
 *      who has the connection          who owns the session
 *         POST, NEWS       ---------->
 *                          <----------  REPLY, CUT
 *
 * All numbers are big-endian; texts and bodies come behind their length:
 *
 *      version (1)  kind (1)  generation (4)  worker (4)  slot (4)  use (8)
 *      POST:   flags (1)  kind (1)  listener (4)  address (16)  port (2)  body (4+n)
 *      NEWS:   event (1)  unsent (8)  sid (1+n)
 *      REPLY:  status (2)  content (1)  body (4+n)
 *      CUT:    nothing
 */
#ifndef CULVERT_SESSION_LETTER_H
#define CULVERT_SESSION_LETTER_H

#include "base/peer.h"
#include "base/req.h"
#include "base/slice.h"
#include "proto/bosh/content.h"

#define LETTER_VERSION 1

/* A request with a BOSH body.  The bytes are borrowed. */
struct post {
	struct req_id id;
	struct peer peer;
	bool has_left; /* the client has: these are its last words */
	struct slice body;
};

/* The answer to one.  The bytes are borrowed. */
struct reply {
	struct req_id id;
	unsigned status; /* of HTTP */
	enum content content;
	struct slice body;
	unsigned retry_after; /* seconds; 0: not said.  It does not travel: who is refused so was no other worker's. */
};

/* What happens to a request that named this sid. */
struct news {
	struct req_id id;
	struct slice sid;
	struct req_fate fate;
};

enum letter_kind {
	LETTER_NONE,
	LETTER_POST,
	LETTER_NEWS,
	LETTER_REPLY,
	LETTER_CUT, /* there is no answer: the connection of the request is to be closed */
};

struct letter {
	enum letter_kind kind;
	union {
		struct post post;
		struct news news;
		struct reply reply;
		struct req_id cut;
	} u;
};

/* How many bytes letter_write() writes. */
size_t letter_size(const struct letter *letter);
void letter_write(const struct letter *letter, char *out);
/* False when the bytes are no letter of this version.  What is read points into them. */
bool letter_read(struct slice bytes, struct letter *letter);

#endif
