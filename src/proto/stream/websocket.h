/*
 * websocket.h: the rules of one XMPP stream over WebSocket (RFC 7395): <open/>
 * first, one complete element per message, <close/> at the end.
 */
#ifndef CULVERT_PROTO_STREAM_WEBSOCKET_H
#define CULVERT_PROTO_STREAM_WEBSOCKET_H

#include "base/ms.h"
#include "base/state.h"
#include "proto/closing.h"
#include "proto/stream/stream_header.h"
#include "proto/xml/stanza.h"
#include "proto/xml/xml.h"

#define WEBSOCKET_NS "urn:ietf:params:xml:ns:xmpp-framing"

/* Reads messages; one serves any number of streams. */
struct websocket_reader;

/* xml is borrowed. */
struct websocket_reader *websocket_reader_new(struct xml *xml);
void websocket_reader_free(struct websocket_reader *r);

struct websocket;

/* id: of our own <open/>, when the server's does not come before an error (RFC 6120, 4.7.3: nobody can guess it).  trace must outlive it. */
struct websocket *websocket_new(struct slice id, const struct trace *trace);
void websocket_free(struct websocket *w);

/* A text message, put together from its fragments.  A reason means: call websocket_close() with it. */
enum closing
websocket_message(struct websocket *w, struct websocket_reader *r, struct xml_limits limits, struct slice text);
/*
 * The same in portions: to be called with the same until *is_done.  Meanwhile
 * reader and text are this stream's; websocket_reader_abandon() ends it before.
 */
enum closing websocket_portion(
	struct websocket *w, struct websocket_reader *r, struct xml_limits limits, struct slice text, bool *is_done);
void websocket_reader_abandon(struct websocket_reader *r);
/* The WebSocket is gone: nothing more will be sent. */
void websocket_gone(struct websocket *w);

/* What the client wants next: a stanza for the server, or a STANZA_OPEN or STANZA_CLOSE mark.  NULL when nothing. */
struct stanza *websocket_next_up(struct websocket *w);
/* The header of the stream the client asked for: to, from, lang, version. */
const struct stream_header *websocket_header(const struct websocket *w);
/* The domain in it is one of ours, and may be called so.  A reason when the version is not. */
enum closing websocket_served(struct websocket *w);

/* The server opened its stream: <open/> goes to the client (3.4). */
void websocket_opened(struct websocket *w, const struct stream_header *header);
/* An element for the client; takes it over. */
void websocket_give(struct websocket *w, struct stanza **st);
/*
 * Ends the stream: a stream error when the reason has one, then <close/>
 * (3.5, 3.6), then the closing handshake.  Later calls change nothing.
 */
void websocket_close(struct websocket *w, enum closing reason, ms_t now);

/* The next message to send, or NULL.  It stays until websocket_sent(). */
struct stanza *websocket_first_out(struct websocket *w);
void websocket_sent(struct websocket *w, ms_t now);
/*
 * Once everything is sent and the client has said <close/>, or need not: true,
 * start the WebSocket closing handshake with *code.  When that does not come to
 * an end, nor the client takes what is left: true again, with 0; cut the connection.
 */
bool websocket_next_hangup(struct websocket *w, ms_t now, unsigned *code);
/* When websocket_next_hangup() may change by time alone. */
ms_t websocket_deadline(const struct websocket *w);
/* The WebSocket is gone and so is the stream. */
bool websocket_is_done(const struct websocket *w);

/* Messages, presence and iq that were sent. */
struct stanza_tally websocket_confirmed(const struct websocket *w);
/* Bytes and cost waiting for the client. */
size_t websocket_queued(const struct websocket *w);
/* The same for what websocket_next_up() has yet to give. */
size_t websocket_queued_up(const struct websocket *w);

#endif
