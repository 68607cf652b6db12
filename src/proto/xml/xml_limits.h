/* xml_limits.h: how much XML anybody may send at once. */
#ifndef CULVERT_PROTO_XML_XML_LIMITS_H
#define CULVERT_PROTO_XML_XML_LIMITS_H

#include <stddef.h>

#define XML_DEPTH_MAX 128 /* of a stream, whatever limits.depth says */

struct xml_limits {
	size_t element; /* bytes of one first-level element (and of a document's root's start tag) */
	unsigned depth; /* of elements inside of it */
};

#endif
