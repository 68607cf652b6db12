#include "proto/xml/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/features.h"
#include "proto/xml/markup.h"
#include "proto/xml/survey.h"
#include "proto/xml/xml_memory.h"

#define MAX_EDITS 4        /* elements cut out of <stream:features/>, or replaced */
#define SURVEY_BYTES 256   /* what is shorter exceeds no bound, and is not worth to be looked over */
#define MAX_ADDED 65536    /* bytes of declarations written again per document or stream ... */
#define MAX_ADDED_RATIO 8  /* ... and per byte read: <s:a/> with the prefix of streams adds seven */
#define WORK_FREE 1536     /* bytes of namespace names to go through, whatever the size of all bytes ... */
#define WORK_PER_BYTE 4    /* ... and for each of them: less than markup.h lets pass, since it is counted exactly */
#define WORK_OF_ELEMENTS 8 /* an element makes it go through a namespace name so many times faster */
#define MAX_MEMORY 1048576 /* bytes expat may take whatever it reads ... */
#define MAX_MEMORY_RATIO 6 /* ... and for each byte: a long attribute takes so much; what has more has endless names */
#define MAX_ROOT 2048      /* bytes of a stream's root and its declarations: read again for an element now and then */
#define SMALL_BYTES 1024   /* a document of which no more is shown needs no parser of its own */
#define RECYCLE_BYTES 8192 /* a parser that was shown so many in one call is given up ... */
#define RETIRE_BYTES 65536 /* ... and one that was shown so many behind a root: it keeps each name it saw */

/* A part of the element that does not stay as it is; places count from the element's first byte. */
struct edit {
	size_t from, to;
	char with[XML_REPLACEMENT];
	unsigned char n_with;
};

/* What expat reads. */
enum reading {
	READING_MESSAGE,
	READING_WRAPPER,
	READING_HEADER,
	READING_ROOT, /* what was read before by another parser */
	READING_ELEMENTS,
};

struct xml {
	XML_Parser expat;         /* NULL: the next to read gets a new one */
	struct xml_memory memory; /* that it takes */
	uint64_t seed;            /* 0: expat asks the system */
	uint64_t shown;           /* bytes that the parser has read */
	struct root *root;        /* behind whose start tag it stands, or NULL */
	struct root *endless;     /* of small documents, see read_small() */
	bool shows_text;
	size_t least_portion;

	/* What is read now. */
	enum reading reading;
	const struct xml_handler *handler;
	void *arg;
	struct xml_limits limits;
	struct slice bytes;
	enum xml_result result;
	unsigned depth;     /* of open elements */
	unsigned outer;     /* the depth of the document's root; of a stream's elements none */
	unsigned cut_depth; /* at which elements are cut */
	bool has_root;      /* it has begun ... */
	size_t root_end;    /* ... and ended here */
	size_t work, work_max;

	/* What of the bytes was shown, and how much of it in one go at most. */
	size_t at, portion;
	bool is_final, is_begun;

	/* The text that is left out; the first of it that was not passed by, and that is behind the place asked for last. */
	struct plain_text text;
	size_t next_run, run, left_out;
	int64_t index_base; /* the parser's index of the first byte */

	/* The root's declarations, and how much those written again have made. */
	struct namespaces own_declared;
	const struct namespaces *declared;
	struct xml_growth own_growth, *growth;

	/* The element being cut. */
	bool is_in_element;
	size_t start; /* its first byte */
	enum stanza_kind kind;
	bool has_stream_prefix;
	uint32_t used, own; /* declarations it inherits; those it makes itself */
	struct edit edit[MAX_EDITS];
	unsigned n_edits;
	enum xml_inner open_edit; /* XML_KEEP: none */
	unsigned edit_depth;

	const struct xml_border *border; /* of the elements still to come */
	size_t n_borders;
	struct xml_border whole; /* of the only one */
	struct root *next_root;  /* behind which it stands */
};

static void
stop(struct xml *x, enum xml_result why)
{
	if (x->result == XML_OK)
		x->result = why;
	XML_StopParser(x->expat, XML_FALSE);
}

/*
 * Which byte the parser is at, and n further.  Its own count knows nothing of
 * what was left out.  Places are asked for in rising order, and none is within
 * text.
 */
static size_t
place(struct xml *x, int n)
{
	size_t at = (size_t) ((int64_t) XML_GetCurrentByteIndex(x->expat) + n - x->index_base) + x->left_out;

	while (x->run < x->text.n && at > x->text.run[x->run].from) {
		size_t skipped = x->text.run[x->run].to - x->text.run[x->run].from;
		x->left_out += skipped;
		at += skipped;
		x->run++;
	}
	return at;
}

/* The place behind a tag; for <x/> the parser says at its end that it is behind it already. */
static size_t
tag_end(struct xml *x)
{
	return place(x, XML_GetCurrentByteCount(x->expat));
}

/* What so many bytes may make of it, from here on. */
static void
allow_work(struct xml *x, size_t bytes)
{
	x->work_max = x->work + WORK_FREE + WORK_PER_BYTE * bytes;
}

/*
 * Which inherited declarations does this start tag, inside the element being
 * cut, need?  And how much has it made expat go through?
 */
static void
mark_names(struct xml *x, const struct xml_element *element)
{
	struct xml_element name;

	x->work += element->ns.n / WORK_OF_ELEMENTS;
	if (slice_is_set(element->ns) && x->is_in_element && x->declared->n > 0)
		x->used |= namespaces_find(x->declared, element->prefix, element->ns);
	for (const char **a = element->attributes; *a != NULL; a += 2) {
		if (strchr(*a, XML_SEPARATOR) == NULL)
			continue;
		xml_split_name(*a, &name);
		x->work += name.ns.n;
		if (x->is_in_element && x->declared->n > 0)
			x->used |= namespaces_find(x->declared, name.prefix, name.ns);
	}
	if (x->work > x->work_max)
		stop(x, XML_TOO_BIG);
}

static enum stanza_kind
kind_of_stream(struct slice local)
{
	if (slice_eq(local, SLICE("features")))
		return STANZA_FEATURES;
	return slice_eq(local, SLICE("error")) ? STANZA_STREAM_ERROR : STANZA_STREAM;
}

/* Tiny elements may be many. */
static enum stanza_kind
kind_of_letter(const struct xml_element *element)
{
	char letter = element->local.n > 0 ? *element->local.p : '\0';

	if ((letter != 'a' && letter != 'r') || !slice_eq(element->ns, SLICE(XML_NS_SM)))
		return STANZA_OTHER;
	return letter == 'a' ? STANZA_SM_ANSWER : STANZA_SM_REQUEST;
}

/* An unprefixed stanza counts whatever its namespace: a BOSH client may leave it to <body/> (XEP-0206, 4). */
static enum stanza_kind
kind_of(const struct xml_element *element)
{
	/* Most names begin with none of these, and need not be compared. */
	static const bool initials[256] = {['a'] = true,
		['c'] = true,
		['e'] = true,
		['f'] = true,
		['i'] = true,
		['m'] = true,
		['p'] = true,
		['r'] = true,
		['s'] = true};
	static const struct {
		struct slice ns, local;
		enum stanza_kind kind;
	} known[] = {
		{SLICE_NONE_INIT, SLICE_INIT("message"), STANZA_MESSAGE},
		{SLICE_NONE_INIT, SLICE_INIT("presence"), STANZA_PRESENCE},
		{SLICE_NONE_INIT, SLICE_INIT("iq"), STANZA_IQ},
		{SLICE_INIT(XML_NS_SASL), SLICE_INIT("success"), STANZA_SUCCESS},
		{SLICE_INIT(XML_NS_SASL2), SLICE_INIT("success"), STANZA_SUCCESS2},
		{SLICE_INIT(XML_NS_SASL), SLICE_INIT("failure"), STANZA_FAILURE},
		{SLICE_INIT(XML_NS_SASL2), SLICE_INIT("failure"), STANZA_FAILURE},
		{SLICE_INIT(XML_NS_SASL), SLICE_INIT("auth"), STANZA_AUTH},
		{SLICE_INIT(XML_NS_SASL2), SLICE_INIT("authenticate"), STANZA_AUTH},
		{SLICE_INIT(XML_NS_TLS), SLICE_INIT("proceed"), STANZA_PROCEED},
		{SLICE_INIT(XML_NS_TLS), SLICE_INIT("failure"), STANZA_TLS_FAILURE},
		{SLICE_INIT(XML_NS_TLS), SLICE_INIT("starttls"), STANZA_HOP_BY_HOP},
		{SLICE_INIT("http://jabber.org/protocol/compress"), SLICE_INIT("compress"), STANZA_HOP_BY_HOP},
		{SLICE_INIT(XML_NS_SM), SLICE_INIT("enabled"), STANZA_SM},
		{SLICE_INIT(XML_NS_SM), SLICE_INIT("resumed"), STANZA_SM},
		{SLICE_INIT(XML_NS_SM_OLD), SLICE_INIT("enabled"), STANZA_SM},
		{SLICE_INIT(XML_NS_SM_OLD), SLICE_INIT("resumed"), STANZA_SM},
		{SLICE_INIT(XML_NS_SM), SLICE_INIT("enable"), STANZA_SM_BEGIN},
		{SLICE_INIT(XML_NS_SM), SLICE_INIT("resume"), STANZA_SM_BEGIN},
		{SLICE_INIT(XML_NS_SM_OLD), SLICE_INIT("enable"), STANZA_SM_BEGIN},
		{SLICE_INIT(XML_NS_SM_OLD), SLICE_INIT("resume"), STANZA_SM_BEGIN},
		{SLICE_INIT(XML_NS_SM), SLICE_INIT("failed"), STANZA_SM_FAILED},
		{SLICE_INIT(XML_NS_CSI), SLICE_INIT("active"), STANZA_ACTIVE},
		{SLICE_INIT(XML_NS_CSI), SLICE_INIT("inactive"), STANZA_INACTIVE},
	};

	if (slice_eq(element->ns, SLICE(XML_NS_STREAMS)))
		return kind_of_stream(element->local);
	if (element->local.n < 2)
		return kind_of_letter(element);
	if (!initials[(unsigned char) element->local.p[0]])
		return STANZA_OTHER;
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
	x->is_in_element = true;
	x->start = place(x, 0);
	x->kind = kind_of(element);
	x->has_stream_prefix = slice_eq(element->prefix, SLICE("stream"));
	x->used = 0;
	x->n_edits = 0;
	x->open_edit = XML_KEEP;
	if (x->reading == READING_ELEMENTS) {
		if (x->n_borders == 0 || x->border->from != x->start) {
			stop(x, XML_MALFORMED);
			return;
		}
		/* Each for itself: how many come at once must not matter. */
		allow_work(x, x->border->to - x->border->from);
	}
	if (x->reading == READING_WRAPPER)
		XML_SetCharacterDataHandler(x->expat, NULL);
}

static bool
is_of_this_hop(enum stanza_kind kind)
{
	return kind == STANZA_FEATURES || kind == STANZA_SUCCESS2 || kind == STANZA_SM || kind == STANZA_FAILURE ||
		kind == STANZA_STREAM_ERROR;
}

/* Asks about a tag of what concerns this hop too, and notes where one begins that does not stay. */
static void
judge_inner(struct xml *x, const struct xml_element *element)
{
	unsigned depth = x->depth - x->cut_depth;
	enum xml_inner verdict;

	if (x->handler->inner == NULL || !is_of_this_hop(x->kind))
		return;
	verdict = x->handler->inner(x->arg, x->kind, depth, element);
	if (verdict == XML_KEEP || depth == 0 || x->open_edit != XML_KEEP || x->n_edits == MAX_EDITS)
		return;
	x->open_edit = verdict;
	x->edit[x->n_edits].from = (verdict == XML_CUT ? place(x, 0) : tag_end(x)) - x->start;
	x->edit[x->n_edits].n_with = 0;
	x->edit_depth = x->depth;
}

/* The element ends that is to be cut out, or to have other content. */
static void
end_edit(struct xml *x)
{
	struct edit *e = &x->edit[x->n_edits];
	struct slice with = SLICE_NONE, part;
	bool is_cut = x->open_edit == XML_CUT;

	x->open_edit = XML_KEEP;
	e->to = (is_cut ? tag_end(x) : place(x, 0)) - x->start;
	if (!is_cut) {
		part = slice_of(x->bytes.p + x->start + e->from, e->to - e->from);
		if (!x->handler->replace(x->arg, x->kind, &part, &with))
			return;
		must(with.n <= sizeof e->with);
		e->from = (size_t) (part.p - x->bytes.p) - x->start;
		e->to = e->from + part.n;
		memcpy(e->with, with.p, with.n);
		e->n_with = (unsigned char) with.n;
	}
	x->n_edits++;
}

static void
begin_root(struct xml *x, const struct xml_element *root)
{
	if (x->has_root || (x->reading == READING_HEADER && tag_end(x) != x->bytes.n))
		stop(x, XML_MALFORMED);
	else if (!x->handler->root(x->arg, root))
		stop(x, XML_STOPPED);
	x->has_root = true;
}

static void
on_start(void *data, const char *name, const char **attributes)
{
	struct xml *x = data;
	struct xml_element element = {.attributes = attributes};

	if (x->result != XML_OK)
		return;
	if (x->reading == READING_ROOT) {
		x->depth++;
		return;
	}
	xml_split_name(name, &element);
	if (x->depth == x->outer)
		begin_root(x, &element);
	if (x->result == XML_OK && x->depth == x->cut_depth)
		begin_element(x, &element);
	if (x->result != XML_OK)
		return;
	mark_names(x, &element);
	if (x->is_in_element) {
		judge_inner(x, &element);
		if (x->depth - x->cut_depth > x->limits.depth)
			stop(x, XML_TOO_DEEP);
	}
	x->depth++;
}

static size_t
name_length(struct slice tag)
{
	size_t n = 1;

	while (n < tag.n && !markup_ends_name(tag.p[n]))
		n++;
	return n;
}

static char *
put(char *out, const void *from, size_t n)
{
	memcpy(out, from, n);
	return out + n;
}

/*
 * Of the inherited declarations that no name in the element needs, those that
 * a value or text may: what is meant by a prefix there, only its reader knows.
 */
static uint32_t
mentioned(const struct xml *x, struct slice bytes)
{
	uint32_t these;

	if (x->declared->n == 0 || memchr(bytes.p, ':', bytes.n) == NULL)
		return 0;
	these = namespaces_all(x->declared) & ~(x->used | x->own);
	return these != 0 ? namespaces_mentioned(x->declared, these, bytes) : 0;
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
	uint32_t add = (x->used | mentioned(x, bytes)) & ~x->own;
	size_t n = bytes.n + namespaces_size(x->declared, add), at = name_length(bytes), from = at;
	struct stanza *st;
	char *out;

	x->growth->added += n - bytes.n;
	if (x->growth->added > MAX_ADDED + MAX_ADDED_RATIO * x->growth->read)
		return NULL;
	for (unsigned i = 0; i < x->n_edits; i++)
		n = n - (x->edit[i].to - x->edit[i].from) + x->edit[i].n_with;

	st = stanza_new(n, x->kind);
	st->has_stream_prefix = x->has_stream_prefix;
	out = put(st->bytes, bytes.p, at);
	out = namespaces_write(x->declared, add, out);
	for (unsigned i = 0; i < x->n_edits; i++) {
		const struct edit *e = &x->edit[i];
		out = put(out, bytes.p + from, e->from - from);
		out = put(out, e->with, e->n_with);
		from = e->to;
	}
	out = put(out, bytes.p + from, bytes.n - from);
	must(out == st->bytes + n);
	return st;
}

static void XMLCALL on_text(void *data, const char *text, int n);

static void
end_element(struct xml *x, size_t end)
{
	struct stanza *st;

	x->is_in_element = false;
	if (x->reading == READING_WRAPPER)
		XML_SetCharacterDataHandler(x->expat, on_text);
	if (x->reading == READING_ELEMENTS) {
		if (x->border->to != end) {
			stop(x, XML_MALFORMED);
			return;
		}
		x->border++;
		x->n_borders--;
		x->growth->read += end - x->start;
	}
	st = end - x->start <= x->limits.element ? make_stanza(x, slice_of(x->bytes.p + x->start, end - x->start))
						 : NULL;
	x->own = 0;
	if (st == NULL)
		stop(x, XML_TOO_BIG);
	else if (!x->handler->element(x->arg, st))
		stop(x, XML_STOPPED);
}

static void
on_end(void *data, const char *name)
{
	struct xml *x = data;
	size_t end;

	(void) name;
	if (x->result != XML_OK)
		return;
	x->depth--;
	if (x->depth > x->cut_depth && x->open_edit == XML_KEEP)
		return;
	if (x->open_edit != XML_KEEP && x->depth == x->edit_depth)
		end_edit(x);
	end = tag_end(x);
	if (x->depth == x->outer)
		x->root_end = end;
	if (x->is_in_element && x->depth == x->cut_depth)
		end_element(x, end);
}

/* Of the root: one more that elements may inherit. */
static void
declare(struct xml *x, struct slice prefix, struct slice uri)
{
	if (uri.n == 0)
		return;
	for (size_t i = 0; i < x->handler->n_known; i++)
		if (slice_eq(prefix, x->handler->known[i].prefix) && slice_eq(uri, x->handler->known[i].uri))
			return;
	if (!namespaces_add(&x->own_declared, prefix, uri))
		stop(x, XML_TOO_BIG);
}

static void
on_declaration(void *data, const char *prefix, const char *uri)
{
	struct xml *x = data;
	struct slice p = prefix != NULL ? slice_str(prefix) : SLICE("");
	struct slice u = uri != NULL ? slice_str(uri) : SLICE("");

	if (x->result != XML_OK || x->reading == READING_ROOT)
		return;
	if (u.n > MARKUP_NAMESPACE_MAX)
		stop(x, XML_TOO_BIG);
	else if (x->reading == READING_MESSAGE)
		return;
	else if (x->depth == x->cut_depth)
		x->own |= namespaces_find(x->declared, p, SLICE_NONE);
	else if (x->depth == x->outer)
		declare(x, p, u);
}

static void XMLCALL
on_text(void *data, const char *text, int n)
{
	struct xml *x = data;

	for (int i = 0; i < n && x->result == XML_OK; i++)
		if (!slice_is_space(text[i]))
			stop(x, x->depth == x->outer ? XML_MALFORMED : XML_TEXT);
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
	if (x->reading == READING_MESSAGE)
		stop(x, XML_RESTRICTED);
	else if (version == NULL || strcmp(version, "1.0") != 0 ||
		(encoding != NULL && strcasecmp(encoding, "utf-8") != 0))
		stop(x, XML_MALFORMED);
}

/* ---- the parser ---- */

static void
forget_parser(struct xml *x)
{
	if (x->expat != NULL)
		XML_ParserFree(x->expat);
	x->expat = NULL;
	x->shown = 0;
	root_unref(x->root);
	x->root = NULL;
	plain_text_fini(&x->text);
}

/* What a refused allocation means. */
static enum xml_result
result_of_memory(const struct xml *x)
{
	return x->memory.refusal == XML_MEMORY_ROOM ? XML_NO_ROOM : XML_TOO_BIG;
}

/* A parser that has read nothing.  False: there is none to be had. */
static bool
renew_parser(struct xml *x)
{
	static const XML_Memory_Handling_Suite memory = {xml_memory_alloc, xml_memory_realloc, xml_memory_free};
	static const char separator[] = {XML_SEPARATOR, '\0'};

	if (x->expat != NULL)
		must(XML_ParserReset(x->expat, "UTF-8"));
	else
		x->expat = XML_ParserCreate_MM("UTF-8", &memory, separator);
	if (x->expat == NULL) {
		x->result = result_of_memory(x);
		return false;
	}
	x->shown = 0;
	root_unref(x->root);
	x->root = NULL;
	EXPAT_PARSE_AT_ONCE(x->expat);
	XML_SetReturnNSTriplet(x->expat, 1);
	XML_SetUserData(x->expat, x);
	XML_SetElementHandler(x->expat, on_start, on_end);
	XML_SetNamespaceDeclHandler(x->expat, on_declaration, NULL);
	XML_SetCommentHandler(x->expat, on_comment);
	XML_SetProcessingInstructionHandler(x->expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(x->expat, on_doctype);
	XML_SetXmlDeclHandler(x->expat, on_xml_declaration);
	if (x->seed != 0)
		XML_SetHashSalt(x->expat, (unsigned long) x->seed);
	return true;
}

/*
 * expat finds out by itself that a document is UTF-16, whatever it was told,
 * and the bytes we cut are for others to read as UTF-8.  It looks at the first
 * two bytes; none of these begins or follows anything in UTF-8.
 */
static bool
is_other_encoding(struct slice bytes)
{
	for (size_t i = 0; i < bytes.n && i < 2; i++)
		if (bytes.p[i] == '\0' || (unsigned char) bytes.p[i] >= 0xfe)
			return true;
	return false;
}

static enum xml_result
result_of(enum XML_Error error)
{
	return error == XML_ERROR_UNDEFINED_ENTITY ? XML_RESTRICTED : XML_MALFORMED;
}

/* The parser has read something.  What it was refused counts more than what it made of that. */
static void
conclude(struct xml *x, enum XML_Status status)
{
	if (x->memory.refusal != XML_MEMORY_GIVEN)
		x->result = result_of_memory(x);
	else if (status != XML_STATUS_OK && x->result == XML_OK)
		x->result = result_of(XML_GetErrorCode(x->expat));
}

/* Begins with bytes; the parser comes later. */
static void
begin(struct xml *x, const struct xml_handler *handler, struct xml_limits limits, struct slice bytes, void *arg)
{
	x->handler = handler;
	x->limits = limits;
	x->bytes = bytes.p != NULL ? bytes : SLICE("");
	x->arg = arg;
	x->result = XML_OK;
	x->work = 0;
	xml_memory_use(&x->memory);
	xml_memory_begin(&x->memory, MAX_MEMORY + MAX_MEMORY_RATIO * bytes.n);
	allow_work(x, bytes.n);
	x->own_growth = (struct xml_growth){.read = bytes.n};
	x->growth = &x->own_growth;
	plain_text_clear(&x->text);
	namespaces_clear(&x->own_declared);
	x->declared = &x->own_declared;
}

/* The parser is there: the first of the bytes is next for it. */
static void
aim(struct xml *x, enum reading reading)
{
	x->reading = reading;
	x->depth = x->root != NULL ? 1 : 0;
	x->outer = reading == READING_ELEMENTS ? UINT_MAX : x->depth;
	x->cut_depth = reading == READING_ELEMENTS || reading == READING_MESSAGE ? x->depth : x->depth + 1;
	x->has_root = false;
	x->root_end = 0;
	x->is_in_element = false;
	x->open_edit = XML_KEEP;
	x->own = 0;
	x->at = x->next_run = x->run = x->left_out = 0;
	x->portion = x->least_portion;
	x->is_final = false;
	x->index_base = (int64_t) x->shown;
	XML_SetCharacterDataHandler(x->expat, reading == READING_WRAPPER ? on_text : NULL);
}

/* Copies the next of the bytes, n at most, but for the text that is left out. */
static size_t
copy_next(struct xml *x, char *out, size_t n)
{
	const char *from = out;

	while (n > 0 && x->at < x->bytes.n) {
		bool is_last = x->next_run == x->text.n;
		size_t to = is_last ? x->bytes.n : x->text.run[x->next_run].from;
		size_t part = to - x->at < n ? to - x->at : n;
		out = put(out, x->bytes.p + x->at, part);
		x->at += part;
		n -= part;
		if (x->at == to && !is_last)
			x->at = x->text.run[x->next_run++].to;
	}
	return (size_t) (out - from);
}

/* Shows expat the next of the bytes, and behind the last of them what is to stand there. */
static void
show(struct xml *x, size_t max, struct slice behind)
{
	size_t left = x->bytes.n - x->text.bytes - (size_t) ((int64_t) x->shown - x->index_base);
	size_t n = left < max ? left : max;
	char *out = XML_GetBuffer(x->expat, (int) (n + behind.n + 1));

	if (out == NULL) {
		x->result = result_of_memory(x);
		return;
	}
	must(copy_next(x, out, n) == n);
	put(out + n, behind.p, behind.n);
	x->shown += n;
	conclude(x, XML_ParseBuffer(x->expat, (int) (n + behind.n), n == left && x->is_final));
}

static void
show_all(struct xml *x, struct slice behind)
{
	show(x, SIZE_MAX, behind);
}

static bool
is_all_shown(const struct xml *x)
{
	return x->at == x->bytes.n;
}

/* Looks the bytes over, if that is worth it: are they within bounds, and what need not be shown? */
static bool
look_over(struct xml *x, unsigned text_depth)
{
	bool is_within = x->bytes.n < SURVEY_BYTES || survey(x->bytes, text_depth, &x->text);

	if (x->shows_text)
		plain_text_clear(&x->text);
	return is_within;
}

/* The parser gets behind the start tag of a root, if it is not there. */
static void
go_behind(struct xml *x, struct root *root)
{
	struct slice tag = root_tag(root);

	if (x->root == root || !renew_parser(x))
		return;
	x->reading = READING_ROOT;
	x->root = root_ref(root);
	x->shown = tag.n;
	conclude(x, XML_Parse(x->expat, tag.p, (int) tag.n, 0));
}

/* After anything refused, and after anything large, the next finds a new parser. */
static enum xml_result
finish(struct xml *x)
{
	if (x->result != XML_OK || x->shown - (uint64_t) x->index_base >= RECYCLE_BYTES ||
		(x->root != NULL && x->shown >= RETIRE_BYTES))
		forget_parser(x);
	x->bytes = SLICE_NONE;
	return x->result;
}

/* ---- documents ---- */

/* Nothing goes before its root: no declaration, no blank, no mark of another encoding. */
static bool
begins_with_root(struct slice bytes)
{
	return bytes.n > 2 && bytes.p[0] == '<' && markup_begins_name(bytes.p[1]);
}

static bool
is_blank_from(struct slice bytes, size_t at)
{
	while (at < bytes.n && slice_is_space(bytes.p[at]))
		at++;
	return at == bytes.n;
}

/*
 * A small document is read as an element of one that never ends: to begin
 * anew costs the parser more than to read it.  What may stand behind an
 * element and not behind a document is refused here.
 */
static void
read_small(struct xml *x, enum reading reading)
{
	go_behind(x, x->endless);
	if (x->result != XML_OK)
		return;
	aim(x, reading);
	show_all(x, SLICE(""));
	if (x->result == XML_OK && (x->root_end == 0 || !is_blank_from(x->bytes, x->root_end)))
		x->result = XML_MALFORMED;
}

/* The parser is there for a document of its own; false when none may be read. */
static bool
begin_whole(struct xml *x, enum reading reading)
{
	if (is_other_encoding(x->bytes)) {
		x->result = XML_MALFORMED;
		return false;
	}
	if (!renew_parser(x))
		return false;
	aim(x, reading);
	x->is_final = true;
	return true;
}

enum xml_result
xml_document(struct xml *x, enum xml_shape shape, const struct xml_handler *handler, struct xml_limits limits,
	struct slice bytes, void *arg)
{
	enum reading reading = shape == XML_MESSAGE ? READING_MESSAGE : READING_WRAPPER;

	begin(x, handler, limits, bytes, arg);
	if (!look_over(x, shape == XML_MESSAGE ? 1 : 2))
		x->result = XML_TOO_BIG;
	else if (x->bytes.n - x->text.bytes <= SMALL_BYTES && begins_with_root(x->bytes) && !x->shows_text)
		read_small(x, reading);
	else if (begin_whole(x, reading))
		show_all(x, SLICE(""));
	return finish(x);
}

/* <name .../> */
static bool
ends_itself(struct slice tag)
{
	return tag.n >= 2 && tag.p[tag.n - 2] == '/';
}

/* It is made a document: <name ...></name>. */
enum xml_result
xml_header(struct xml *x, const struct xml_handler *handler, struct slice bytes, struct slice name,
	struct root_pool *pool, void *arg, struct root **root)
{
	static const struct xml_limits limits = {.element = 0};
	struct buf end;

	*root = NULL;
	begin(x, handler, limits, bytes, arg);
	buf_init(&end, BUF_UNLIMITED);
	if (!ends_itself(bytes)) {
		buf_append_str(&end, "</");
		buf_append(&end, name);
		buf_append_char(&end, '>');
	}
	if (begin_whole(x, READING_HEADER))
		show_all(x, buf_slice(&end));
	buf_fini(&end);
	if (x->result == XML_OK)
		*root = root_find(pool, name, &x->own_declared);
	if (*root != NULL && root_tag(*root).n > MAX_ROOT) {
		root_unref(*root);
		*root = NULL;
		x->result = XML_TOO_BIG;
	}
	return finish(x);
}

/* ---- elements of a stream ---- */

static void
begin_elements(struct xml *x, struct root *root, struct xml_growth *growth, const struct xml_border *border, size_t n)
{
	x->declared = root_declared(root);
	x->growth = growth;
	x->border = border;
	x->n_borders = n;
}

/* Was everything found that is to be there? */
static void
end_elements(struct xml *x)
{
	if (x->result == XML_OK && (x->n_borders > 0 || x->depth != 1))
		x->result = XML_MALFORMED;
}

enum xml_result
xml_elements(struct xml *x, const struct xml_handler *handler, struct xml_limits limits, struct root *root,
	struct xml_growth *growth, struct slice bytes, const struct xml_border *border, size_t n, bool has_long_text,
	void *arg)
{
	begin(x, handler, limits, bytes, arg);
	begin_elements(x, root, growth, border, n);
	/* The bounds of each element are the splitter's matter: how many come at once makes no difference. */
	if (has_long_text)
		(void) look_over(x, 1);
	go_behind(x, root);
	if (x->result == XML_OK) {
		aim(x, READING_ELEMENTS);
		show_all(x, SLICE(""));
	}
	end_elements(x);
	return finish(x);
}

/* ---- in portions ---- */

void
xml_begin_document(struct xml *x, enum xml_shape shape, const struct xml_handler *handler, struct xml_limits limits,
	struct slice bytes, void *arg)
{
	begin(x, handler, limits, bytes, arg);
	x->reading = shape == XML_MESSAGE ? READING_MESSAGE : READING_WRAPPER;
	x->is_begun = false;
}

void
xml_begin_element(struct xml *x, const struct xml_handler *handler, struct xml_limits limits, struct root *root,
	struct xml_growth *growth, struct slice bytes, void *arg)
{
	begin(x, handler, limits, bytes, arg);
	x->reading = READING_ELEMENTS;
	x->is_begun = false;
	x->whole = (struct xml_border){0, bytes.n};
	x->next_root = root;
	begin_elements(x, root, growth, &x->whole, 1);
}

/* Everything but to show the bytes. */
static void
prepare(struct xml *x)
{
	enum reading reading = x->reading;

	x->is_begun = true;
	if (reading == READING_ELEMENTS) {
		(void) look_over(x, 1);
		go_behind(x, x->next_root);
		if (x->result == XML_OK)
			aim(x, reading);
	} else if (!look_over(x, reading == READING_MESSAGE ? 1 : 2)) {
		x->result = XML_TOO_BIG;
	} else {
		(void) begin_whole(x, reading);
	}
}

/* A token that is longer than a portion is gone through from its beginning each time: so portions grow until its end. */
static void
show_portion(struct xml *x)
{
	XML_Index before = XML_GetCurrentByteIndex(x->expat);

	show(x, x->portion, SLICE(""));
	x->portion = XML_GetCurrentByteIndex(x->expat) == before ? 2 * x->portion : x->least_portion;
}

enum xml_result
xml_go_on(struct xml *x)
{
	xml_memory_use(&x->memory);
	if (x->is_begun)
		show_portion(x);
	else
		prepare(x);
	if (x->result == XML_OK && !is_all_shown(x))
		return XML_MORE;
	if (x->reading == READING_ELEMENTS)
		end_elements(x);
	return finish(x);
}

void
xml_abandon(struct xml *x)
{
	forget_parser(x);
}

/* ---- life ---- */

struct xml *
xml_new(uint64_t seed)
{
	struct xml *x = xcalloc(1, sizeof *x);

	x->seed = seed;
	x->least_portion = XML_PORTION;
	x->endless = root_find(NULL, SLICE("endless"), &x->own_declared);
	return x;
}

void
xml_free(struct xml *x)
{
	if (x == NULL)
		return;
	forget_parser(x);
	root_unref(x->endless);
	namespaces_fini(&x->own_declared);
	free(x);
}

void
xml_charge(struct xml *x, struct budget *budget)
{
	forget_parser(x);
	x->memory.budget = budget;
}

void
xml_set_portion(struct xml *x, size_t n)
{
	x->least_portion = n;
}

void
xml_show_text(struct xml *x)
{
	x->shows_text = true;
}

void
xml_versions(struct library *l)
{
	XML_Expat_Version v = XML_ExpatVersionInfo();
	const unsigned built[] = {XML_MAJOR_VERSION, XML_MINOR_VERSION, XML_MICRO_VERSION};
	const unsigned runs[] = {(unsigned) v.major, (unsigned) v.minor, (unsigned) v.micro};

	library_set_numbers(l, "expat", built, runs);
}
