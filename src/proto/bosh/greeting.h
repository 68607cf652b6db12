/*
 * greeting.h: what client and server say of themselves: the header of the
 * client's stream on its way up, that of the server's in the creation response
 * (XEP-0124, 7.2; XEP-0206, 4), or in a later one when it comes late.
 */
#ifndef CULVERT_PROTO_BOSH_GREETING_H
#define CULVERT_PROTO_BOSH_GREETING_H

#include "base/buf.h"
#include "proto/bosh/terms.h"
#include "proto/closing.h"
#include "proto/stream/stream_header.h"

struct greeting {
	struct stream_header client, server;
	bool is_opened;  /* the server has opened its stream */
	bool is_due;     /* and the client has not been told of it */
	char *told_from; /* who the client was told it talks to */
};

void greeting_fini(struct greeting *g);

/* The creation request.  It must say whom it wants. */
enum closing greeting_create(struct greeting *g, const struct body *body);
/*
 * A restart request (XEP-0206, 5): a new stream for the same domain, with
 * what the client says of itself now.
 */
enum closing greeting_restart(struct greeting *g, struct stream_header *said);
/* The server opened its stream. */
void greeting_opened(struct greeting *g, const struct stream_header *h);

/* What a creation response has to say besides the terms. */
void greeting_write_creation(struct greeting *g, struct buf *out);
/* The same for a later response, if anything is due. */
void greeting_write_late(struct greeting *g, struct buf *out);
/* What was written last reached nobody: it is due again. */
void greeting_take_back(struct greeting *g);

#endif
