/*
 * front.h: what bosh and websocket both offer, so that nobody behind it asks
 * which one it is.
 */
#ifndef CULVERT_SESSION_FRONT_H
#define CULVERT_SESSION_FRONT_H

#include "proto/bosh/bosh.h"
#include "proto/stream/websocket.h"

/* Owns one of the two. */
struct front {
	struct bosh *bosh;
	struct websocket *websocket;
};

void front_free(struct front *f);
/* "bosh" or "websocket". */
const char *front_name(const struct front *f);

/* What the client wants next: a stanza, or a STANZA_OPEN or STANZA_CLOSE mark; the caller's.  NULL when nothing. */
struct stanza *front_next_up(struct front *f);
/* The header of the stream the client asked for. */
const struct stream_header *front_header(const struct front *f);
/* The domain in it is served here.  A reason when something else in it is not right. */
enum closing front_served(struct front *f);
/* The server opened its stream. */
void front_opened(struct front *f, const struct stream_header *header);
/* A stanza for the client; takes it over. */
void front_give(struct front *f, struct stanza **st);
/* A stanza that the client will not come for any more, now the caller's; NULL when there is none, or it may get it. */
struct stanza *front_next_undelivered(struct front *f);
/* The session ends; the client is told.  The first reason counts. */
void front_close(struct front *f, enum closing reason, ms_t now);
/* When front_expire() is due. */
ms_t front_deadline(const struct front *f);
/* Time passed.  A reason means: the session is to be closed with it. */
enum closing front_expire(struct front *f, ms_t now);
/* The client knows that the session has ended; it may still lose the answer and ask again. */
bool front_is_told(const struct front *f);
/* The client knows all it will, or is gone. */
bool front_is_done(const struct front *f, ms_t now);
/* Bytes and cost waiting for the client. */
size_t front_queued(const struct front *f);
/* Bytes of answers kept for repeats. */
size_t front_kept(const struct front *f);
/* The same for what front_next_up() has yet to give. */
size_t front_queued_up(const struct front *f);

#endif
