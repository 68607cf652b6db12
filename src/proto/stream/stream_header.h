/* stream_header.h: the attributes of a stream's header, whichever way it is written: <stream:stream>, <open/> or <body/>. */
#ifndef CULVERT_PROTO_STREAM_STREAM_HEADER_H
#define CULVERT_PROTO_STREAM_STREAM_HEADER_H

#include "base/slice.h"

/* Owns its strings; unescaped text; NULL where the sender gave none. */
struct stream_header {
	char *to, *from, *lang, *version, *id;
};

/* Replaces all five by copies of the slices; unset ones become NULL.  h must be zeroed or set before. */
void stream_header_set(struct stream_header *h, struct slice to, struct slice from, struct slice lang,
	struct slice version, struct slice id);
/* Frees the strings; all are NULL after. */
void stream_header_fini(struct stream_header *h);

/* Appends ` name='value'`, escaped, when value is not NULL; 0 or CV_EFULL. */
struct buf;
int stream_header_attribute(struct buf *b, const char *name, const char *value);

#endif
