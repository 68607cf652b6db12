/*
 * bounce.h: the answer to a stanza that can be delivered no more: its client
 * is gone (XEP-0206, 7; RFC 6121, 11.1), or its server.
 */
#ifndef CULVERT_PROTO_STREAM_BOUNCE_H
#define CULVERT_PROTO_STREAM_BOUNCE_H

#include "proto/xml/stanza.h"

/*
 * An error for whoever sent the stanza, to be sent to the server; NULL where
 * there is none to be sent: presence, what is an answer itself, what was
 * never meant to be kept, and copies of what others received.
 */
struct stanza *bounce_of(const struct stanza *st);
/*
 * The same for a stanza that was too large, of which there is only its start
 * tag, or the beginning of it; whether it was a copy is not known then.
 */
struct stanza *bounce_too_large(struct slice tag);
/*
 * An error for the client, in the name of whom it wrote to: its stanza was
 * not sent, for the server is gone.  NULL where there is none to be given.
 */
struct stanza *bounce_unsent(const struct stanza *st);

#endif
