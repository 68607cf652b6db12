/*
 * survey.h: one look at whole XML before a parser reads it: is it within its
 * bounds, and where is long plain text that the parser needs not see?
 */
#ifndef CULVERT_PROTO_XML_SURVEY_H
#define CULVERT_PROTO_XML_SURVEY_H

#include "base/slice.h"
#include "proto/xml/plain_text.h"

/*
 * False when a tag has more than MARKUP_ATTRIBUTES attributes, or there are
 * too many first-level elements or prefixed names for so few bytes (markup_has_too_many(),
 * markup_is_too_much()).
 *
 * Adds to text the runs of text inside of elements at least so deep; the
 * outermost has depth 1.  Where the bytes turn out to be no XML the survey
 * ends: it is for the parser to say so, and it will not look any further.
 */
bool survey(struct slice bytes, unsigned depth, struct plain_text *text);

#endif
