/*
 * plain_text.h: long stretches of text that no parser needs to see.
 *
 * A run is at least PLAIN_TEXT_MIN bytes 0x20 to 0x7f, tab, LF and CR without
 * "<", "&" and "]".  Whatever a parser says of the text around it, it says the
 * same when the middle of the run is left out: its first and its last byte
 * stay, so that what is before and what is behind never meet, and neither of
 * them is next to a "]".
 *
 *      <body>hello, {x*4000} &amp; so on</body>
 *            h^......................^          left out
 *
 * It is for the caller to know that there is text, outside of tags, quotes and
 * references (survey.h).
 */
#ifndef CULVERT_PROTO_XML_PLAIN_TEXT_H
#define CULVERT_PROTO_XML_PLAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define PLAIN_TEXT_MIN 64 /* bytes of a run */

/* What is left out: [from, to). */
struct plain_run {
	size_t from, to;
};

/* In order.  All zero is none. */
struct plain_text {
	struct plain_run *run;
	size_t n, cap;
	size_t bytes; /* of all runs */
};

/* Forgets the runs, not the memory. */
void plain_text_clear(struct plain_text *t);
void plain_text_fini(struct plain_text *t);

/*
 * Adds the runs of [p, end), text without "<", to those that were found
 * before; they count from start.  In a CDATA section "&" begins no reference.
 */
void plain_text_find(struct plain_text *t, const char *start, const char *p, const char *end, bool is_cdata);

#endif
