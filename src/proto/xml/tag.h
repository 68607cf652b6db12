/*
 * tag.h: a start tag without a parser, for who wants one attribute and is not
 * asked whether the rest is sound.
 */
#ifndef CULVERT_PROTO_XML_TAG_H
#define CULVERT_PROTO_XML_TAG_H

#include "base/slice.h"

/*
 * The next attribute of a tag, of which s is what stands behind its name; s
 * goes on behind the attribute, or as far as was looked.  The value is as it
 * was written; its quote stands right before it.  False at the tag's end, and
 * where something stands that is no attribute.
 */
bool tag_attribute(struct slice *s, struct slice *name, struct slice *value);

#endif
