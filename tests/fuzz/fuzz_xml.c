/*
 * xml.h with any bytes.  The first chooses the shape: m a message, w a
 * wrapper, all else a stream; a capital has narrow limits.  A stream comes in
 * pieces, and then once more in one piece: the same must come out.
 *
 *      0x1e   ends a piece           0x1f   ends one that is fed byte by byte
 *      0x1d   is ten thousand blanks, so that the parser is replaced
 *      0x1c   a new stream begins
 *
 * Whatever is cut out can be read alone.  An element <no/> stops.
 */
#include "fuzz/input.h"

#include <stdio.h>

#include "base/buf.h"
#include "proto/xml/xml.h"

#define BLANKS 10000
#define MANY_BLANKS 65536 /* beyond all limits: more would only take time */

static const struct xml_limits wide = {30000, 100}, narrow = {200, 4}, unlimited = {1 << 24, 1000};

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

/* What is escaped can be written as an attribute. */
static void
check_escape(struct record *r, struct slice value)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<a b='");
	must(xml_escape(&text, value) == 0);
	buf_append_str(&text, "'/>");
	must(xml_document(r->checker, buf_slice(&text), NULL) == XML_OK);
	buf_fini(&text);
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct record *r = arg;

	if (r == NULL)
		return true;
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
	bool goes_on = r == NULL || !slice_has_prefix(stanza_slice(st), SLICE("<no"));

	if (r != NULL) {
		must(st->n > 0 && st->bytes[0] == '<' && st->bytes[st->n - 1] == '>');
		must(xml_document(r->checker, stanza_slice(st), NULL) == XML_OK);
		buf_printf(&r->text, "%d%d", st->kind, st->has_stream_prefix);
		say(r, "", stanza_slice(st));
	}
	stanza_free(st);
	return goes_on;
}

static bool
on_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element)
{
	struct record *r = arg;

	must(kind == STANZA_FEATURES || kind == STANZA_SUCCESS2 || kind == STANZA_SM);
	if (depth <= 1)
		say(r, depth == 0 ? "outer" : "inner", element->local);
	return !slice_eq(element->local, SLICE("starttls")) && !slice_eq(element->local, SLICE("c"));
}

static bool
on_end(void *arg)
{
	say(arg, "end", SLICE_NONE);
	return true;
}

static const struct xml_handler handler = {.root = on_root, .element = on_element, .inner = on_inner, .end = on_end};
static const struct xml_handler checks = {.root = on_root, .element = on_element};

static void
feed(struct xml *x, struct slice bytes, enum xml_result *result)
{
	struct slice piece = exact(bytes);

	if (*result == XML_OK)
		*result = xml_feed(x, piece);
	exact_free(piece);
}

static void
begin(struct xml *x, struct record *r, enum xml_result *result)
{
	xml_open(x, r);
	buf_clear(&r->text, 65536);
	*result = XML_OK;
}

/* Which cap is met first depends on the pieces, and which of two errors in a row is seen; nothing else does. */
static void
compare(const struct record *a, enum xml_result result, const struct record *b, enum xml_result other)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;

	must((result == XML_OK) == (other == XML_OK) || result == XML_TOO_BIG || other == XML_TOO_BIG);
	must(slice_has_prefix(buf_slice(&a->text), slice_of(buf_slice(&b->text).p, n)));
	must(result != XML_OK || other != XML_OK || a->text.n == b->text.n);
}

/*
 * rest begins with a stream's first piece; what is left begins with the next
 * stream's.  x and its twin lend each other their parser; alone has its own,
 * and gets everything at once.
 */
static void
one_stream(struct slice *rest, struct xml *x, struct xml *twin, struct xml *alone, struct record *r)
{
	static char blanks[BLANKS];
	struct record again = {.checker = r->checker}, same = {.checker = r->checker};
	enum xml_result result, other, twins;
	struct piece piece = {.mark = '\0'};
	struct buf all;

	memset(blanks, ' ', sizeof blanks);
	buf_init(&all, BUF_UNLIMITED);
	buf_init(&again.text, BUF_UNLIMITED);
	buf_init(&same.text, BUF_UNLIMITED);
	begin(x, r, &result);
	begin(twin, &same, &twins);
	while (piece.mark != MARK_FILE && next_piece(rest, &piece)) {
		buf_append(&all, piece.bytes);
		for (size_t i = 0; i < piece.bytes.n && piece.mark == MARK_UNIT; i++)
			feed(x, slice_of(piece.bytes.p + i, 1), &result);
		if (piece.mark != MARK_UNIT)
			feed(x, piece.bytes, &result);
		feed(twin, piece.bytes, &twins);
		if (piece.mark == MARK_GROUP && all.n < MANY_BLANKS) {
			buf_append(&all, slice_of(blanks, BLANKS));
			feed(x, slice_of(blanks, BLANKS), &result);
			feed(twin, slice_of(blanks, BLANKS), &twins);
		}
	}
	begin(alone, &again, &other);
	feed(alone, buf_slice(&all), &other);
	compare(r, result, &again, other);
	compare(&same, twins, &again, other);
	buf_fini(&again.text);
	buf_fini(&same.text);
	buf_fini(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = slice_of((const char *) p, n);
	struct record r = {.checker = xml_new(XML_MESSAGE, &checks, unlimited)};
	char choice = next_choice(&rest);
	enum xml_shape shape = slice_lower(choice) == 'm' ? XML_MESSAGE
		: slice_lower(choice) == 'w'              ? XML_WRAPPER
							  : XML_STREAM;
	struct xml_limits limits = choice >= 'A' && choice <= 'Z' ? narrow : wide;
	struct xml *x = xml_new(shape, &handler, limits);

	buf_init(&r.text, BUF_UNLIMITED);
	if (shape == XML_STREAM) {
		struct primer_pool *pool = primer_pool_new();
		struct xml *twin = xml_new(shape, &handler, limits), *alone = xml_new(shape, &handler, limits);
		xml_share(x, pool);
		xml_share(twin, pool);
		while (rest.n > 0)
			one_stream(&rest, x, twin, alone, &r);
		xml_free(x);
		xml_free(twin);
		xml_free(alone);
		primer_pool_free(pool);
		x = NULL;
	} else {
		/* Twice: what the first document left behind must not matter. */
		struct record again = {.checker = r.checker};
		buf_init(&again.text, BUF_UNLIMITED);
		must(xml_document(x, rest, &r) == xml_document(x, rest, &again));
		must(slice_eq(buf_slice(&r.text), buf_slice(&again.text)));
		buf_fini(&again.text);
	}
	buf_fini(&r.text);
	xml_free(r.checker);
	xml_free(x);
	return 0;
}
