/*
 * xml.h: whole documents and whole elements in, complete elements out.
 *
 * expat checks every byte; what comes out are the sender's own bytes, cut at
 * the borders of an element, with only those namespace declarations added
 * that the element uses and inherited from the root:
 *
 *      <stream:stream xmlns='jabber:client' xmlns:stream='...'>
 *        <message to='a'><body/></message>
 *        ^..............................^   cut, and made self-contained:
 *        <message xmlns='jabber:client' to='a'><body/></message>
 *
 * What XMPP forbids (DTD, processing instructions, comments, entities other
 * than the predefined ones; RFC 6120, 11.1) is refused.  Depth, size, numbers
 * of tags and attributes, and the work that long namespace names make are
 * bounded.
 *
 * A reader is a parser of expat's and what it stands in.  It is as new after
 * anything that was refused or large: nobody notices who was there before.
 */
#ifndef CULVERT_PROTO_XML_XML_H
#define CULVERT_PROTO_XML_XML_H

#include "base/budget.h"
#include "base/library.h"
#include "base/slice.h"
#include "proto/xml/root.h"
#include "proto/xml/stanza.h"
#include "proto/xml/xml_limits.h"
#include "proto/xml/xml_text.h"

#define XML_NS_CLIENT "jabber:client"
#define XML_NS_STREAMS "http://etherx.jabber.org/streams"
#define XML_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define XML_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define XML_NS_SASL2 "urn:xmpp:sasl:2"
#define XML_NS_SM "urn:xmpp:sm:3"
#define XML_NS_SM_OLD "urn:xmpp:sm:2" /* the same elements; servers still offer it */
#define XML_NS_CSI "urn:xmpp:csi:0"
#define XML_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"

enum xml_shape {
	XML_MESSAGE, /* the root is the element to cut (RFC 7395) */
	XML_WRAPPER, /* the root's children are cut (XEP-0124) */
};

enum xml_result {
	XML_OK,
	XML_MALFORMED,
	XML_RESTRICTED, /* what RFC 6120, 11.1 forbids */
	XML_TEXT,       /* text between elements */
	XML_TOO_BIG,
	XML_TOO_DEEP,
	XML_NO_ROOM, /* others keep too much (xml_charge()) */
	XML_STOPPED, /* a handler said so */
	XML_MORE,    /* only of xml_go_on(): it is not done yet */
};

/* A declaration that holds where cut elements go to: it is not added to them.  prefix "" is the default namespace. */
struct xml_known {
	struct slice prefix, uri;
};

/* What becomes of an element inside of one that concerns this hop too. */
enum xml_inner {
	XML_KEEP,
	XML_CUT,     /* it is left out */
	XML_REPLACE, /* its content is: see replace */
};

struct xml_handler {
	const struct xml_known *known;
	size_t n_known;
	/* The root's start tag.  False stops the reader (XML_STOPPED). */
	bool (*root)(void *arg, const struct xml_element *root);
	/* A complete element; takes it over.  False stops. */
	bool (*element)(void *arg, struct stanza *st);
	/*
	 * Optional: start tags inside <stream:features/>, <success/>, <failure/>
	 * and <stream:error/>, and of stream management; depth 0 is the element itself, where nothing can be
	 * cut, 1 its child.
	 */
	enum xml_inner (*inner)(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element);
	/*
	 * For who says XML_REPLACE: *part is the content as it was written; when it
	 * returns true, *part, which it may have made smaller, is replaced by *with,
	 * XML_REPLACEMENT bytes at most.
	 */
	bool (*replace)(void *arg, enum stanza_kind kind, struct slice *part, struct slice *with);
};

#define XML_REPLACEMENT 24

struct xml;

/* seed: a number that nobody can guess, for expat's tables; 0: it asks the system, for each document anew. */
struct xml *xml_new(uint64_t seed);
/* NULL is fine. */
void xml_free(struct xml *x);

/* Reads one whole document; arg goes to the handler. */
enum xml_result xml_document(struct xml *x, enum xml_shape shape, const struct xml_handler *handler,
	struct xml_limits limits, struct slice bytes, void *arg);

/*
 * Reads the header of a stream, up to the end of its root's start tag: name is
 * that of the root as it is written.  The root is found in the pool, or made,
 * and the caller's; NULL unless XML_OK is returned.
 */
enum xml_result xml_header(struct xml *x, const struct xml_handler *handler, struct slice bytes, struct slice name,
	struct root_pool *pool, void *arg, struct root **root);

/* Where an element begins and ends. */
struct xml_border {
	size_t from, to;
};

/* How many bytes of a stream were read so far, and how many the declarations written again have added.  All zero to begin. */
struct xml_growth {
	uint64_t read, added;
};

/*
 * Reads whole elements of a stream with this root.  Between them there is
 * white space.  expat must find exactly these borders, or it is XML_MALFORMED.
 * has_long_text: it is worth to look for text that expat need not see.
 */
enum xml_result xml_elements(struct xml *x, const struct xml_handler *handler, struct xml_limits limits,
	struct root *root, struct xml_growth *growth, struct slice bytes, const struct xml_border *border, size_t n,
	bool has_long_text, void *arg);

/* What the parser takes counts in this budget, which outlives the reader, and may be refused for it. */
void xml_charge(struct xml *x, struct budget *budget);

/*
 * The same in portions, so that others come in between: begin, and go on until
 * it returns something else than XML_MORE.  Meanwhile the bytes must stay
 * where they are, and the reader may read nothing else; xml_abandon() ends it
 * before.  The element is one of a stream with this root, which stays too.
 */
void xml_begin_document(struct xml *x, enum xml_shape shape, const struct xml_handler *handler,
	struct xml_limits limits, struct slice bytes, void *arg);
void xml_begin_element(struct xml *x, const struct xml_handler *handler, struct xml_limits limits, struct root *root,
	struct xml_growth *growth, struct slice bytes, void *arg);
enum xml_result xml_go_on(struct xml *x);
void xml_abandon(struct xml *x);

/* For tests: portions of so many bytes. */
void xml_set_portion(struct xml *x, size_t n);
/* For tests: expat is shown all text, and reads each document as one, however small. */
void xml_show_text(struct xml *x);

/* For --version. */
void xml_versions(struct library *l);

#endif
