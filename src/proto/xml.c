#include "proto/xml.h"

#define XML_DTD /* expat.h then declares what bounds its memory */
#include <expat.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/features.h"

/* expat joins the parts of a name with it; it is no legal part of a namespace name, and expat checks that. */
#define SEPARATOR '\n'

#define MAX_DECLARATIONS 32       /* on a root; each is a bit of a mask */
#define DECLARATIONS 4            /* room is made for so many at a time */
#define MAX_NAMESPACE 1024        /* bytes of a namespace name: expat looks at all of it for each prefixed name */
#define MAX_CUTS 4                /* elements taken out of <stream:features/> */
#define MAX_HEADER 16384          /* bytes of a stream header */
#define PIECE 2048                /* fed to expat at a time, unless a tag is longer: its buffer stays this small */
#define MAX_ADDED 65536           /* bytes of declarations written again per document or chunk ... */
#define MAX_ADDED_RATIO 8         /* ... and per byte of it: <s:a/> with the prefix of streams adds seven */
#define MAX_RESCAN (64u << 20)    /* bytes of unfinished tags looked at again before we call it an attack */
#define MAX_MEMORY (2u << 20)     /* bytes expat may take whatever it reads ... */
#define MAX_MEMORY_RATIO 30       /* ... and for each byte of it: a short tag can make it copy a long name very often */
#define RECYCLE_BYTES 8192        /* after an element of this size the parser is replaced by a fresh one */

struct declaration {
	char *prefix, *uri;
	size_t n_prefix, n_uri;
};

struct cut {
	size_t from, to; /* relative to the element's first byte */
};

struct xml {
	XML_Parser parser;
	enum xml_shape shape;
	const struct xml_handler *handler;
	void *arg;
	struct xml_limits limits;
	uint64_t seed; /* 0: expat asks the system */
	enum xml_result result;

	unsigned depth; /* of open elements */
	struct declaration *declaration;
	unsigned n_declarations;

	/* The element being cut. */
	bool in_element;
	uint64_t start; /* of its first byte, in the stream */
	enum stanza_kind kind;
	bool has_stream_prefix;
	uint32_t used, own; /* declarations it inherits; those it makes itself */
	size_t added;       /* bytes that inherited declarations made of this document or chunk */
	struct cut cut[MAX_CUTS];
	unsigned n_cuts;
	bool cutting;

	/*
	 * Positions count from the stream's first byte.  carry holds what came
	 * before the chunk and may still be needed: [carry_at, chunk_at).
	 */
	struct slice chunk;
	uint64_t chunk_at, carry_at, fed;
	int64_t index_base; /* stream position of the parser's byte 0 */
	struct buf carry;
	struct buf header; /* the stream header's bytes, for a fresh parser */
	size_t rescan, largest;
	uint64_t token; /* where the unfinished tag begins that rescan is about */
	bool muted; /* the fresh parser reads the old header */
};

/* Depth at which elements are cut. */
static unsigned
cut_depth(const struct xml *x)
{
	return x->shape == XML_MESSAGE ? 0 : 1;
}

static void
stop(struct xml *x, enum xml_result why)
{
	if (x->result == XML_OK)
		x->result = why;
	XML_StopParser(x->parser, XML_FALSE);
}

static uint64_t
here(const struct xml *x)
{
	return (uint64_t) ((int64_t) XML_GetCurrentByteIndex(x->parser) + x->index_base);
}

/* expat gives "local", "uri\nlocal" or "uri\nlocal\nprefix". */
static void
split_name(const char *name, struct xml_element *element)
{
	const char *first = strchr(name, SEPARATOR);
	const char *second;

	element->ns = SLICE_NONE;
	element->prefix = SLICE_NONE;
	if (first == NULL) {
		element->local = slice_str(name);
		return;
	}
	element->ns = slice_of(name, (size_t) (first - name));
	second = strchr(first + 1, SEPARATOR);
	if (second == NULL) {
		element->local = slice_str(first + 1);
		return;
	}
	element->local = slice_of(first + 1, (size_t) (second - first - 1));
	element->prefix = slice_str(second + 1);
}

struct slice
xml_attribute(const struct xml_element *element, const char *ns, const char *local)
{
	size_t n_ns = strlen(ns), n_local = strlen(local);

	for (const char **a = element->attributes; *a != NULL; a += 2) {
		const char *name = *a;
		if (n_ns > 0) {
			if (strncmp(name, ns, n_ns) != 0 || name[n_ns] != SEPARATOR)
				continue;
			name += n_ns + 1;
		}
		if (strncmp(name, local, n_local) == 0 &&
		    (name[n_local] == '\0' || (n_ns > 0 && name[n_local] == SEPARATOR)))
			return slice_str(a[1]);
	}
	return SLICE_NONE;
}

static void
mark_used(struct xml *x, struct slice ns, struct slice prefix)
{
	for (unsigned i = 0; i < x->n_declarations; i++) {
		const struct declaration *d = &x->declaration[i];
		if ((x->used & (1u << i)) == 0 && slice_eq(prefix, slice_of(d->prefix, d->n_prefix)) &&
		    slice_eq(ns, slice_of(d->uri, d->n_uri)))
			x->used |= 1u << i;
	}
}

/* Which inherited declarations does this start tag, inside the element being cut, need? */
static void
mark_names(struct xml *x, const struct xml_element *element)
{
	struct xml_element name;

	if (x->n_declarations == 0)
		return;
	if (slice_is_set(element->ns))
		mark_used(x, element->ns, element->prefix);
	for (const char **a = element->attributes; *a != NULL; a += 2) {
		if (strchr(*a, SEPARATOR) == NULL)
			continue;
		split_name(*a, &name);
		mark_used(x, name.ns, name.prefix);
	}
}

/* An unprefixed stanza counts whatever its namespace: a BOSH client may leave it to <body/> (XEP-0206, 4). */
static enum stanza_kind
kind_of(const struct xml_element *element)
{
	static const struct {
		struct slice ns, local;
		enum stanza_kind kind;
	} known[] = {
		{SLICE(XML_NS_STREAMS), SLICE("features"), STANZA_FEATURES},
		{SLICE(XML_NS_STREAMS), SLICE("error"), STANZA_STREAM_ERROR},
		{SLICE(XML_NS_SASL), SLICE("success"), STANZA_SUCCESS},
		{SLICE(XML_NS_SASL2), SLICE("success"), STANZA_SUCCESS},
		{SLICE(XML_NS_TLS), SLICE("proceed"), STANZA_PROCEED},
		{SLICE(XML_NS_TLS), SLICE("failure"), STANZA_TLS_FAILURE},
		{SLICE_NONE, SLICE("message"), STANZA_MESSAGE},
		{SLICE_NONE, SLICE("presence"), STANZA_PRESENCE},
		{SLICE_NONE, SLICE("iq"), STANZA_IQ},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!slice_eq(element->local, known[i].local))
			continue;
		if (slice_is_set(known[i].ns) ? slice_eq(element->ns, known[i].ns) : !slice_is_set(element->prefix))
			return known[i].kind;
	}
	return STANZA_OTHER;
}

static void
begin_element(struct xml *x, const struct xml_element *element)
{
	x->in_element = true;
	x->start = here(x);
	x->kind = kind_of(element);
	x->has_stream_prefix = slice_eq(element->prefix, SLICE("stream"));
	x->used = 0;
	x->n_cuts = 0;
	x->cutting = false;
	XML_SetCharacterDataHandler(x->parser, NULL);
}

/* Asks about a tag inside <stream:features/>, and notes where one that is to go begins. */
static void
judge_feature(struct xml *x, const struct xml_element *element)
{
	unsigned depth = x->depth - cut_depth(x);

	if (x->kind != STANZA_FEATURES || x->handler->feature == NULL || depth == 0)
		return;
	if (!x->handler->feature(x->arg, depth, element) && depth == 1 && x->n_cuts < MAX_CUTS) {
		x->cut[x->n_cuts].from = (size_t) (here(x) - x->start);
		x->cutting = true;
	}
}

static void
keep_header(struct xml *x)
{
	uint64_t end = here(x) + (uint64_t) XML_GetCurrentByteCount(x->parser);

	if (x->shape != XML_STREAM)
		return;
	buf_clear(&x->header, MAX_HEADER);
	if (buf_append(&x->header, buf_slice(&x->carry)) != 0 ||
	    buf_append(&x->header, slice_of(x->chunk.p, (size_t) (end - x->chunk_at))) != 0)
		stop(x, XML_TOO_BIG);
}

static void
on_start(void *data, const char *name, const char **attributes)
{
	struct xml *x = data;
	struct xml_element element = {.attributes = attributes};

	if (x->result != XML_OK)
		return;
	if (x->muted) {
		x->depth++;
		return;
	}
	split_name(name, &element);
	if (x->depth == 0) {
		if (!x->handler->root(x->arg, &element)) {
			stop(x, XML_STOPPED);
			return;
		}
		keep_header(x);
	}
	if (x->depth == cut_depth(x))
		begin_element(x, &element);
	if (x->in_element) {
		mark_names(x, &element);
		judge_feature(x, &element);
		if (x->depth - cut_depth(x) > x->limits.depth)
			stop(x, XML_TOO_DEEP);
	}
	x->depth++;
}

/* The element's bytes up to end, in one piece: from the chunk, or put together in carry. */
static bool
element_bytes(struct xml *x, uint64_t end, struct slice *bytes)
{
	if (end - x->start > x->limits.element)
		return false;
	if (x->start >= x->chunk_at) {
		*bytes = slice_of(x->chunk.p + (x->start - x->chunk_at), (size_t) (end - x->start));
		return true;
	}
	if (buf_append(&x->carry, slice_of(x->chunk.p, (size_t) (end - x->chunk_at))) != 0)
		return false;
	*bytes = buf_slice(&x->carry);
	bytes->p += x->start - x->carry_at;
	bytes->n -= x->start - x->carry_at;
	return true;
}

/* Bytes of ` xmlns:prefix='uri'` once escaped, or what is written when out is not NULL. */
static size_t
write_declaration(char *out, const struct declaration *d)
{
	size_t n = 0;

#define PUT(s, len) \
	do { \
		if (out != NULL) \
			memcpy(out + n, (s), (len)); \
		n += (len); \
	} while (0)
	PUT(" xmlns", 6);
	if (d->n_prefix > 0) {
		PUT(":", 1);
		PUT(d->prefix, d->n_prefix);
	}
	PUT("='", 2);
	for (size_t i = 0; i < d->n_uri; i++) {
		switch (d->uri[i]) {
		case '&':
			PUT("&amp;", 5);
			break;
		case '<':
			PUT("&lt;", 4);
			break;
		case '\'':
			PUT("&apos;", 6);
			break;
		case '\t':
			PUT("&#9;", 4);
			break;
		case '\r':
			PUT("&#13;", 5);
			break;
		default:
			PUT(&d->uri[i], 1);
		}
	}
	PUT("'", 1);
#undef PUT
	return n;
}

static size_t
name_length(struct slice tag)
{
	size_t n = 1;

	while (n < tag.n && !slice_is_space(tag.p[n]) && tag.p[n] != '>' && tag.p[n] != '/')
		n++;
	return n;
}

/*
 * The cut element, self-contained: its own bytes, with the declarations it
 * inherits put behind its name and what is not for the client left out.  NULL
 * when a few bytes become far too many: a long namespace name of the root and
 * a thousand tiny elements that use it.
 */
static struct stanza *
make_stanza(struct xml *x, struct slice bytes)
{
	uint32_t add = x->used & ~x->own;
	size_t n = bytes.n, at = name_length(bytes), from = 0;
	struct stanza *st;
	char *out;

	for (unsigned i = 0; i < x->n_declarations; i++)
		if (add & (1u << i))
			n += write_declaration(NULL, &x->declaration[i]);
	x->added += n - bytes.n;
	if (x->added > MAX_ADDED + MAX_ADDED_RATIO * x->chunk.n)
		return NULL;
	for (unsigned i = 0; i < x->n_cuts; i++)
		n -= x->cut[i].to - x->cut[i].from;

	st = stanza_new(n, x->kind);
	st->has_stream_prefix = x->has_stream_prefix;
	out = st->bytes;
	memcpy(out, bytes.p, at);
	out += at;
	for (unsigned i = 0; i < x->n_declarations; i++)
		if (add & (1u << i))
			out += write_declaration(out, &x->declaration[i]);
	from = at;
	for (unsigned i = 0; i < x->n_cuts; i++) {
		memcpy(out, bytes.p + from, x->cut[i].from - from);
		out += x->cut[i].from - from;
		from = x->cut[i].to;
	}
	memcpy(out, bytes.p + from, bytes.n - from);
	must(out + (bytes.n - from) == st->bytes + n);
	return st;
}

static void XMLCALL on_text(void *data, const char *text, int n);

static void
end_element(struct xml *x, uint64_t end)
{
	struct slice bytes;
	struct stanza *st;

	x->in_element = false;
	if (x->shape != XML_MESSAGE)
		XML_SetCharacterDataHandler(x->parser, on_text);
	if (!element_bytes(x, end, &bytes)) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (bytes.n > x->largest)
		x->largest = bytes.n;
	st = make_stanza(x, bytes);
	if (st == NULL) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (!x->handler->element(x->arg, st))
		stop(x, XML_STOPPED);
	x->own = 0;
	/* Whatever of it was carried has been used up. */
	buf_clear(&x->carry, PIECE);
	x->carry_at = x->chunk_at;
}

/* The end is right behind the tag; for <x/> the count is 0 and the index already there. */
static void
on_end(void *data, const char *name)
{
	struct xml *x = data;
	uint64_t end;

	(void) name;
	if (x->result != XML_OK)
		return;
	x->depth--;
	if (x->muted)
		return;
	end = here(x) + (uint64_t) XML_GetCurrentByteCount(x->parser);
	if (x->cutting && x->depth == cut_depth(x) + 1) {
		x->cut[x->n_cuts++].to = (size_t) (end - x->start);
		x->cutting = false;
	}
	if (x->in_element && x->depth == cut_depth(x))
		end_element(x, end);
	else if (x->depth == 0 && x->handler->end != NULL && !x->handler->end(x->arg))
		stop(x, XML_STOPPED);
}

static void
on_declaration(void *data, const char *prefix, const char *uri)
{
	struct xml *x = data;
	struct slice p = prefix != NULL ? slice_str(prefix) : SLICE("");
	struct slice u = uri != NULL ? slice_str(uri) : SLICE("");

	if (x->result != XML_OK || x->muted)
		return;
	if (u.n > MAX_NAMESPACE) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (x->shape == XML_MESSAGE)
		return;
	if (x->depth == cut_depth(x)) {
		for (unsigned i = 0; i < x->n_declarations; i++)
			if (slice_eq(p, slice_of(x->declaration[i].prefix, x->declaration[i].n_prefix)))
				x->own |= 1u << i;
		return;
	}
	if (x->depth > 0 || u.n == 0)
		return;
	for (size_t i = 0; i < x->handler->n_known; i++)
		if (slice_eq(p, x->handler->known[i].prefix) && slice_eq(u, x->handler->known[i].uri))
			return;
	if (x->n_declarations == MAX_DECLARATIONS) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (x->n_declarations % DECLARATIONS == 0)
		x->declaration =
			xrealloc(x->declaration, (x->n_declarations + DECLARATIONS) * sizeof *x->declaration);
	x->declaration[x->n_declarations++] =
		(struct declaration){xstrndup(p.p, p.n), xstrndup(u.p, u.n), p.n, u.n};
}

static void XMLCALL
on_text(void *data, const char *text, int n)
{
	struct xml *x = data;

	for (int i = 0; i < n && x->result == XML_OK; i++)
		if (!slice_is_space(text[i]))
			stop(x, XML_TEXT);
}

static void
on_comment(void *data, const char *text)
{
	(void) text;
	stop(data, XML_RESTRICTED);
}

static void
on_instruction(void *data, const char *target, const char *text)
{
	(void) target;
	(void) text;
	stop(data, XML_RESTRICTED);
}

static void
on_doctype(void *data, const char *name, const char *sysid, const char *pubid, int has_internal_subset)
{
	(void) name;
	(void) sysid;
	(void) pubid;
	(void) has_internal_subset;
	stop(data, XML_RESTRICTED);
}

/* RFC 7395, 3.3 leaves no room for a declaration in a message; elsewhere it must not ask for another encoding. */
static void
on_xml_declaration(void *data, const char *version, const char *encoding, int standalone)
{
	struct xml *x = data;

	(void) standalone;
	if (x->shape == XML_MESSAGE)
		stop(x, XML_RESTRICTED);
	else if (version == NULL || strcmp(version, "1.0") != 0 ||
		 (encoding != NULL && strcasecmp(encoding, "utf-8") != 0))
		stop(x, XML_MALFORMED);
}

static void
set_handlers(struct xml *x)
{
	EXPAT_PARSE_AT_ONCE(x->parser);
	EXPAT_BOUND_MEMORY(x->parser, MAX_MEMORY, MAX_MEMORY_RATIO);
	XML_SetReturnNSTriplet(x->parser, 1);
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetNamespaceDeclHandler(x->parser, on_declaration, NULL);
	XML_SetCommentHandler(x->parser, on_comment);
	XML_SetProcessingInstructionHandler(x->parser, on_instruction);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	XML_SetXmlDeclHandler(x->parser, on_xml_declaration);
	if (x->shape != XML_MESSAGE)
		XML_SetCharacterDataHandler(x->parser, on_text);
}

static void
fresh_parser(struct xml *x)
{
	if (x->parser == NULL || x->largest >= RECYCLE_BYTES) {
		if (x->parser != NULL)
			XML_ParserFree(x->parser);
		x->parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
		must(x->parser != NULL);
	} else {
		must(XML_ParserReset(x->parser, "UTF-8"));
	}
	if (x->seed != 0)
		XML_SetHashSalt(x->parser, (unsigned long) x->seed);
	x->largest = 0;
	set_handlers(x);
}

static void
forget_declarations(struct xml *x)
{
	for (unsigned i = 0; i < x->n_declarations; i++) {
		free(x->declaration[i].prefix);
		free(x->declaration[i].uri);
	}
	x->n_declarations = 0;
}

/* Everything as before the first byte. */
static void
rewind_all(struct xml *x, void *arg)
{
	fresh_parser(x);
	forget_declarations(x);
	buf_clear(&x->carry, PIECE);
	x->arg = arg;
	x->result = XML_OK;
	x->depth = 0;
	x->in_element = false;
	x->own = 0;
	x->added = 0;
	x->chunk = SLICE_NONE;
	x->chunk_at = x->carry_at = x->fed = 0;
	x->index_base = 0;
	x->rescan = 0;
	x->token = 0;
	x->muted = false;
}

struct xml *
xml_new(enum xml_shape shape, const struct xml_handler *handler, struct xml_limits limits)
{
	struct xml *x = xcalloc(1, sizeof *x);

	x->shape = shape;
	x->handler = handler;
	x->limits = limits;
	buf_init(&x->carry, limits.element > MAX_HEADER ? limits.element : MAX_HEADER);
	buf_init(&x->header, MAX_HEADER);
	return x;
}

void
xml_seed(struct xml *x, uint64_t seed)
{
	x->seed = seed;
}

void
xml_free(struct xml *x)
{
	if (x == NULL)
		return;
	if (x->parser != NULL)
		XML_ParserFree(x->parser);
	forget_declarations(x);
	free(x->declaration);
	buf_fini(&x->carry);
	buf_fini(&x->header);
	free(x);
}

/*
 * expat finds out by itself that a document is UTF-16, whatever it was told,
 * and the bytes we cut are for others to read as UTF-8.  It looks at the first
 * two bytes; none of these begins or follows anything in UTF-8.
 */
static bool
is_other_encoding(const struct xml *x, struct slice bytes)
{
	for (size_t i = 0; i < bytes.n && x->chunk_at + i < 2; i++)
		if (bytes.p[i] == '\0' || (unsigned char) bytes.p[i] >= 0xfe)
			return true;
	return false;
}

static enum xml_result
result_of(enum XML_Error error)
{
	switch (error) {
	case XML_ERROR_UNDEFINED_ENTITY:
		return XML_RESTRICTED;
	case XML_ERROR_NO_MEMORY:
		return XML_TOO_BIG; /* the bound */
	default:
		return XML_MALFORMED;
	}
}

/*
 * Feeds expat in small pieces, so that its own buffer stays small whatever
 * arrives.  It looks at an unfinished tag from its start each time: the pieces
 * grow with the tag, so that the work stays in proportion to the bytes.
 */
static void
parse(struct xml *x, struct slice bytes, bool is_final)
{
	size_t done = 0, piece = PIECE;

	if (is_other_encoding(x, bytes)) {
		x->result = XML_MALFORMED;
		return;
	}
	do {
		size_t n = bytes.n - done < piece ? bytes.n - done : piece;
		bool last = is_final && n == bytes.n - done;
		uint64_t unfinished;
		if (XML_Parse(x->parser, bytes.p + done, (int) n, last) != XML_STATUS_OK) {
			if (x->result == XML_OK)
				x->result = result_of(XML_GetErrorCode(x->parser));
			return;
		}
		done += n;
		unfinished = x->chunk_at + done - here(x);
		piece = unfinished < PIECE ? PIECE : unfinished < bytes.n ? (size_t) unfinished : bytes.n;
	} while (done < bytes.n);
}

enum xml_result
xml_document(struct xml *x, struct slice bytes, void *arg)
{
	must(x->shape != XML_STREAM);
	rewind_all(x, arg);
	x->chunk = bytes.p != NULL ? bytes : SLICE("");
	x->fed = bytes.n;
	parse(x, x->chunk, true);
	x->chunk = SLICE_NONE;
	return x->result;
}

void
xml_open(struct xml *x, void *arg)
{
	must(x->shape == XML_STREAM);
	rewind_all(x, arg);
	buf_clear(&x->header, 0);
}

/*
 * What must still be there when the next chunk comes: the bytes of an
 * unfinished element, or of an unfinished tag.  Before the root's start tag
 * that is everything, since the header is kept.
 */
static void
carry_over(struct xml *x)
{
	uint64_t from = x->in_element ? x->start : x->depth == 0 ? 0 : here(x);
	uint64_t token = here(x);
	int error;

	if (from >= x->chunk_at) {
		size_t skip = (size_t) (from - x->chunk_at);
		buf_clear(&x->carry, PIECE);
		x->carry_at = from;
		error = buf_append(&x->carry, slice_of(x->chunk.p + skip, x->chunk.n - skip));
	} else {
		buf_consume(&x->carry, (size_t) (from - x->carry_at));
		x->carry_at = from;
		error = buf_append(&x->carry, x->chunk);
	}
	if (token != x->token)
		x->rescan = 0;
	x->token = token;
	x->rescan += x->fed > token ? (size_t) (x->fed - token) : 0;
	if (error != 0 || x->rescan > MAX_RESCAN || (x->in_element && x->fed - x->start > x->limits.element))
		x->result = XML_TOO_BIG;
}

/* Memory that a large element made the parser take comes back with a new parser, which is told the old header. */
static void
recycle(struct xml *x)
{
	struct slice header = buf_slice(&x->header);

	fresh_parser(x);
	x->depth = 0;
	x->muted = true;
	if (XML_Parse(x->parser, header.p, (int) header.n, 0) != XML_STATUS_OK) {
		must(XML_GetErrorCode(x->parser) == XML_ERROR_NO_MEMORY);
		x->result = XML_TOO_BIG;
		return;
	}
	x->muted = false;
	must(x->depth == 1);
	x->index_base = (int64_t) x->fed - (int64_t) header.n;
	buf_fini(&x->carry);
}

enum xml_result
xml_feed(struct xml *x, struct slice bytes)
{
	must(x->shape == XML_STREAM && x->parser != NULL);
	if (x->result != XML_OK || bytes.n == 0)
		return x->result;
	x->chunk = bytes;
	x->added = 0;
	x->chunk_at = x->fed;
	x->fed += bytes.n;
	parse(x, bytes, false);
	if (x->result == XML_OK)
		carry_over(x);
	x->chunk = SLICE_NONE;
	if (x->result == XML_OK && x->largest >= RECYCLE_BYTES && x->depth == 1 && x->carry.n == 0)
		recycle(x);
	return x->result;
}

int
xml_escape(struct buf *b, struct slice text)
{
	int error = 0;

	for (size_t i = 0; i < text.n && error == 0; i++) {
		switch (text.p[i]) {
		case '&':
			error = buf_append_str(b, "&amp;");
			break;
		case '<':
			error = buf_append_str(b, "&lt;");
			break;
		case '>':
			error = buf_append_str(b, "&gt;");
			break;
		case '\'':
			error = buf_append_str(b, "&apos;");
			break;
		case '"':
			error = buf_append_str(b, "&quot;");
			break;
		default:
			error = buf_append_char(b, text.p[i]);
		}
	}
	return error;
}
