/*
 * xml.h and xml_stream.h with any bytes.  The first chooses the shape: m a
 * message, w a wrapper, k a stream that leaves out what is too large, all else
 * a stream; a capital has narrow limits, 1 2 and 3 are m, w and a stream with
 * those of a server.  A stream comes in pieces, and then once more in one
 * piece: the same must come out, whether long text is shown to the parser or
 * not.
 *
 *      0x1e   ends a piece           0x1f   ends one that is fed byte by byte
 *      0x1d   is ten thousand blanks, so that a parser is given up, or long text if it is within an element
 *      0x1c   a new stream begins
 *      0x1a   what follows, up to 0x1b, stands there many times: the digit behind it says how often, 1 ten times,
 *             5 a hundred thousand times; # in it is the count
 *
 * Whatever is cut out can be read alone.  An element <no/> stops.  Behind each
 * input a good document and a good stream pass through the same readers.
 */
#include "fuzz/input.h"

#include <stdio.h>

#include "base/buf.h"
#include "proto/xml/xml_stream.h"
#include "whole.h"

#define BLANKS 10000
#define MANY_BLANKS 65536 /* beyond all limits: more would only take time */
#define MARK_TIMES '\x1a'
#define MARK_TIMES_END '\x1b'
#define MANY_BYTES 1200000 /* what times make of an input, at most */

static const struct xml_limits wide = {30000, 100}, narrow = {200, 4}, large = {1 << 20, 100},
			       unlimited = {1 << 24, 1000};

/* What came out, as text. */
struct record {
	struct buf text;
	struct xml *checker;
};

static void
say(struct record *r, const char *what, struct slice text)
{
	buf_append_str(&r->text, what);
	buf_append_char(&r->text, slice_is_set(text) ? '=' : '-');
	buf_append(&r->text, text);
	buf_append_char(&r->text, '\n');
}

static bool
is_good_alone(void *arg, const struct xml_element *root)
{
	(void) arg;
	(void) root;
	return true;
}

static bool
drop(void *arg, struct stanza *st)
{
	(void) arg;
	stanza_free(st);
	return true;
}

static void
ignore_end(void *arg)
{
	(void) arg;
}

static const struct xml_stream_handler checks = {.xml = {.root = is_good_alone, .element = drop}, .end = ignore_end};

static bool
can_be_read(struct record *r, struct slice text)
{
	return xml_document(r->checker, XML_MESSAGE, &checks.xml, unlimited, text, NULL) == XML_OK;
}

/* What is escaped can be written as an attribute. */
static void
check_escape(struct record *r, struct slice value)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<a b='");
	must(xml_escape(&text, value) == 0);
	buf_append_str(&text, "'/>");
	must(can_be_read(r, buf_slice(&text)));
	buf_fini(&text);
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct record *r = arg;

	must(root->local.n > 0);
	say(r, "root", root->local);
	say(r, "ns", root->ns);
	say(r, "prefix", root->prefix);
	say(r, "to", xml_attribute(root, "", "to"));
	say(r, "lang", xml_attribute(root, XML_NS_XML, "lang"));
	check_escape(r, xml_attribute(root, "", "to"));
	return !slice_eq(root->local, SLICE("no"));
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct record *r = arg;
	bool goes_on = !slice_has_prefix(stanza_slice(st), SLICE("<no"));

	must(st->n > 0 && st->bytes[0] == '<' && st->bytes[st->n - 1] == '>');
	must(can_be_read(r, stanza_slice(st)));
	buf_printf(&r->text, "%d%d", st->kind, st->has_stream_prefix);
	say(r, "", stanza_slice(st));
	stanza_free(st);
	return goes_on;
}

static enum xml_inner
on_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element)
{
	struct record *r = arg;

	must(kind == STANZA_FEATURES || kind == STANZA_SUCCESS2 || kind == STANZA_SM || kind == STANZA_FAILURE ||
		kind == STANZA_STREAM_ERROR);
	if (depth <= 1)
		say(r, depth == 0 ? "outer" : "inner", element->local);
	if (slice_eq(element->local, SLICE("r")))
		return XML_REPLACE;
	return slice_eq(element->local, SLICE("starttls")) || slice_eq(element->local, SLICE("c")) ? XML_CUT : XML_KEEP;
}

static bool
on_replace(void *arg, enum stanza_kind kind, struct slice *part, struct slice *with)
{
	bool is_long = part->n > 1;

	(void) kind;
	say(arg, "replaced", *part);
	*part = slice_trim(*part);
	*with = SLICE("new");
	return is_long;
}

static void
on_end(void *arg)
{
	say(arg, "end", SLICE_NONE);
}

static const struct xml_stream_handler handler = {
	.xml = {.root = on_root, .element = on_element, .inner = on_inner, .replace = on_replace}, .end = on_end};

/* How much of the tag is kept depends on the pieces. */
static void
on_skipped(void *arg, struct slice tag)
{
	say(arg, "skipped", slice_of(tag.p, tag.n < narrow.element ? tag.n : narrow.element));
}

static const struct xml_stream_handler skipping = {
	.xml = {.root = on_root, .element = on_element, .inner = on_inner, .replace = on_replace},
	.end = on_end,
	.skipped = on_skipped};

/* A stream, what it said, and how it is. */
struct reading {
	struct xml_stream stream;
	struct record record;
	enum xml_result result;
};

static void
reading_init(struct reading *g, const struct xml_stream_handler *h, struct xml_readers *readers, struct xml *checker,
	struct xml_limits limits)
{
	g->record.checker = checker;
	g->result = XML_OK;
	buf_init(&g->record.text, BUF_UNLIMITED);
	xml_stream_init(&g->stream, readers, h, limits, &g->record);
}

static void
reading_fini(struct reading *g)
{
	xml_stream_fini(&g->stream);
	buf_fini(&g->record.text);
}

static void
feed(struct reading *g, struct slice bytes)
{
	struct slice piece = exact(bytes);

	if (g->result == XML_OK)
		g->result = xml_stream_feed_whole(&g->stream, piece);
	exact_free(piece);
}

/* Which cap is met first depends on the pieces, and which of two errors in a row is seen; nothing else does. */
static void
compare(const struct reading *a, const struct reading *b)
{
	const struct buf *x = &a->record.text, *y = &b->record.text;
	size_t n = x->n < y->n ? x->n : y->n;

	must((a->result == XML_OK) == (b->result == XML_OK) || a->result == XML_TOO_BIG || b->result == XML_TOO_BIG);
	must(slice_has_prefix(buf_slice(x), slice_of(buf_slice(y).p, n)));
	must(a->result != XML_OK || b->result != XML_OK || x->n == y->n);
}

/* Whatever went before, the next finds all as new. */
static void
check_readers(struct xml_readers *readers, struct xml *checker)
{
	struct reading g;

	reading_init(&g, &handler, readers, checker, wide);
	must(xml_document(readers->documents, XML_WRAPPER, &handler.xml, wide, SLICE("<r xmlns='u'><a>t</a></r>"),
		     &g.record) == XML_OK);
	feed(&g, SLICE("<?xml version='1.0'?><s xmlns='u' xmlns:p='v'><p:a b='c'>t</p:a><d/>"));
	must(g.result == XML_OK);
	must(slice_eq(buf_slice(&g.record.text),
		SLICE("root=r\nns=u\nprefix-\nto-\nlang-\n00=<a xmlns='u'>t</a>\n"
		      "root=s\nns=u\nprefix-\nto-\nlang-\n00=<p:a xmlns:p='v' b='c'>t</p:a>\n00=<d xmlns='u'/>\n")));
	reading_fini(&g);
}

/*
 * rest begins with a stream's first piece; what is left begins with the next
 * stream's.  Two streams share their readers and are fed in turn; a third gets
 * everything at once, and a fourth too, whose parser is shown all text.
 */
static void
one_stream(struct slice *rest, const struct xml_stream_handler *h, struct xml_readers *shared, struct xml_readers *own,
	struct xml_readers *all_shown, struct xml *checker, struct xml_limits limits)
{
	static char blanks[BLANKS];
	struct reading x, twin, whole, shown;
	struct piece piece = {.mark = '\0'};
	struct buf all;

	memset(blanks, ' ', sizeof blanks);
	buf_init(&all, BUF_UNLIMITED);
	reading_init(&x, h, shared, checker, limits);
	reading_init(&twin, h, shared, checker, limits);
	reading_init(&whole, h, own, checker, limits);
	reading_init(&shown, h, all_shown, checker, limits);
	while (piece.mark != MARK_FILE && next_piece(rest, &piece)) {
		buf_append(&all, piece.bytes);
		for (size_t i = 0; i < piece.bytes.n && piece.mark == MARK_UNIT; i++)
			feed(&x, slice_of(piece.bytes.p + i, 1));
		if (piece.mark != MARK_UNIT)
			feed(&x, piece.bytes);
		feed(&twin, piece.bytes);
		if (piece.mark == MARK_GROUP && all.n < MANY_BLANKS) {
			buf_append(&all, slice_of(blanks, BLANKS));
			feed(&x, slice_of(blanks, BLANKS));
			feed(&twin, slice_of(blanks, BLANKS));
		}
	}
	feed(&whole, buf_slice(&all));
	feed(&shown, buf_slice(&all));
	compare(&x, &whole);
	compare(&twin, &whole);
	must(shown.result == whole.result);
	must(slice_eq(buf_slice(&shown.record.text), buf_slice(&whole.record.text)));
	reading_fini(&x);
	reading_fini(&twin);
	reading_fini(&whole);
	reading_fini(&shown);
	check_readers(shared, checker);
	buf_fini(&all);
}

/* Blanks in place of each mark, so that long text comes into documents too. */
static void
unfold(struct slice bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.n; i++)
		for (unsigned n = bytes.p[i] == MARK_GROUP && out->n < MANY_BLANKS ? 300 : 1; n > 0; n--)
			buf_append_char(out, bytes.p[i] == MARK_GROUP ? ' ' : bytes.p[i]);
}

static enum xml_result
in_portions(struct xml *x, enum xml_shape shape, struct xml_limits limits, struct slice text, struct record *r)
{
	enum xml_result result;

	xml_set_portion(x, text.n / 16 + 1);
	xml_begin_document(x, shape, &handler.xml, limits, text, r);
	while ((result = xml_go_on(x)) == XML_MORE)
		;
	xml_set_portion(x, XML_PORTION);
	return result;
}

/* Twice: what the first document left behind must not matter; nor whether text is shown, or portions are read. */
static void
one_document(struct slice bytes, enum xml_shape shape, struct xml_limits limits, struct xml_readers *readers,
	struct xml_readers *all_shown, struct xml *checker)
{
	struct record r[4];
	enum xml_result result[4];
	struct buf text;
	struct slice copy;

	buf_init(&text, BUF_UNLIMITED);
	unfold(bytes, &text);
	copy = exact(buf_slice(&text));
	for (unsigned i = 0; i < 4; i++) {
		r[i].checker = checker;
		buf_init(&r[i].text, BUF_UNLIMITED);
		result[i] = i == 3 ? in_portions(readers->large, shape, limits, copy, &r[i])
				   : xml_document(i == 2 ? all_shown->documents : readers->documents, shape,
					     &handler.xml, limits, copy, &r[i]);
		check_readers(readers, checker);
		/* How much memory the parser takes, and so when it is too much, depends on the portions a little. */
		if (result[i] == XML_TOO_BIG || result[0] == XML_TOO_BIG)
			continue;
		must(result[i] == result[0]);
		must(slice_eq(buf_slice(&r[i].text), buf_slice(&r[0].text)));
	}
	for (unsigned i = 0; i < 4; i++)
		buf_fini(&r[i].text);
	exact_free(copy);
	buf_fini(&text);
}

/* One of many times: # is the count.  Marks are left out: a hundred thousand streams would only take time. */
static void
append_counted(struct buf *out, struct slice text, unsigned count)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '#')
			buf_printf(out, "%u", count);
		else if (text.p[i] < MARK_FILE || text.p[i] > MARK_UNIT)
			buf_append_char(out, text.p[i]);
}

/* The input with its times written out. */
static void
multiply(struct slice in, struct buf *out)
{
	const char *at, *end, *stop = in.p + in.n;

	while ((at = memchr(in.p, MARK_TIMES, in.n)) != NULL &&
		(end = memchr(at, MARK_TIMES_END, (size_t) (stop - at))) != NULL) {
		char digit = end + 1 < stop ? end[1] : '\0';
		unsigned times = 1;
		buf_append(out, slice_of(in.p, (size_t) (at - in.p)));
		for (char c = '0'; digit >= '1' && digit <= '5' && c < digit; c++)
			times *= 10;
		for (unsigned i = 0; i < times && out->n < MANY_BYTES; i++)
			append_counted(out, slice_of(at + 1, (size_t) (end - at - 1)), i);
		in.p = digit != '\0' ? end + 2 : end + 1;
		in.n = (size_t) (stop - in.p);
	}
	buf_append(out, in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf input;
	struct slice rest;
	char choice;
	struct xml_limits limits = wide;
	struct xml_readers shared, own, all_shown;
	struct xml *checker = xml_new(1);

	buf_init(&input, BUF_UNLIMITED);
	multiply(slice_of((const char *) p, n), &input);
	rest = buf_slice(&input);
	choice = next_choice(&rest);
	if (choice >= 'A' && choice <= 'Z')
		limits = narrow;
	else if (choice >= '1' && choice <= '3')
		limits = large;
	xml_readers_init(&shared, 1);
	xml_readers_init(&own, 1);
	xml_readers_init(&all_shown, 1);
	xml_show_text(all_shown.documents);
	xml_show_text(all_shown.elements);
	if (slice_lower(choice) == 'm' || choice == '1')
		one_document(rest, XML_MESSAGE, limits, &shared, &all_shown, checker);
	else if (slice_lower(choice) == 'w' || choice == '2')
		one_document(rest, XML_WRAPPER, limits, &shared, &all_shown, checker);
	else
		while (rest.n > 0)
			one_stream(&rest, slice_lower(choice) == 'k' ? &skipping : &handler, &shared, &own, &all_shown,
				checker, limits);
	xml_readers_fini(&shared);
	xml_readers_fini(&own);
	xml_readers_fini(&all_shown);
	xml_free(checker);
	buf_fini(&input);
	return 0;
}
