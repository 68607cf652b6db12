/* xml_limits.h: how much XML anybody may send at once. */
#ifndef CULVERT_PROTO_XML_XML_LIMITS_H
#define CULVERT_PROTO_XML_XML_LIMITS_H

#include <stddef.h>

#define XML_DEPTH_MAX 128 /* of a stream, whatever limits.depth says */

/*
 * What is larger than a portion is read a portion at a time, and others get
 * their turn in between: whatever the bytes are, one takes a few milliseconds.
 */
#define XML_PORTION 16384
#define XML_PORTION_ELEMENTS 128 /* of a stream: each costs something, however short it is */

struct xml_limits {
	size_t element; /* bytes of one first-level element (and of a document's root's start tag) */
	unsigned depth; /* of elements inside of it */
};

#endif
