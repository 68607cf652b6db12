/*
 * front.h: the client's side of a session.  A transport is a complete table of
 * what it offers, so that nobody behind it asks which one it is: a third one
 * would be one more table.
 *
 *      front_bosh.c       what BOSH offers, and what it alone can be asked
 *      front_websocket.c  the same of WebSocket
 */
#ifndef CULVERT_SESSION_FRONT_H
#define CULVERT_SESSION_FRONT_H

#include "conf/conf.h"
#include "proto/bosh/seek.h"
#include "proto/closing.h"
#include "proto/stream/stream_header.h"
#include "proto/xml/stanza.h"
#include "session/outlet.h"

struct front;

struct transport {
	const char *name;
	/* Its client can be kept from sending.  One that cannot has to go when too much of what it sent waits here. */
	bool can_pause;
	/* A client that ends its stream has its answer once the server has ended its own; otherwise at once. */
	bool waits_for_server;
	/* confirmed() says what its client has received, and not only what was sent. */
	bool has_proof;
	/* The largest element that goes into what the client sends at a time. */
	size_t (*outer_limit)(const struct conf *conf);

	void (*free)(struct front *f);

	/* What the client wants next: a stanza, or a STANZA_OPEN or STANZA_CLOSE mark; the caller's.  NULL when nothing. */
	struct stanza *(*next_up)(struct front *f);
	/* The header of the stream the client asked for. */
	const struct stream_header *(*header)(const struct front *f);
	/* The domain in it is served here.  A reason when something else in it is not right. */
	enum closing (*served)(struct front *f);

	/* The server opened its stream. */
	void (*opened)(struct front *f, const struct stream_header *header);
	/* A stanza for the client; takes it over. */
	void (*give)(struct front *f, struct stanza **st);
	/* A stanza that the client will not come for any more, the caller's; NULL when there is none, or it may get it. */
	struct stanza *(*next_undelivered)(struct front *f);
	/*
	 * What the client is not known to have is undelivered from now on: nobody will prove it any more.  How many
	 * stanzas these are; next_undelivered has them first.
	 */
	size_t (*recall)(struct front *f);
	/* How much somebody wants to know what the client has; where there is no proof, nothing comes of it. */
	void (*seek)(struct front *f, enum seek seek);
	/* The session ends; the client is told.  The first reason counts. */
	void (*close)(struct front *f, enum closing reason, ms_t now);
	/* Hands over what can be sent now.  To be called once after a batch of the above, and when time has passed. */
	void (*flush)(struct front *f, const struct outlet *outlet, struct session *s, ms_t now);

	/* When expire is due. */
	ms_t (*deadline)(const struct front *f);
	/* Time passed.  A reason means: the session is to be closed with it. */
	enum closing (*expire)(struct front *f, ms_t now);
	/* The client knows that the session has ended; it may still lose the answer and ask again. */
	bool (*is_told)(const struct front *f);
	/* The client knows all it will, or is gone. */
	bool (*is_done)(const struct front *f, ms_t now);

	/*
	 * Of the messages, presence and iq given: how many the client has as far as anybody can know.  They are the
	 * first ones, unless a page was loaded anew: what was unproven then is never counted.  It never falls.
	 */
	struct stanza_tally (*confirmed)(const struct front *f);
	/* Bytes and cost waiting for the client, */
	size_t (*queued)(const struct front *f);
	/* and of what next_up has yet to give. */
	size_t (*queued_up)(const struct front *f);
	/* Bytes of answers kept for repeats. */
	size_t (*kept)(const struct front *f);
};

/* Owns what it is; only the transport's own file looks at that. */
struct front {
	const struct transport *transport;
	union {
		struct bosh *bosh;
		struct websocket *websocket;
	} of;
};

#endif
