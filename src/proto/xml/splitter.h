/*
 * splitter.h: where the first-level elements of a server's stream begin and end.
 *
 *      <?xml version='1.0'?><stream:stream ...>     the header
 *        <message><body>...</body></message>        an element
 *        <presence/>                                another one
 *      </stream:stream>                             the end
 *
 * It keeps at most one unfinished header or element, as raw bytes; what is
 * whole within the bytes it is given is not copied.  It looks at tags, quotes
 * and CDATA and compares the names of tags, and is no parser: whoever takes a
 * piece gives it to expat and forwards nothing that expat has not found to be
 * exactly that piece (xml.h).
 */
#ifndef CULVERT_PROTO_XML_SPLITTER_H
#define CULVERT_PROTO_XML_SPLITTER_H

#include "base/buf.h"
#include "base/slice.h"
#include "proto/xml/markup.h"
#include "proto/xml/xml_limits.h"

#define SPLITTER_HEADER_MAX 16384 /* bytes of a stream's header */

enum splitter_event {
	SPLITTER_MORE,    /* all bytes are used up */
	SPLITTER_HEADER,  /* a piece: everything up to the end of the root's start tag */
	SPLITTER_ELEMENT, /* a piece: an element from its first byte to its last */
	SPLITTER_SKIPPED, /* a piece: the start tag, or its beginning, of an element that was too large, and is over now */
	SPLITTER_END,     /* the root's end tag; nothing is looked at behind it */
	/* The stream is broken, and stays so. */
	SPLITTER_MALFORMED,
	SPLITTER_RESTRICTED, /* what RFC 6120, 11.1 forbids */
	SPLITTER_TEXT,       /* text between elements */
	SPLITTER_TOO_BIG,
	SPLITTER_TOO_DEEP,
};

struct splitter {
	struct xml_limits limits;
	enum splitter_event broken; /* SPLITTER_MORE: it is not */
	struct markup markup;       /* while is_in_markup */
	uint8_t where;              /* in the stream: an enum of splitter.c */
	bool is_in_markup;
	bool skips, is_skipping;
	bool has_long_text; /* the piece has some that is worth to be looked for (plain_text.h) */
	bool is_kept_given; /* what is kept was the last piece */
	unsigned depth;     /* open tags of the element */
	size_t markup_at;   /* where in the piece the markup begins */
	size_t work;        /* that its names make for a parser */
	size_t longest,
		root_longest; /* bytes of the longest name of a namespace: of the piece so far, and of the header */
	struct buf kept;      /* of an unfinished piece */
	uint32_t *open;       /* where in it the open tags are */
	char *root;           /* its raw name */
	size_t root_n;
};

/* skips: an element above the limit is left out (SPLITTER_SKIPPED) instead of being the end of the stream. */
void splitter_init(struct splitter *s, struct xml_limits limits, bool skips);
void splitter_fini(struct splitter *s);
/* A new stream begins: the next bytes are its header. */
void splitter_open(struct splitter *s);

/*
 * Looks at the bytes of *rest and takes those away that it has looked at.
 * *piece is borrowed: from *rest, or, when some of it came earlier, from the
 * splitter until its next call.
 */
enum splitter_event splitter_next(struct splitter *s, struct slice *rest, struct slice *piece);

/* The name of the root as it was written; to be asked behind the header. */
struct slice splitter_root(const struct splitter *s);
/* Memory that is kept for what is unfinished. */
size_t splitter_unfinished(const struct splitter *s);

#endif
