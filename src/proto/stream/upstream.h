/*
 * upstream.h: the rules of one native XMPP stream to the server (RFC 6120, 4):
 * our header, its header, features, elements both ways, restart, the end.
 *
 * Transparent: every element passes as it is.  Only what belongs to this hop
 * is touched: the headers, and <starttls/>, <compression/> and <pipelining/> in the features
 * (they would be negotiated with us, not with the client).
 */
#ifndef CULVERT_PROTO_STREAM_UPSTREAM_H
#define CULVERT_PROTO_STREAM_UPSTREAM_H

#include <sys/uio.h>

#include "base/settings.h"
#include "base/state.h"
#include "proto/closing.h"
#include "proto/stream/stream_header.h"
#include "proto/xml/stanza.h"
#include "proto/xml/xml_stream.h"

struct upstream;

/* How safe the bytes are on their way. */
enum upstream_leg {
	UPSTREAM_EXPOSED,
	UPSTREAM_LOCAL,  /* they do not leave this machine */
	UPSTREAM_SECURE, /* TLS */
};

/* limits bound one element from the server; readers and trace must outlive it.  TLS is off until upstream_set_tls(). */
struct upstream *upstream_new(struct xml_limits limits, struct xml_readers *readers, const struct trace *trace);
void upstream_set_tls(struct upstream *u, enum tls_policy tls);
/* The largest element of the client's that passes; the server's <limits/> are lowered to it (XEP-0478). */
void upstream_set_max_bytes(struct upstream *u, size_t max_bytes);
void upstream_free(struct upstream *u);

/*
 * Opens the stream, or opens it anew on the same connection (4.3.3): queues
 * our header with to, lang and version of h, and from when the bytes travel
 * where nobody else can read them (4.7.1).
 */
void upstream_open(struct upstream *u, const struct stream_header *h, enum upstream_leg leg);
/*
 * May the client's elements be sent?  Not before it is settled that the
 * stream stays as it is: they must not travel in the clear when TLS comes.
 */
bool upstream_is_ready(const struct upstream *u);
/* Has the client logged in, as far as the server's words tell? */
bool upstream_is_authenticated(const struct upstream *u);
/* How many logins the server has refused for their credentials, before one succeeded, since this was asked last. */
unsigned upstream_take_failures(struct upstream *u);
/* Has a login ended the stream, so that the client may open it anew (4.3.3)?  Not by SASL2, where it goes on. */
bool upstream_is_restart_due(const struct upstream *u);
/* What the server has said of a client's login, for whoever wants to use stream management (XEP-0198, 3). */
struct upstream_offer {
	bool is_authenticated;
	bool awaits_features; /* a login by SASL2 succeeded, and what is offered since has not been said */
	bool is_bound;        /* within such a login (XEP-0386) */
	bool has_management;  /* it is offered */
	bool needs_session;   /* a session is to be established (RFC 3921, 3) */
};
struct upstream_offer upstream_offer(const struct upstream *u);
/* Would the server have the client back with its session, should the connection break (XEP-0198, 5)? */
bool upstream_is_resumable(const struct upstream *u);
/*
 * The server said <proceed/>: the TLS handshake is to be done now, then
 * upstream_open() again.  Bytes that came behind it are not looked at.
 */
bool upstream_wants_tls(const struct upstream *u);
/* Queues an element; takes it over. */
void upstream_send(struct upstream *u, struct stanza **st);
/* Queues the end of our stream (4.4), if it was opened.  Nothing can be sent after. */
void upstream_close(struct upstream *u);
/* A space between stanzas, where it means nothing (RFC 6120, 4.6.1), if nothing else is to be written. */
void upstream_ping(struct upstream *u);
/* The connection is gone: the next stanza that was to be written and was not, or not whole; the caller's.  NULL: no more. */
struct stanza *upstream_next_unsent(struct upstream *u);
/* There is no connection any more: what was to be written and what was read by half is let go. */
void upstream_abandon(struct upstream *u);

/* Bytes that are kept of an element of the server's whose end has not come. */
size_t upstream_unfinished(const struct upstream *u);
/* Bytes the server sent.  A reason means that its stream is over; what came before it is still to be taken. */
enum closing upstream_feed(struct upstream *u, struct slice bytes);
/* Is there more than can be read in one turn?  Nothing should be fed until that is done (xml_stream.h). */
bool upstream_has_unread(const struct upstream *u);
/* Reads the next portion of it; returns as upstream_feed() does.  *is_done: that was the last. */
enum closing upstream_go_on(struct upstream *u, bool *is_done);
/*
 * What the server said next: an element, the beginning of one that was above
 * the limit (STANZA_SKIPPED), or a mark: STANZA_OPEN (its header came) or
 * STANZA_CLOSE.  NULL when nothing.
 */
struct stanza *upstream_next_down(struct upstream *u);
/*
 * Why the server says no, for the log: after STANZA_STREAM_ERROR or
 * STANZA_FAILURE (RFC 6120, 4.9.3, 6.5).  The condition, or NULL, is the name
 * of an element; the text, as it was written, is whatever the server likes.
 */
struct upstream_error {
	char *condition;
	char *text; /* or NULL */
};
const struct upstream_error *upstream_error(const struct upstream *u);
/* The server's header; to be asked at a STANZA_OPEN mark. */
const struct stream_header *upstream_header(const struct upstream *u);

/* Fills at most max vectors with what is to be written, in order; returns how many. */
int upstream_out(const struct upstream *u, struct iovec *v, int max);
/* n bytes of it are written. */
void upstream_written(struct upstream *u, size_t n);
/* Bytes and cost waiting for the server. */
size_t upstream_queued(const struct upstream *u);
/* Has the server ended its stream? */
bool upstream_is_ended(const struct upstream *u);

#endif
