#include "proto/xml/xml_stream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

#define BATCH 64    /* elements that are read in one go */
#define MAX_BLANK 8 /* white space between two of them */

/* Elements that came one behind the other. */
struct batch {
	const char *from;
	struct xml_border border[BATCH];
	size_t n;
	bool has_long_text;
};

/* An element that is read in portions, or none, and what came behind. */
struct xml_unread {
	struct slice element; /* the splitter's bytes, or our own; empty: none */
	struct buf own, behind;
	bool is_begun;
};

void
xml_readers_init(struct xml_readers *r, uint64_t seed)
{
	r->documents = xml_new(seed);
	r->elements = xml_new(seed);
	r->large = xml_new(seed);
	r->roots = root_pool_new();
}

void
xml_readers_charge(struct xml_readers *r, struct budget *budget)
{
	xml_charge(r->documents, budget);
	xml_charge(r->elements, budget);
	xml_charge(r->large, budget);
}

void
xml_readers_fini(struct xml_readers *r)
{
	xml_free(r->documents);
	xml_free(r->elements);
	xml_free(r->large);
	root_pool_free(r->roots);
}

void
xml_stream_init(struct xml_stream *x, struct xml_readers *readers, const struct xml_stream_handler *handler,
	struct xml_limits limits, void *arg)
{
	*x = (struct xml_stream){.readers = readers, .handler = handler, .limits = limits, .arg = arg};
	splitter_init(&x->splitter, limits, handler->skipped != NULL);
}

static void
forget_unread(struct xml_stream *x)
{
	struct xml_unread *l = x->unread;

	x->unread = NULL;
	if (l == NULL)
		return;
	if (l->is_begun)
		xml_abandon(x->readers->large);
	buf_fini(&l->own);
	buf_fini(&l->behind);
	free(l);
}

static void
forget(struct xml_stream *x)
{
	forget_unread(x);
	root_unref(x->root);
	x->root = NULL;
	x->growth = (struct xml_growth){.read = 0};
	x->result = XML_OK;
	x->is_ended = false;
}

void
xml_stream_fini(struct xml_stream *x)
{
	forget(x);
	splitter_fini(&x->splitter);
}

void
xml_stream_open(struct xml_stream *x)
{
	forget(x);
	splitter_open(&x->splitter);
}

size_t
xml_stream_unfinished(const struct xml_stream *x)
{
	size_t large = x->unread != NULL ? x->unread->own.n + x->unread->behind.n : 0;

	return splitter_unfinished(&x->splitter) + large;
}

static void
read_header(struct xml_stream *x, struct slice header)
{
	x->result = xml_header(x->readers->documents, &x->handler->xml, header, splitter_root(&x->splitter),
		x->readers->roots, x->arg, &x->root);
}

static void
read_batch(struct xml_stream *x, struct batch *b)
{
	if (b->n > 0 && x->result == XML_OK)
		x->result = xml_elements(x->readers->elements, &x->handler->xml, x->limits, x->root, &x->growth,
			slice_of(b->from, b->border[b->n - 1].to), b->border, b->n, b->has_long_text, x->arg);
	b->n = 0;
	b->has_long_text = false;
}

static bool
is_blank(const char *p, size_t n)
{
	while (n > 0 && slice_is_space(p[n - 1]))
		n--;
	return n == 0;
}

/*
 * Does this element follow on the last one of the batch, with next to nothing
 * between them?  An element that came in pieces is somewhere else: no pointers
 * into two blocks may be compared, so it is never in a batch with others.
 */
static bool
follows(const struct batch *b, struct slice element, struct slice chunk)
{
	const char *end = b->from + b->border[b->n - 1].to;
	size_t n;

	if (b->n == BATCH || element.p < chunk.p || element.p > chunk.p + chunk.n)
		return false;
	n = (size_t) (element.p - end);
	return n == 0 || (n <= MAX_BLANK && is_blank(end, n));
}

static void
add_to_batch(struct xml_stream *x, struct batch *b, struct slice element, struct slice chunk)
{
	size_t from;

	if (b->n > 0 && !follows(b, element, chunk))
		read_batch(x, b);
	if (b->n == 0)
		b->from = element.p;
	from = (size_t) (element.p - b->from);
	b->border[b->n++] = (struct xml_border){from, from + element.n};
	b->has_long_text = b->has_long_text || x->splitter.has_long_text;
}

static enum xml_result
result_of(enum splitter_event event)
{
	switch (event) {
	case SPLITTER_RESTRICTED:
		return XML_RESTRICTED;
	case SPLITTER_TEXT:
		return XML_TEXT;
	case SPLITTER_TOO_BIG:
		return XML_TOO_BIG;
	case SPLITTER_TOO_DEEP:
		return XML_TOO_DEEP;
	default:
		return XML_MALFORMED;
	}
}

bool
xml_stream_has_unread(const struct xml_stream *x)
{
	return x->unread != NULL;
}

/*
 * Nothing behind the element is looked at before it is read.  Bytes that are
 * the caller's do not last so long; those behind may be the end of *from.
 */
static void
put_off(struct xml_stream *x, struct slice element, bool is_callers, struct slice behind, struct buf *from)
{
	struct xml_unread *l = x->unread = xcalloc(1, sizeof *l);

	buf_init(&l->own, BUF_UNLIMITED);
	buf_init(&l->behind, BUF_UNLIMITED);
	must(buf_append(&l->own, is_callers ? element : SLICE("")) == 0);
	if (from != NULL) {
		l->behind = *from;
		buf_consume(&l->behind, from->n - behind.n);
		buf_init(from, BUF_UNLIMITED);
	} else {
		must(buf_append(&l->behind, behind) == 0);
	}
	l->element = is_callers ? buf_slice(&l->own) : element;
}

/* Bytes that came; from: what they are all of, if they are ours. */
static enum xml_result
read_bytes(struct xml_stream *x, struct slice bytes, struct buf *from)
{
	struct batch batch;
	enum splitter_event event = SPLITTER_HEADER;
	struct slice piece, chunk = bytes;
	unsigned elements = 0;

	batch.n = 0;
	batch.has_long_text = false;
	while (event != SPLITTER_MORE && x->result == XML_OK && !x->is_ended) {
		bool was_kept = splitter_unfinished(&x->splitter) > 0;
		event = splitter_next(&x->splitter, &bytes, &piece);
		if (event == SPLITTER_ELEMENT && piece.n > XML_PORTION) {
			read_batch(x, &batch);
			if (x->result == XML_OK)
				put_off(x, piece, !was_kept, bytes, from);
			break;
		}
		if (event == SPLITTER_ELEMENT && ++elements == XML_PORTION_ELEMENTS) {
			add_to_batch(x, &batch, piece, chunk);
			read_batch(x, &batch);
			if (x->result == XML_OK && bytes.n > 0)
				put_off(x, SLICE(""), false, bytes, from);
			break;
		}
		if (event == SPLITTER_ELEMENT) {
			add_to_batch(x, &batch, piece, chunk);
			if (!was_kept)
				continue;
		}
		/* What was complete before comes first, also before an error. */
		read_batch(x, &batch);
		if (event == SPLITTER_ELEMENT || event == SPLITTER_MORE || x->result != XML_OK)
			continue;
		if (event == SPLITTER_HEADER) {
			read_header(x, piece);
		} else if (event == SPLITTER_SKIPPED) {
			x->handler->skipped(x->arg, piece);
		} else if (event == SPLITTER_END) {
			x->is_ended = true;
			x->handler->end(x->arg);
		} else {
			x->result = result_of(event);
		}
	}
	return x->result;
}

enum xml_result
xml_stream_feed(struct xml_stream *x, struct slice bytes)
{
	if (x->unread == NULL)
		return read_bytes(x, bytes, NULL);
	must(buf_append(&x->unread->behind, bytes) == 0);
	return x->result;
}

enum xml_result
xml_stream_go_on(struct xml_stream *x, bool *is_done)
{
	struct xml_unread *l = x->unread;
	struct buf behind;
	enum xml_result result = XML_OK;

	if (l->element.n > 0 && !l->is_begun)
		xml_begin_element(
			x->readers->large, &x->handler->xml, x->limits, x->root, &x->growth, l->element, x->arg);
	l->is_begun = l->element.n > 0;
	if (l->is_begun)
		result = xml_go_on(x->readers->large);
	*is_done = result != XML_MORE;
	if (!*is_done)
		return XML_OK;
	x->result = result;
	l->is_begun = false;
	behind = l->behind;
	buf_init(&l->behind, BUF_UNLIMITED);
	forget_unread(x);
	if (x->result == XML_OK)
		(void) read_bytes(x, buf_slice(&behind), &behind);
	buf_fini(&behind);
	return x->result;
}
