#include "proto/xml/xml.h"

#define XML_DTD /* expat.h then declares what bounds its memory */
#include <expat.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/features.h"
#include "proto/xml/namespaces.h"
#include "proto/xml/primer.h"

#define MAX_NAMESPACE 1024     /* bytes of a namespace name: expat looks at all of it for each prefixed name */
#define MAX_CUTS 4             /* elements taken out of <stream:features/> */
#define MAX_HEADER 16384       /* bytes of a stream header */
#define PIECE 2048             /* fed to expat at a time, unless a tag is longer: its buffer stays this small */
#define MAX_ADDED 65536        /* bytes of declarations written again per document or chunk ... */
#define MAX_ADDED_RATIO 8      /* ... and per byte of it: <s:a/> with the prefix of streams adds seven */
#define MAX_RESCAN (64u << 20) /* bytes of unfinished tags looked at again before we call it an attack */
#define MAX_MEMORY (2u << 20)  /* bytes expat may take whatever it reads ... */
#define MAX_MEMORY_RATIO 30    /* ... and for each byte of it: a short tag can make it copy a long name very often */
#define RECYCLE_BYTES 8192     /* after an element of this size the parser is replaced by a fresh one ... */
#define RETIRE_BYTES 262144    /* ... and when it has been lent and read so many: it keeps each name it saw */

/* One of expat's, and what it has been through. */
struct parser {
	XML_Parser expat;
	uint64_t fed;   /* bytes */
	size_t largest; /* bytes of an element */
};

struct cut {
	size_t from, to; /* relative to the element's first byte */
};

struct xml {
	struct parser *parser;    /* a stream has none when it is not needed */
	struct primer_pool *pool; /* of a stream, or NULL */
	struct primer *primer;    /* of a stream whose header was read */
	enum xml_shape shape;
	const struct xml_handler *handler;
	void *arg;
	struct xml_limits limits;
	uint64_t seed; /* 0: expat asks the system */
	enum xml_result result;

	unsigned depth; /* of open elements */
	struct namespaces declared;

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
	struct buf header; /* the declarations of a stream's root, while it is read */
	size_t rescan;
	uint64_t token; /* where the unfinished tag begins that rescan is about */
	bool muted;     /* a parser reads the primer */
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
	XML_StopParser(x->parser->expat, XML_FALSE);
}

static uint64_t
here(const struct xml *x)
{
	return (uint64_t) ((int64_t) XML_GetCurrentByteIndex(x->parser->expat) + x->index_base);
}

/* Which inherited declarations does this start tag, inside the element being cut, need? */
static void
mark_names(struct xml *x, const struct xml_element *element)
{
	struct xml_element name;

	if (x->declared.n == 0)
		return;
	if (slice_is_set(element->ns))
		x->used |= namespaces_find(&x->declared, element->prefix, element->ns);
	for (const char **a = element->attributes; *a != NULL; a += 2) {
		if (strchr(*a, XML_SEPARATOR) == NULL)
			continue;
		xml_split_name(*a, &name);
		x->used |= namespaces_find(&x->declared, name.prefix, name.ns);
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
		{SLICE(XML_NS_SASL2), SLICE("success"), STANZA_SUCCESS2},
		{SLICE(XML_NS_TLS), SLICE("proceed"), STANZA_PROCEED},
		{SLICE(XML_NS_TLS), SLICE("failure"), STANZA_TLS_FAILURE},
		{SLICE(XML_NS_TLS), SLICE("starttls"), STANZA_HOP_BY_HOP},
		{SLICE("http://jabber.org/protocol/compress"), SLICE("compress"), STANZA_HOP_BY_HOP},
		{SLICE(XML_NS_SM), SLICE("enabled"), STANZA_SM},
		{SLICE(XML_NS_SM), SLICE("resumed"), STANZA_SM},
		{SLICE(XML_NS_SM_OLD), SLICE("enabled"), STANZA_SM},
		{SLICE(XML_NS_SM_OLD), SLICE("resumed"), STANZA_SM},
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
	XML_SetCharacterDataHandler(x->parser->expat, NULL);
}

/* Asks about a tag of what concerns this hop too, and notes where one that is to go begins. */
static void
judge_inner(struct xml *x, const struct xml_element *element)
{
	unsigned depth = x->depth - cut_depth(x);

	if (x->handler->inner == NULL ||
		(x->kind != STANZA_FEATURES && x->kind != STANZA_SUCCESS2 && x->kind != STANZA_SM))
		return;
	if (!x->handler->inner(x->arg, x->kind, depth, element) && depth == 1 && x->n_cuts < MAX_CUTS) {
		x->cut[x->n_cuts].from = (size_t) (here(x) - x->start);
		x->cutting = true;
	}
}

static void
keep_header(struct xml *x, const struct xml_element *root)
{
	struct buf text;

	if (x->shape != XML_STREAM)
		return;
	buf_init(&text, MAX_HEADER);
	if (here(x) + (uint64_t) XML_GetCurrentByteCount(x->parser->expat) > MAX_HEADER ||
		buf_append_char(&text, '<') != 0 ||
		(slice_is_set(root->prefix) &&
			(buf_append(&text, root->prefix) != 0 || buf_append_char(&text, ':') != 0)) ||
		buf_append(&text, root->local) != 0 || buf_append(&text, buf_slice(&x->header)) != 0 ||
		buf_append_char(&text, '>') != 0)
		stop(x, XML_TOO_BIG);
	else
		x->primer = primer_find(x->pool, buf_slice(&text));
	buf_fini(&text);
	buf_fini(&x->header);
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
	xml_split_name(name, &element);
	if (x->depth == 0) {
		if (!x->handler->root(x->arg, &element)) {
			stop(x, XML_STOPPED);
			return;
		}
		keep_header(x, &element);
	}
	if (x->depth == cut_depth(x))
		begin_element(x, &element);
	if (x->in_element) {
		mark_names(x, &element);
		judge_inner(x, &element);
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
	size_t n = bytes.n + namespaces_size(&x->declared, add), at = name_length(bytes), from = at;
	struct stanza *st;
	char *out;

	x->added += n - bytes.n;
	if (x->added > MAX_ADDED + MAX_ADDED_RATIO * x->chunk.n)
		return NULL;
	for (unsigned i = 0; i < x->n_cuts; i++)
		n -= x->cut[i].to - x->cut[i].from;

	st = stanza_new(n, x->kind);
	st->has_stream_prefix = x->has_stream_prefix;
	out = st->bytes;
	memcpy(out, bytes.p, at);
	out = namespaces_write(&x->declared, add, out + at);
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
		XML_SetCharacterDataHandler(x->parser->expat, on_text);
	if (!element_bytes(x, end, &bytes)) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (bytes.n > x->parser->largest)
		x->parser->largest = bytes.n;
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
	end = here(x) + (uint64_t) XML_GetCurrentByteCount(x->parser->expat);
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
		x->own |= namespaces_find(&x->declared, p, SLICE_NONE);
		return;
	}
	if (x->depth > 0)
		return;
	if (x->shape == XML_STREAM && namespaces_append(&x->header, p, u) != 0) {
		stop(x, XML_TOO_BIG);
		return;
	}
	if (u.n == 0)
		return;
	for (size_t i = 0; i < x->handler->n_known; i++)
		if (slice_eq(p, x->handler->known[i].prefix) && slice_eq(u, x->handler->known[i].uri))
			return;
	if (!namespaces_add(&x->declared, p, u))
		stop(x, XML_TOO_BIG);
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

/* ---- parsers ---- */

static void
set_handlers(struct xml *x)
{
	XML_Parser expat = x->parser->expat;

	EXPAT_PARSE_AT_ONCE(expat);
	EXPAT_BOUND_MEMORY(expat, MAX_MEMORY, MAX_MEMORY_RATIO);
	XML_SetReturnNSTriplet(expat, 1);
	XML_SetUserData(expat, x);
	XML_SetElementHandler(expat, on_start, on_end);
	XML_SetNamespaceDeclHandler(expat, on_declaration, NULL);
	XML_SetCommentHandler(expat, on_comment);
	XML_SetProcessingInstructionHandler(expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(expat, on_doctype);
	XML_SetXmlDeclHandler(expat, on_xml_declaration);
	if (x->shape != XML_MESSAGE)
		XML_SetCharacterDataHandler(expat, on_text);
	if (x->seed != 0)
		XML_SetHashSalt(expat, (unsigned long) x->seed);
}

static void
parser_free(void *arg)
{
	struct parser *p = arg;

	if (p == NULL)
		return;
	XML_ParserFree(p->expat);
	free(p);
}

static void
new_parser(struct xml *x)
{
	x->parser = xcalloc(1, sizeof *x->parser);
	x->parser->expat = XML_ParserCreateNS("UTF-8", XML_SEPARATOR);
	must(x->parser->expat != NULL);
	set_handlers(x);
}

static void
drop_parser(struct xml *x)
{
	parser_free(x->parser);
	x->parser = NULL;
}

/* One parser reads document after document. */
static void
reset_parser(struct xml *x)
{
	if (x->parser != NULL && x->parser->largest >= RECYCLE_BYTES)
		drop_parser(x);
	if (x->parser == NULL) {
		new_parser(x);
		return;
	}
	must(XML_ParserReset(x->parser->expat, "UTF-8"));
	x->parser->fed = 0;
	x->parser->largest = 0;
	set_handlers(x);
}

/* A new parser gets to where the stream is: behind its root's start tag. */
static void
prime(struct xml *x)
{
	struct slice text = primer_text(x->primer);

	x->depth = 0;
	x->muted = true;
	x->parser->fed = text.n;
	if (XML_Parse(x->parser->expat, text.p, (int) text.n, 0) != XML_STATUS_OK) {
		must(XML_GetErrorCode(x->parser->expat) == XML_ERROR_NO_MEMORY);
		x->result = XML_TOO_BIG;
		return;
	}
	x->muted = false;
	must(x->depth == 1);
}

/* Bytes have come, and the stream has no parser. */
static void
take_parser(struct xml *x)
{
	x->parser = x->primer != NULL ? primer_take(x->primer) : NULL;
	if (x->parser != NULL) {
		XML_SetUserData(x->parser->expat, x);
	} else {
		new_parser(x);
		if (x->primer != NULL)
			prime(x);
	}
	x->index_base = (int64_t) x->fed - (int64_t) x->parser->fed;
}

/*
 * Between two elements the parser is lent to the next stream with the same
 * root, or, when it has grown, given up.
 */
static void
give_back(struct xml *x)
{
	bool is_shared = primer_is_shared(x->primer);

	if (x->parser->largest >= RECYCLE_BYTES || (is_shared && x->parser->fed >= RETIRE_BYTES)) {
		drop_parser(x);
	} else if (is_shared) {
		if (!primer_lend(x->primer, x->parser))
			parser_free(x->parser);
		x->parser = NULL;
	}
	if (x->parser == NULL)
		buf_fini(&x->carry);
}

static void
forget_primer(struct xml *x)
{
	primer_unref(x->primer, parser_free);
	x->primer = NULL;
}

void
xml_share(struct xml *x, struct primer_pool *pool)
{
	must(x->shape == XML_STREAM && x->parser == NULL && x->primer == NULL);
	x->pool = pool;
}

/* ---- documents and streams ---- */

/* Everything as before the first byte. */
static void
rewind_all(struct xml *x, void *arg)
{
	namespaces_clear(&x->declared);
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
	drop_parser(x);
	forget_primer(x);
	namespaces_fini(&x->declared);
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
		if (XML_Parse(x->parser->expat, bytes.p + done, (int) n, last) != XML_STATUS_OK) {
			if (x->result == XML_OK)
				x->result = result_of(XML_GetErrorCode(x->parser->expat));
			return;
		}
		done += n;
		x->parser->fed += n;
		unfinished = x->chunk_at + done - here(x);
		piece = unfinished < PIECE ? PIECE : unfinished < bytes.n ? (size_t) unfinished : bytes.n;
	} while (done < bytes.n);
}

enum xml_result
xml_document(struct xml *x, struct slice bytes, void *arg)
{
	must(x->shape != XML_STREAM);
	reset_parser(x);
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
	drop_parser(x);
	forget_primer(x);
	rewind_all(x, arg);
	buf_clear(&x->header, 0);
}

/*
 * What must still be there when the next chunk comes: the bytes of an
 * unfinished element, or of an unfinished tag.
 */
static void
carry_over(struct xml *x)
{
	uint64_t from = x->in_element ? x->start : here(x);
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
	if (error != 0 || x->rescan > MAX_RESCAN || (x->in_element && x->fed - x->start > x->limits.element) ||
		(x->primer == NULL && x->fed > MAX_HEADER))
		x->result = XML_TOO_BIG;
}

size_t
xml_unfinished(const struct xml *x)
{
	return x->carry.n;
}

enum xml_result
xml_feed(struct xml *x, struct slice bytes)
{
	must(x->shape == XML_STREAM);
	if (x->result == XML_OK && bytes.n > 0 && x->parser == NULL)
		take_parser(x);
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
	if (x->result == XML_OK && x->depth == 1 && x->carry.n == 0)
		give_back(x);
	return x->result;
}
