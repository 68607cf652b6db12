/*
 * bounce.h: the answer to a stanza that can be delivered no more, because its
 * client is gone (XEP-0206, 7; RFC 6121, 11.1).
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

#endif
