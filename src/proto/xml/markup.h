/*
 * markup.h: one piece of markup, from its "<" to its ">", byte by byte.
 *
 *      <a b='c>'>      START            </a>               END
 *      <a/>            EMPTY            <![CDATA[...]]>    CDATA
 *      <?xml ... ?>    DECLARATION      <!--  <!D  <?p     RESTRICTED, as soon as it shows
 *
 * It finds where the piece ends and looks at nothing else: whether names are
 * names and attributes attributes is for expat, which reads all of it.  What
 * this machine takes for an end is one for expat too, or expat refuses the
 * piece.
 */
#ifndef CULVERT_PROTO_XML_MARKUP_H
#define CULVERT_PROTO_XML_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Attributes and declarations that one tag may have together.  Real clients stay below 20. */
#define MARKUP_ATTRIBUTES 256

#define MARKUP_NAMESPACE_MAX 1024  /* bytes of the name of a namespace */
#define MARKUP_COLONS_FREE 8       /* prefixed names of a tag that are not worth to be counted */
#define MARKUP_WORK_FREE 4096      /* bytes of namespace names to go through, whatever the size of all bytes ... */
#define MARKUP_WORK_PER_BYTE 8     /* ... and for each of them */
#define MARKUP_ELEMENTS_FREE 1024  /* first-level elements that may be whatever the size of all bytes ... */
#define MARKUP_BYTES_PER_ELEMENT 8 /* ... and then one for so many */

enum markup_kind {
	MARKUP_UNFINISHED,
	MARKUP_START,
	MARKUP_EMPTY,
	MARKUP_END,
	MARKUP_CDATA,
	MARKUP_DECLARATION,
	MARKUP_RESTRICTED, /* a comment, a processing instruction, a DTD (RFC 6120, 11.1) */
	MARKUP_MALFORMED,
	MARKUP_TOO_MANY, /* attributes */
};

/* All zero: in front of the "<". */
struct markup {
	uint8_t kind; /* enum markup_kind */
	uint8_t state;
	char quote;          /* the open one */
	uint8_t matched;     /* bytes of "<![CDATA[", "<?xml" or "xmlns" */
	bool is_declaration; /* the attribute is one of a namespace */
	uint16_t attributes;
	uint16_t colons; /* outside of quotes: prefixed names, more or less */
	size_t value;    /* bytes of the value that is open */
	size_t longest;  /* bytes of the longest name of a namespace that is declared */
};

/*
 * Looks at the bytes from p to end, the first of them being the "<" or what
 * follows on what was looked at before.  Returns the place behind the last
 * byte looked at; m->kind says what it was when it is finished.
 */
const char *markup_feed(struct markup *m, const char *p, const char *end);

/*
 * How many bytes of namespace names a parser may have to go through for the
 * prefixed names of this tag.  *longest is that of the longest that was declared
 * so far; the tag's own are added to it.  A few prefixed names are not counted.
 */
static inline size_t
markup_work(const struct markup *m, size_t *longest)
{
	if (m->longest > *longest)
		*longest = m->longest < MARKUP_NAMESPACE_MAX ? m->longest : MARKUP_NAMESPACE_MAX;
	return m->colons > MARKUP_COLONS_FREE ? m->colons * *longest : 0;
}

/* Is that too much for so few bytes? */
static inline bool
markup_is_too_much(size_t work, size_t bytes)
{
	return work > MARKUP_WORK_FREE + MARKUP_WORK_PER_BYTE * bytes;
}

/*
 * Are these too many first-level elements for so few bytes?  Each costs us the
 * same, however short it is; of stanzas there are far fewer.
 */
static inline bool
markup_has_too_many(size_t elements, size_t bytes)
{
	return elements > MARKUP_ELEMENTS_FREE && elements - MARKUP_ELEMENTS_FREE > bytes / MARKUP_BYTES_PER_ELEMENT;
}

/* May a name begin with this byte?  Of what is no ASCII only a parser knows. */
static inline bool
markup_begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (c & 0x80) != 0;
}

/* Does a name end before this byte? */
static inline bool
markup_ends_name(char c)
{
	return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

#endif
