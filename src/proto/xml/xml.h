/*
 * xml.h: bytes in, complete elements out.
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
 * than the predefined ones; RFC 6120, 11.1) is refused.  Depth and size are
 * capped, and so is the work of a sender who dribbles one huge tag.
 */
#ifndef CULVERT_PROTO_XML_XML_H
#define CULVERT_PROTO_XML_XML_H

#include "base/slice.h"
#include "proto/xml/primer.h"
#include "proto/xml/stanza.h"
#include "proto/xml/xml_text.h"

#define XML_NS_CLIENT "jabber:client"
#define XML_NS_STREAMS "http://etherx.jabber.org/streams"
#define XML_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define XML_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define XML_NS_SASL2 "urn:xmpp:sasl:2"
#define XML_NS_SM "urn:xmpp:sm:3"
#define XML_NS_SM_OLD "urn:xmpp:sm:2" /* the same elements; servers still offer it */
#define XML_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"

enum xml_shape {
	XML_MESSAGE, /* a whole document; its root is the element to cut (RFC 7395) */
	XML_WRAPPER, /* a whole document; the root's children are cut (XEP-0124) */
	XML_STREAM,  /* a stream that arrives in pieces; the root's children are cut (RFC 6120) */
};

enum xml_result {
	XML_OK,
	XML_MALFORMED,
	XML_RESTRICTED, /* what RFC 6120, 11.1 forbids */
	XML_TEXT,       /* text between elements */
	XML_TOO_BIG,
	XML_TOO_DEEP,
	XML_STOPPED, /* a handler said so */
};

/* A declaration that holds where cut elements go to: it is not added to them.  prefix "" is the default namespace. */
struct xml_known {
	struct slice prefix, uri;
};

struct xml_handler {
	const struct xml_known *known;
	size_t n_known;
	/* The root's start tag.  False stops the parser (XML_STOPPED). */
	bool (*root)(void *arg, const struct xml_element *root);
	/* A complete element; takes it over.  False stops. */
	bool (*element)(void *arg, struct stanza *st);
	/*
	 * Optional: start tags inside <stream:features/> and <success/>, and of
	 * stream management; depth 0 is the element itself, 1 its child.  False
	 * cuts a child out of the bytes.
	 */
	bool (*inner)(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element);
	/* Optional: the root's end tag.  False stops. */
	bool (*end)(void *arg);
};

struct xml_limits {
	size_t element; /* bytes of one cut element (and of the root's start tag) */
	unsigned depth; /* of elements inside a cut element */
};

struct xml;

/* handler and arg must outlive the reader. */
struct xml *xml_new(enum xml_shape shape, const struct xml_handler *handler, struct xml_limits limits);
/* A number that nobody can guess, for expat's tables.  Without one it asks the system, for each document anew. */
void xml_seed(struct xml *x, uint64_t seed);
/* NULL is fine. */
void xml_free(struct xml *x);

/*
 * A stream of a pool has no parser of its own between two elements: it would
 * be most of what a silent stream costs.  For an XML_STREAM that was not
 * opened yet; the pool must outlive it.  Without one it keeps its parser.
 */
void xml_share(struct xml *x, struct primer_pool *pool);

/*
 * Reads one whole document of shape XML_MESSAGE or XML_WRAPPER; arg goes to the handler.  The
 * reader may be used for any number of documents, one after the other.
 */
enum xml_result xml_document(struct xml *x, struct slice bytes, void *arg);

/* Starts a new stream (XML_STREAM): the next bytes are its header; arg goes to the handler from now on. */
void xml_open(struct xml *x, void *arg);
/* Bytes of a stream that are kept for what is to come: of an unfinished element. */
size_t xml_unfinished(const struct xml *x);
/* Feeds bytes of a stream.  After anything but XML_OK only xml_open() or xml_free() may follow. */
enum xml_result xml_feed(struct xml *x, struct slice bytes);

#endif
