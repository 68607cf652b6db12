/* header.h: the attributes of a stream's header, whichever way it is written: <stream:stream>, <open/> or <body/>. */
#ifndef CULVERT_PROTO_HEADER_H
#define CULVERT_PROTO_HEADER_H

#include "base/slice.h"

/* Owns its strings; unescaped text; NULL where the sender gave none. */
struct header {
	char *to, *from, *lang, *version, *id;
};

/* Replaces all five by copies of the slices; unset ones become NULL.  h must be zeroed or set before. */
void header_set(struct header *h, struct slice to, struct slice from, struct slice lang, struct slice version,
		struct slice id);
/* Frees the strings; all are NULL after. */
void header_fini(struct header *h);

/* Reads "1.0" (RFC 6120, 4.7.5: two integers, compared as such).  False when it is no version. */
bool header_version(struct slice text, unsigned *major);

/* Appends ` name='value'`, escaped, when value is not NULL; 0 or CV_EFULL. */
struct buf;
int header_attribute(struct buf *b, const char *name, const char *value);

#endif
