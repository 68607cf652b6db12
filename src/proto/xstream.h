/*
 * xstream.h: the rules of one native XMPP stream to the server (RFC 6120, 4):
 * our header, its header, features, elements both ways, restart, the end.
 *
 * Transparent: every element passes as it is.  Only what belongs to this hop
 * is touched: the headers, and <starttls/> and <compression/> in the features
 * (they would be negotiated with us, not with the client).
 */
#ifndef CULVERT_PROTO_XSTREAM_H
#define CULVERT_PROTO_XSTREAM_H

#include <sys/uio.h>

#include "proto/closing.h"
#include "proto/header.h"
#include "proto/stanza.h"
#include "proto/xml.h"

struct xstream;

/* When to ask the server for TLS (STARTTLS; RFC 6120, 5). */
enum xstream_tls {
	XSTREAM_TLS_OFF,         /* never; a server that demands it is refused */
	XSTREAM_TLS_IF_REQUIRED, /* when it demands it, or offers no way to log in without */
	XSTREAM_TLS_OPTIONAL,    /* when it offers it */
	XSTREAM_TLS_REQUIRED,    /* always; a server that does not offer it is refused */
};

/* How safe the bytes are on their way. */
enum xstream_leg {
	XSTREAM_EXPOSED,
	XSTREAM_LOCAL, /* they do not leave this machine */
	XSTREAM_SECURE, /* TLS */
};

/* limits bound one element from the server; pool as for xml_share().  TLS is off until xstream_set_tls(). */
struct xstream *xstream_new(struct xml_limits limits, struct primer_pool *pool);
void xstream_set_tls(struct xstream *x, enum xstream_tls tls);
/* The largest element of the client's that passes; the server's <limits/> are lowered to it (XEP-0478). */
void xstream_set_max_bytes(struct xstream *x, size_t max_bytes);
void xstream_free(struct xstream *x);

/*
 * Opens the stream, or opens it anew on the same connection (4.3.3): queues
 * our header with to, lang and version of h, and from when the bytes travel
 * where nobody else can read them (4.7.1).
 */
void xstream_open(struct xstream *x, const struct header *h, enum xstream_leg leg);
/*
 * May the client's elements be sent?  Not before it is settled that the
 * stream stays as it is: they must not travel in the clear when TLS comes.
 */
bool xstream_is_ready(const struct xstream *x);
/* Has the client logged in, as far as the server's words tell? */
bool xstream_is_authenticated(const struct xstream *x);
/* Would the server have the client back with its session, should the connection break (XEP-0198, 5)? */
bool xstream_is_resumable(const struct xstream *x);
/*
 * The server said <proceed/>: the TLS handshake is to be done now, then
 * xstream_open() again.  Bytes that came behind it are not looked at.
 */
bool xstream_wants_tls(const struct xstream *x);
/* Queues an element; takes it over. */
void xstream_send(struct xstream *x, struct stanza **st);
/* Queues the end of our stream (4.4), if it was opened.  Nothing can be sent after. */
void xstream_close(struct xstream *x);
/* There is no connection any more: what was to be written and what was read by half is let go. */
void xstream_abandon(struct xstream *x);

/* Bytes that are kept of an element of the server's whose end has not come. */
size_t xstream_unfinished(const struct xstream *x);
/* Bytes the server sent.  A reason means that its stream is over; what came before it is still to be taken. */
enum closing xstream_feed(struct xstream *x, struct slice bytes);
/* What the server said next: an element, or a STANZA_OPEN mark (its header came) or STANZA_CLOSE.  NULL when nothing. */
struct stanza *xstream_next_down(struct xstream *x);
/* The server's header; to be asked at a STANZA_OPEN mark. */
const struct header *xstream_header(const struct xstream *x);

/* Fills at most max vectors with what is to be written, in order; returns how many. */
int xstream_out(const struct xstream *x, struct iovec *v, int max);
/* n bytes of it are written. */
void xstream_written(struct xstream *x, size_t n);
/* Bytes and cost waiting for the server. */
size_t xstream_queued(const struct xstream *x);
/* Has the server ended its stream? */
bool xstream_is_ended(const struct xstream *x);

#endif
