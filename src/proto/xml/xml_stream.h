/*
 * xml_stream.h: a stream that arrives in pieces, as a server sends it (RFC
 * 6120): its root's children are cut.
 *
 *      bytes -> splitter (borders) -> reader (expat) -> handler
 *
 * A stream keeps no parser: all streams of a worker share two readers.
 */
#ifndef CULVERT_PROTO_XML_XML_STREAM_H
#define CULVERT_PROTO_XML_XML_STREAM_H

#include "proto/xml/splitter.h"
#include "proto/xml/xml.h"

/* What a worker reads XML with.  All streams that use them are freed before. */
struct xml_readers {
	struct xml *documents; /* clients' documents and headers of streams */
	struct xml *elements;  /* of servers' streams */
	struct xml *large;     /* what is read in portions, one after the other */
	struct root_pool *roots;
};

/* seed as for xml_new(). */
void xml_readers_init(struct xml_readers *r, uint64_t seed);
/* As xml_charge() for both. */
void xml_readers_charge(struct xml_readers *r, struct budget *budget);
void xml_readers_fini(struct xml_readers *r);

struct xml_stream_handler {
	struct xml_handler xml;
	/* The root's end tag.  Nothing is looked at behind it. */
	void (*end)(void *arg);
	/* Optional: an element was above the limit and is left out; tag is its start tag, or the beginning of it. */
	void (*skipped)(void *arg, struct slice tag);
};

struct xml_stream {
	struct xml_readers *readers;
	const struct xml_stream_handler *handler;
	void *arg;
	struct xml_limits limits;
	struct splitter splitter;
	struct root *root; /* NULL before the header */
	struct xml_growth growth;
	enum xml_result result;
	bool is_ended;
	struct xml_unread *unread; /* NULL: there is none */
};

/* readers, handler and arg must outlive the stream.  Without handler->skipped an element above the limit is its end. */
void xml_stream_init(struct xml_stream *x, struct xml_readers *readers, const struct xml_stream_handler *handler,
	struct xml_limits limits, void *arg);
void xml_stream_fini(struct xml_stream *x);
/* Starts a new stream: the next bytes are its header. */
void xml_stream_open(struct xml_stream *x);
/*
 * Reads bytes, up to an element larger than XML_PORTION, or so many elements
 * that it is enough for one turn.  After anything but XML_OK, and after the
 * end, only xml_stream_open() helps.
 */
enum xml_result xml_stream_feed(struct xml_stream *x, struct slice bytes);
/* Is there something that is not read yet?  What is fed meanwhile is kept, without a bound. */
bool xml_stream_has_unread(const struct xml_stream *x);
/*
 * Reads the next portion with readers->large, which nobody else uses until
 * *is_done, or the stream is opened anew or over.
 */
enum xml_result xml_stream_go_on(struct xml_stream *x, bool *is_done);
/* Memory that is kept for what is unfinished. */
size_t xml_stream_unfinished(const struct xml_stream *x);

#endif
