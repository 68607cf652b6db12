/*
 * frame.h: the rules of one XMPP stream over WebSocket (RFC 7395): <open/>
 * first, one complete element per message, <close/> at the end.
 */
#ifndef CULVERT_PROTO_FRAME_H
#define CULVERT_PROTO_FRAME_H

#include "base/ms.h"
#include "proto/closing.h"
#include "proto/header.h"
#include "proto/stanza.h"
#include "proto/xml.h"

#define FRAME_NS "urn:ietf:params:xml:ns:xmpp-framing"

/* Reads messages; one serves any number of streams. */
struct frame_reader;

struct frame_reader *frame_reader_new(struct xml_limits limits);
/* See xml_seed(). */
void frame_reader_seed(struct frame_reader *r, uint64_t seed);
void frame_reader_free(struct frame_reader *r);

struct frame;

/* id: of our own <open/>, when the server's does not come before an error (RFC 6120, 4.7.3: nobody can guess it). */
struct frame *frame_new(struct slice id);
void frame_free(struct frame *f);

/* A text message, put together from its fragments.  A reason means: call frame_close() with it. */
enum closing frame_message(struct frame *f, struct frame_reader *r, struct slice text);
/* The WebSocket is gone: nothing more will be sent. */
void frame_gone(struct frame *f);

/* What the client wants next: a stanza for the server, or a STANZA_OPEN or STANZA_CLOSE mark.  NULL when nothing. */
struct stanza *frame_next_up(struct frame *f);
/* The header of the stream the client asked for: to, from, lang, version. */
const struct header *frame_header(const struct frame *f);
/* The domain in it is one of ours, and may be called so.  A reason when the version is not. */
enum closing frame_served(struct frame *f);

/* The server opened its stream: <open/> goes to the client (3.4). */
void frame_opened(struct frame *f, const struct header *header);
/* An element for the client; takes it over. */
void frame_give(struct frame *f, struct stanza **st);
/*
 * Ends the stream: a stream error when the reason has one, then <close/>
 * (3.5, 3.6), then the closing handshake.  Later calls change nothing.
 */
void frame_close(struct frame *f, enum closing reason, ms_t now);

/* The next message to send, or NULL.  It stays until frame_sent(). */
struct stanza *frame_first_out(struct frame *f);
void frame_sent(struct frame *f);
/* Everything is sent and the client has said <close/>, or need not: start the WebSocket closing handshake with *code. */
bool frame_wants_hangup(const struct frame *f, ms_t now, unsigned *code);
/* When frame_wants_hangup() may change by time alone. */
ms_t frame_deadline(const struct frame *f);
/* The WebSocket is gone and so is the stream. */
bool frame_is_done(const struct frame *f);

/* Bytes and cost waiting for the client. */
size_t frame_queued(const struct frame *f);
/* The same for what frame_next_up() has yet to give. */
size_t frame_queued_up(const struct frame *f);

#endif
