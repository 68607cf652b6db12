/*
 * xml_text.h: names and text on both sides of the parser.
 *
 * expat gives a name as "local", "uri\nlocal" or "uri\nlocal\nprefix".
 */
#ifndef CULVERT_PROTO_XML_XML_TEXT_H
#define CULVERT_PROTO_XML_XML_TEXT_H

#include "base/slice.h"

/* Joins the parts of a name; it is no legal part of a namespace name, and expat checks that. */
#define XML_SEPARATOR '\n'

/* A start tag.  All slices and attributes are borrowed for the time of the call. */
struct xml_element {
	struct slice ns, local, prefix; /* prefix and ns are unset when there is none */
	const char **attributes;        /* expat's; ask xml_attribute() */
};

/* Sets ns, local and prefix to the parts of expat's name. */
void xml_split_name(const char *name, struct xml_element *element);
/* The value of an attribute; ns "" means none.  SLICE_NONE when it is absent. */
struct slice xml_attribute(const struct xml_element *element, const char *ns, const char *local);

/* Appends text with & < > ' " escaped; 0 or CV_EFULL. */
struct buf;
int xml_escape(struct buf *b, struct slice text);

#endif
