#include "unit.h"

#include "base/buf.h"
#include "proto/xml/markup.h"

/* Feeds text in steps; what is left of it behind the piece goes to *rest. */
static struct markup
feed(struct slice text, size_t step, size_t *rest)
{
	struct markup m = {.kind = MARKUP_UNFINISHED};
	size_t at = 0;

	while (at < text.n && m.kind == MARKUP_UNFINISHED) {
		size_t n = text.n - at < step ? text.n - at : step;
		struct slice copy = exact(slice_of(text.p + at, n));
		const char *end = markup_feed(&m, copy.p, copy.p + copy.n);
		assert_true(end > copy.p && end <= copy.p + copy.n);
		at += (size_t) (end - copy.p);
		exact_free(copy);
	}
	*rest = text.n - at;
	return m;
}

/* Each row is one piece, up to a "|" if something follows; it must not matter how it comes. */
static void
kinds(void **state)
{
	static const struct {
		const char *text;
		enum markup_kind kind;
	} rows[] = {
		{"<a>", MARKUP_START},
		{"<a>|b>", MARKUP_START},
		{"<a:b>", MARKUP_START},
		{"<_>", MARKUP_START},
		{"<:>", MARKUP_START},
		{"<\xc3\xa4>", MARKUP_START},
		{"<a b='c'>", MARKUP_START},
		{"<a b='>'>|>", MARKUP_START},
		{"<a b='/>'>", MARKUP_START},
		{"<a b='\"' c=\"'\">", MARKUP_START},
		{"<a b=']]>'>", MARKUP_START},
		{"<a\n\tb\r=\n'c' >", MARKUP_START},
		{"<a b='c\n'>", MARKUP_START},
		{"<a/>", MARKUP_EMPTY},
		{"<a/>|<b/>", MARKUP_EMPTY},
		{"<a />", MARKUP_EMPTY},
		{"<a b='c'/>", MARKUP_EMPTY},
		{"<a b='/'/>", MARKUP_EMPTY},
		{"</a>", MARKUP_END},
		{"</a >|</b>", MARKUP_END},
		{"</a:b\n>", MARKUP_END},
		{"<![CDATA[]]>", MARKUP_CDATA},
		{"<![CDATA[]]]>", MARKUP_CDATA},
		{"<![CDATA[]]]]>", MARKUP_CDATA},
		{"<![CDATA[x]]>|]]>", MARKUP_CDATA},
		{"<![CDATA[<a b='>]]>", MARKUP_CDATA},
		{"<![CDATA[] ]>]]x>]] >]]>", MARKUP_CDATA},
		{"<![CDATA[<![CDATA[]]>|]]>", MARKUP_CDATA},
		{"<?xml version='1.0'?>", MARKUP_DECLARATION},
		{"<?xml ?>|<a>", MARKUP_DECLARATION},
		{"<?xml\n?\?>", MARKUP_DECLARATION},
		{"<?xml ?\? ?x>?>", MARKUP_DECLARATION},
		/* What XMPP forbids shows at once. */
		{"<!-|- x -->", MARKUP_RESTRICTED},
		{"<!D|OCTYPE a>", MARKUP_RESTRICTED},
		{"<?p| i?>", MARKUP_RESTRICTED},
		{"<?xm?|>", MARKUP_RESTRICTED},
		{"<?xml-|stylesheet?>", MARKUP_RESTRICTED},
		{"<?xmlx| ?>", MARKUP_RESTRICTED},
		{"<?xml?|>", MARKUP_RESTRICTED},
		{"<?X|ML version='1.0'?>", MARKUP_RESTRICTED},
		/* So does what is no markup. */
		{"a|", MARKUP_MALFORMED},
		{">|", MARKUP_MALFORMED},
		{"< |a>", MARKUP_MALFORMED},
		{"<>|", MARKUP_MALFORMED},
		{"<1|>", MARKUP_MALFORMED},
		{"<-|>", MARKUP_MALFORMED},
		{"<<|", MARKUP_MALFORMED},
		{"<'|", MARKUP_MALFORMED},
		{"<a<|b>", MARKUP_MALFORMED},
		{"<a <|b>", MARKUP_MALFORMED},
		{"<a b='<|'>", MARKUP_MALFORMED},
		{"<a b=\"c<|\">", MARKUP_MALFORMED},
		{"<a/|", MARKUP_UNFINISHED},
		{"<a//|>", MARKUP_MALFORMED},
		{"<a/ |>", MARKUP_MALFORMED},
		{"<a/b|>", MARKUP_MALFORMED},
		{"</>|", MARKUP_MALFORMED},
		{"</ |a>", MARKUP_MALFORMED},
		{"<//|", MARKUP_MALFORMED},
		{"</a<|", MARKUP_MALFORMED},
		{"</a/|>", MARKUP_MALFORMED},
		{"</a '|'>", MARKUP_MALFORMED},
		{"</a \"|\">", MARKUP_MALFORMED},
		{"<!>|", MARKUP_MALFORMED},
		{"<!E|LEMENT>", MARKUP_MALFORMED},
		{"<![c|data[", MARKUP_MALFORMED},
		{"<![CDATA |[", MARKUP_MALFORMED},
		{"<![D|", MARKUP_MALFORMED},
		{"<?xml version='<|'?>", MARKUP_MALFORMED},
		/* And what goes on, goes on. */
		{"", MARKUP_UNFINISHED},
		{"<", MARKUP_UNFINISHED},
		{"</", MARKUP_UNFINISHED},
		{"<!", MARKUP_UNFINISHED},
		{"<?", MARKUP_UNFINISHED},
		{"<?xml ", MARKUP_UNFINISHED},
		{"<![CDATA[]]", MARKUP_UNFINISHED},
		{"<![CDATA[]>", MARKUP_UNFINISHED},
		{"<a b='>", MARKUP_UNFINISHED},
		{"<a b=\"'>/>", MARKUP_UNFINISHED},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *bar = strchr(rows[i].text, '|');
		size_t want = bar != NULL ? strlen(bar + 1) : 0, rest;
		char text[100];
		snprintf(text, sizeof text, "%.*s%s", (int) (bar != NULL ? bar - rows[i].text : 99), rows[i].text,
			bar != NULL ? bar + 1 : "");
		for (size_t step = 1; step <= strlen(text) + 1; step++) {
			struct markup m = feed(slice_str(text), step, &rest);
			assert_row(m.kind == rows[i].kind, rows[i].text);
			assert_row(m.kind == MARKUP_UNFINISHED || rest == want, rows[i].text);
		}
	}
}

/* Behind "<", and behind "</": which bytes may begin a name. */
static void
first_bytes(void **state)
{
	(void) state;
	for (unsigned c = 0; c < 256; c++) {
		char start[] = {'<', (char) c, '>'}, end[] = {'<', '/', (char) c, '>'};
		bool is_name =
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:", (int) c) != NULL && c != 0;
		size_t rest;
		is_name = is_name || c >= 0x80;
		assert_int_equal(feed(slice_of(end, 4), 4, &rest).kind, is_name ? MARKUP_END : MARKUP_MALFORMED);
		if (c != '/' && c != '!' && c != '?')
			assert_int_equal(
				feed(slice_of(start, 3), 3, &rest).kind, is_name ? MARKUP_START : MARKUP_MALFORMED);
		assert_int_equal(markup_begins_name((char) c), is_name);
	}
}

static void
attributes_are_counted(void **state)
{
	(void) state;
	for (unsigned n = MARKUP_ATTRIBUTES - 1; n <= MARKUP_ATTRIBUTES + 1; n++) {
		struct buf text;
		size_t rest;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<a");
		for (unsigned i = 0; i < n; i++)
			buf_printf(&text, " a%u='>'", i);
		buf_append_str(&text, "/>");
		for (size_t step = 1; step < 100; step += 49) {
			struct markup m = feed(buf_slice(&text), step, &rest);
			assert_int_equal(m.kind, n <= MARKUP_ATTRIBUTES ? MARKUP_EMPTY : MARKUP_TOO_MANY);
			assert_int_equal(m.attributes, n);
		}
		buf_fini(&text);
	}
}

/* Values are measured whole, however they come; colons in them are none of names. */
static void
values_and_colons(void **state)
{
	static const struct {
		const char *text;
		unsigned colons;
		size_t longest;
	} rows[] = {
		{"<a>", 0, 0},
		{"<a:b>", 1, 0},
		{"<a b=''>", 0, 0},
		/* Only a declaration has the name of a namespace. */
		{"<a b='::' c='12345'>", 0, 0},
		{"<a xmlns='12345' c='::'>", 0, 5},
		{"<a xmlns='1' xmlns:b='12345' c='1234567'>", 1, 5},
		{"<a xmlns:b = '12345' c='1234567'>", 1, 5},
		{"<a \t\n xmlns  =  '12345'\n>", 0, 5},
		{"<a xmln='12345' xmlnss='12345' x='12345' axmlns='12345' xmlns-b='1234'>", 0, 0},
		{"<xmlns b='12345'>", 0, 0},
		{"<a:b c:d=\"'>/'\"/>", 2, 0},
		{"<a xmlns:b='u' b:c='' xml:d=':'>", 3, 1},
	};
	char many[70000];
	size_t rest;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t step = 1; step < 40; step++) {
			struct markup m = feed(slice_str(rows[i].text), step, &rest);
			assert_row(m.colons == rows[i].colons, rows[i].text);
			assert_row(m.longest == rows[i].longest, rows[i].text);
		}
	/* The count stops, and does not begin anew. */
	memset(many, ':', sizeof many);
	memcpy(many, "<a", 2);
	many[sizeof many - 1] = '>';
	assert_int_equal(feed(slice_of(many, sizeof many), sizeof many, &rest).colons, UINT16_MAX);
}

static void
work(void **state)
{
	struct markup few = {.colons = MARKUP_COLONS_FREE, .longest = 100}, many = few, none = {.colons = 20};
	struct markup huge = {.colons = 10, .longest = 100000};
	size_t longest = 0;

	(void) state;
	many.colons++;
	assert_int_equal(markup_work(&none, &longest), 0);
	assert_int_equal(markup_work(&few, &longest), 0);
	assert_int_equal(longest, 100);
	assert_int_equal(markup_work(&many, &longest), 900);
	/* What was declared further out counts too, up to the longest name there may be. */
	assert_int_equal(markup_work(&none, &longest), 2000);
	assert_int_equal(markup_work(&huge, &longest), 10 * MARKUP_NAMESPACE_MAX);
	assert_int_equal(longest, MARKUP_NAMESPACE_MAX);
	assert_false(markup_is_too_much(MARKUP_WORK_FREE, 0));
	assert_true(markup_is_too_much(MARKUP_WORK_FREE + 1, 0));
	assert_false(markup_is_too_much(MARKUP_WORK_FREE + 80, 10));
	assert_true(markup_is_too_much(MARKUP_WORK_FREE + 81, 10));
	assert_false(markup_has_too_many(MARKUP_ELEMENTS_FREE, 0));
	assert_true(markup_has_too_many(MARKUP_ELEMENTS_FREE + 1, 7));
	assert_false(markup_has_too_many(MARKUP_ELEMENTS_FREE + 1, 8));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(first_bytes),
		cmocka_unit_test(attributes_are_counted),
		cmocka_unit_test(values_and_colons),
		cmocka_unit_test(work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
