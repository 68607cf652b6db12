#include "unit.h"

#include "base/buf.h"
#include "proto/xml/splitter.h"

static const struct xml_limits wide = {1 << 20, 100};

/* A splitter, and what it said, a line each. */
struct record {
	struct splitter s;
	struct buf text;
};

static void
record_init(struct record *r, struct xml_limits limits, bool skips)
{
	splitter_init(&r->s, limits, skips);
	buf_init(&r->text, BUF_UNLIMITED);
}

static void
record_fini(struct record *r)
{
	splitter_fini(&r->s);
	buf_fini(&r->text);
}

static void
say(struct record *r, enum splitter_event event, struct slice piece)
{
	static const char *const words[] = {[SPLITTER_HEADER] = "header ",
		[SPLITTER_ELEMENT] = "element ",
		[SPLITTER_SKIPPED] = "skipped ",
		[SPLITTER_END] = "end",
		[SPLITTER_MALFORMED] = "malformed",
		[SPLITTER_RESTRICTED] = "restricted",
		[SPLITTER_TEXT] = "text",
		[SPLITTER_TOO_BIG] = "too big",
		[SPLITTER_TOO_DEEP] = "too deep"};

	buf_append_str(&r->text, words[event]);
	if (event == SPLITTER_HEADER || event == SPLITTER_ELEMENT || event == SPLITTER_SKIPPED)
		buf_append(&r->text, piece);
	buf_append_char(&r->text, '\n');
}

static enum splitter_event
feed(struct record *r, struct slice text)
{
	struct slice copy = exact(text), rest = copy, piece;
	enum splitter_event event;

	do {
		event = splitter_next(&r->s, &rest, &piece);
		if (event != SPLITTER_MORE)
			say(r, event, piece);
		assert_true(rest.p >= copy.p && rest.p + rest.n == copy.p + copy.n);
	} while (event != SPLITTER_MORE && event < SPLITTER_END);
	assert_true(event != SPLITTER_MORE || rest.n == 0);
	exact_free(copy);
	return event;
}

/* In one piece, in two at every place, byte by byte: the same is said. */
static void
check(struct xml_limits limits, bool skips, struct slice text, const char *want)
{
	struct record r;

	for (size_t cut = 0; cut <= text.n; cut++) {
		record_init(&r, limits, skips);
		if (feed(&r, slice_of(text.p, cut)) == SPLITTER_MORE)
			feed(&r, slice_of(text.p + cut, text.n - cut));
		assert_slice(buf_slice(&r.text), want);
		record_fini(&r);
	}
	for (size_t step = 1; step <= 3; step++) {
		enum splitter_event event = SPLITTER_MORE;
		record_init(&r, limits, skips);
		for (size_t at = 0; at < text.n && event == SPLITTER_MORE; at += step)
			event = feed(&r, slice_of(text.p + at, text.n - at < step ? text.n - at : step));
		/* What was broken is noticed again when nothing more comes. */
		assert_int_equal(feed(&r, SLICE("")), event);
		assert_true(slice_has_prefix(buf_slice(&r.text), slice_str(want)));
		record_fini(&r);
	}
}

static void
headers(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<r>", "header <r>\n"},
		{"<r x='>'>", "header <r x='>'>\n"},
		{"<p:r xmlns:p='u'>", "header <p:r xmlns:p='u'>\n"},
		{" \t\r\n<r>", "header  \t\r\n<r>\n"},
		{"<?xml version='1.0'?><r>", "header <?xml version='1.0'?><r>\n"},
		{"<?xml version='1.0'?>\n <r>", "header <?xml version='1.0'?>\n <r>\n"},
		{"\xef\xbb\xbf<r>", "header \xef\xbb\xbf<r>\n"},
		{"\xef\xbb\xbf<?xml version='1.0'?><r>", "header \xef\xbb\xbf<?xml version='1.0'?><r>\n"},
		{"<r/>", "header <r/>\nend\n"},
		{"<r/><a/>", "header <r/>\nend\n"},
		{"<r></r>", "header <r>\nend\n"},
		{"<r></r >x", "header <r>\nend\n"},
		{"<r><a/></r\n>", "header <r>\nelement <a/>\nend\n"},
		/* Neither is a byte too much. */
		{"x", "malformed\n"},
		{"\xef\xbbx", "malformed\n"},
		{"\xef\xbb\xbf\xef\xbb\xbf<r>", "malformed\n"},
		{" <?xml version='1.0'?><r>", "malformed\n"},
		{"\xef\xbb\xbf <?xml version='1.0'?><r>", "malformed\n"},
		{"<?xml version='1.0'?><?xml version='1.0'?><r>", "malformed\n"},
		{"<?xml version='1.0'?>x<r>", "malformed\n"},
		{"</r>", "malformed\n"},
		{"<![CDATA[ ]]><r>", "malformed\n"},
		{"&#32;<r>", "malformed\n"},
		{"<>", "malformed\n"},
		{"<r <", "malformed\n"},
		{"<!-", "restricted\n"},
		{"<!DOCTYPE r>", "restricted\n"},
		{"<?p i?><r>", "restricted\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(wide, false, slice_str(rows[i].text), rows[i].want);
}

/* Behind the header <r>. */
static void
elements(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"<a/>", "element <a/>\n"},
		{"<a></a>", "element <a></a>\n"},
		{"<a/><b/>", "element <a/>\nelement <b/>\n"},
		{" <a/>\n\r\t<b/> ", "element <a/>\nelement <b/>\n"},
		{"<a><b/></a>", "element <a><b/></a>\n"},
		{"<a><a><a/></a></a><b/>", "element <a><a><a/></a></a>\nelement <b/>\n"},
		{"<a>t&lt;</a >", "element <a>t&lt;</a >\n"},
		{"<a b='/a>'>'</a>", "element <a b='/a>'>'</a>\n"},
		{"<a><![CDATA[</a>]]></a>", "element <a><![CDATA[</a>]]></a>\n"},
		{"<r><r/></r></r>", "element <r><r/></r>\nend\n"},
		{"<a:b><a/></a:b>", "element <a:b><a/></a:b>\n"},
		{"<a\n></a\t>", "element <a\n></a\t>\n"},
		/* Whether references and names are right is for the parser to say. */
		{"<a>&nbsp;\xff]]></a>", "element <a>&nbsp;\xff]]></a>\n"},
		{"<a 1=2></a>", "element <a 1=2></a>\n"},
		/* Unfinished. */
		{"<a", ""},
		{"<a><b/>", ""},
		{"<a><![CDATA[</a>]]", ""},
		{"</", ""},
		/* A wrong end tag is seen at once. */
		{"<a><b></a>", "malformed\n"},
		{"<a></b>", "malformed\n"},
		{"<a></ab>", "malformed\n"},
		{"<ab></a>", "malformed\n"},
		{"<a></A>", "malformed\n"},
		{"<p:a></a>", "malformed\n"},
		{"<a></p:a>", "malformed\n"},
		{"<a><b></b></b>", "malformed\n"},
		{"<a></r>", "malformed\n"},
		{"<a/></a>", "element <a/>\nmalformed\n"},
		{"<a/></rr>", "element <a/>\nmalformed\n"},
		{"</s>", "malformed\n"},
		{"</r x>", "malformed\n"},
		{"<a></a x>", "element <a></a x>\n"},
		/* So is what no XML begins with. */
		{"<a/><", "element <a/>\n"},
		{"<a/><1", "element <a/>\nmalformed\n"},
		{"<a <", "malformed\n"},
		{"<a b='<", "malformed\n"},
		{"<a><b <", "malformed\n"},
		{"<a></a<", "malformed\n"},
		{"<a/ >", "malformed\n"},
		{"<a><!-", "restricted\n"},
		{"<!-", "restricted\n"},
		{"<a/><?p", "element <a/>\nrestricted\n"},
		{"<!DOCTYPE", "restricted\n"},
		{"<?xml ?>", "malformed\n"},
		{"<a><?xml ?>", "malformed\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[200], want[200];
		snprintf(text, sizeof text, "<r>%s", rows[i].text);
		snprintf(want, sizeof want, "header <r>\n%s", rows[i].want);
		check(wide, false, slice_str(text), want);
		check(wide, true, slice_str(text), want);
	}
}

/* White space in all its forms; all else is text. */
static void
between_elements(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"&#32;&#x20;&#9;&#xA;&#xd;&#010;<a/>", "element <a/>\n"},
		{"<a/>&#32;<b/>", "element <a/>\nelement <b/>\n"},
		{"<![CDATA[]]><a/>", "element <a/>\n"},
		{"<a/> <![CDATA[ \t\r\n]]> <b/>", "element <a/>\nelement <b/>\n"},
		{"<![CDATA[ ]]><![CDATA[ ]]>&#32;</r>", "end\n"},
		{"&#32", ""},
		{"&", ""},
		{"x", "text\n"},
		{"<a/>x", "element <a/>\ntext\n"},
		{"]]>", "text\n"},
		{"\xc3\xa4", "text\n"},
		{"&#65;", "text\n"},
		{"&#160;", "text\n"},
		{"&#x120;", "text\n"},
		{"&#99999999999999999999999;", "text\n"},
		{"&lt;", "text\n"},
		{"&apos;", "text\n"},
		{"<![CDATA[x]]>", "text\n"},
		{"<![CDATA[ ] ]]>", "text\n"},
		{"<![CDATA[]]]>", "text\n"},
		{"<![CDATA[\xc2\xa0]]>", "text\n"},
		{"&nbsp;", "restricted\n"},
		{"&;", "malformed\n"},
		{"&#;", "malformed\n"},
		{"&#x;", "malformed\n"},
		{"&#X20;", "malformed\n"},
		{"&#-32;", "malformed\n"},
		{"&# 32;", "malformed\n"},
		{"&#32 ;", "malformed\n"},
		{"&#20a;", "malformed\n"},
		{"& ", "malformed\n"},
		{"&<", "malformed\n"},
		{"&#3<a/>", "malformed\n"},
		{"\x01", "malformed\n"},
		{"\xff", "malformed\n"},
		{"\xc0\xa0", "malformed\n"},
		{"\x80", "malformed\n"},
		{"&#0000000000000000000000000000000000000000000000000000000000032;<a/>", "element <a/>\n"},
		{"&#00000000000000000000000000000000000000000000000000000000000000032;<a/>", "malformed\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[200], want[200];
		snprintf(text, sizeof text, "<r>%s", rows[i].text);
		snprintf(want, sizeof want, "header <r>\n%s", rows[i].want);
		check(wide, false, slice_str(text), want);
	}
}

static void
append(struct buf *text, const char *what, unsigned times)
{
	while (times-- > 0)
		buf_append_str(text, what);
}

/* To the byte, also where the element has only begun. */
static void
size_limit(void **state)
{
	static const struct xml_limits limits = {100, 10};
	static const struct {
		const char *before, *fill, *after;
	} rows[] = {
		{"<a>", "x", "</a>"},
		{"<a b='", "x", "'/>"},
		{"<a>", "x", "<b></b></a>"},
		{"<a><![CDATA[", "]", "]]></a>"},
		{"<a></a", " ", ">"},
		{"<", "a", "/>"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t n = 98; n <= 102; n++) {
			struct buf text, want;
			size_t fixed = strlen(rows[i].before) + strlen(rows[i].after);
			buf_init(&text, BUF_UNLIMITED);
			buf_init(&want, BUF_UNLIMITED);
			buf_append_str(&text, "<r>");
			buf_append_str(&text, rows[i].before);
			append(&text, rows[i].fill, (unsigned) (n - fixed));
			buf_append_str(&text, rows[i].after);
			buf_append_str(&want, "header <r>\n");
			if (n <= 100) {
				buf_append_str(&want, "element ");
				buf_append(&want, slice_of(text.p + 3, text.n - 3));
				buf_append_str(&want, "\nelement <b/>\n");
			} else {
				buf_append_str(&want, "too big\n");
			}
			buf_append_str(&text, "<b/>");
			check(limits, false, buf_slice(&text), buf_cstr(&want));
			buf_fini(&text);
			buf_fini(&want);
		}
}

static void
header_limit(void **state)
{
	(void) state;
	for (unsigned n = SPLITTER_HEADER_MAX - 1; n <= SPLITTER_HEADER_MAX + 1; n++)
		for (size_t step = 1; step <= 100000; step *= 10) {
			static const struct xml_limits small = {100, 10};
			enum splitter_event event = SPLITTER_MORE;
			struct record r;
			struct buf text;
			buf_init(&text, BUF_UNLIMITED);
			buf_append_str(&text, "<r a='");
			append(&text, "x", n - 8);
			buf_append_str(&text, "'>");
			record_init(&r, small, false);
			for (size_t at = 0; at < text.n && event == SPLITTER_MORE; at += step)
				event = feed(&r, slice_of(text.p + at, text.n - at < step ? text.n - at : step));
			assert_int_equal(event, n <= SPLITTER_HEADER_MAX ? SPLITTER_MORE : SPLITTER_TOO_BIG);
			record_fini(&r);
			buf_fini(&text);
		}
}

/* What is too large is left out, and what comes next is there; depth counts meanwhile. */
static void
skipping(void **state)
{
	static const struct xml_limits limits = {30, 4};
	static const char long_text[] = "...............................................";
	static const struct {
		const char *before, *after, *want;
	} rows[] = {
		{"<a b='c'>", "</a>", "skipped <a b='c'>\nelement <e/>\n"},
		{"<a>", "<b></b></a>", "skipped <a>\nelement <e/>\n"},
		{"<a><b>", "</b></a>", "skipped <a>\nelement <e/>\n"},
		{"<a>", "<b/><c><d><d/></d></c><![CDATA[</a>]]></a>", "skipped <a>\nelement <e/>\n"},
		{"<a b='", "'></a>", "skipped <a b='\nelement <e/>\n"},
		{"<a b='", "'/>", "skipped <a b='\nelement <e/>\n"},
		{"<a><b c='", "'/></a>", "skipped <a>\nelement <e/>\n"},
		{"<a><![CDATA[", "]]></a>", "skipped <a>\nelement <e/>\n"},
		{"<a", ".....></a>", "skipped <a\nelement <e/>\n"},
		{"<a><b/>", "<b/><b/></a>", "skipped <a>\nelement <e/>\n"},
		/* Its end tags are only counted. */
		{"<a>", "<b></c></d>", "skipped <a>\nelement <e/>\n"},
		{"<a><b>", "</a></b>", "skipped <a>\nelement <e/>\n"},
		/* What is no XML at all is the end, in there too. */
		{"<a>", "<b <c", "malformed\n"},
		{"<a>", "<!--", "restricted\n"},
		{"<a>", "<b><b><b><b><b>", "too deep\n"},
		{"<a><b></a>", "", "malformed\n"},
		/* These are no elements. */
		{"</r", ">", "too big\n"},
		{"&#3", " ", "malformed\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf text;
		size_t row_n;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r>");
		buf_append_str(&text, rows[i].before);
		buf_append_str(&text, long_text);
		buf_append_str(&text, rows[i].after);
		row_n = text.n;
		buf_append_str(&text, "<e/>");
		for (size_t cut = 0; cut <= text.n + 3; cut++) {
			struct record r;
			enum splitter_event event = SPLITTER_MORE;
			struct slice line, said;
			record_init(&r, limits, true);
			if (cut > text.n) {
				for (size_t at = 0; at < text.n && event == SPLITTER_MORE; at += cut - text.n)
					event = feed(&r,
						slice_of(text.p + at,
							text.n - at < cut - text.n ? text.n - at : cut - text.n));
			} else if (feed(&r, slice_of(text.p, cut)) == SPLITTER_MORE) {
				feed(&r, slice_of(text.p + cut, text.n - cut));
			}
			said = buf_slice(&r.text);
			assert_true(slice_has_prefix(said, SLICE("header <r>\n")));
			said = slice_of(said.p + 11, said.n - 11);
			/* How much more than the start tag is kept depends on the pieces. */
			line = slice_of(rows[i].want, (size_t) (strchr(rows[i].want, '\n') - rows[i].want));
			assert_row(slice_has_prefix(said, line), rows[i].before);
			if (slice_has_prefix(line, SLICE("skipped"))) {
				struct slice end = SLICE("\nelement <e/>\n");
				assert_row(said.n > end.n && slice_eq(slice_of(said.p + said.n - end.n, end.n), end),
					rows[i].before);
				assert_row(said.n - end.n <= row_n + sizeof "skipped ", rows[i].before);
			} else {
				assert_slice(said, rows[i].want);
			}
			record_fini(&r);
		}
		buf_fini(&text);
	}
}

/* Of what is left out no more than its beginning is kept, however much it is. */
static void
skipped_memory(void **state)
{
	static const struct xml_limits limits = {1 << 20, 100};
	struct record r;
	struct buf chunk;

	(void) state;
	buf_init(&chunk, BUF_UNLIMITED);
	append(&chunk, "<b c='d'>x</b>", 5000);
	record_init(&r, limits, true);
	feed(&r, SLICE("<r><a b='c'>"));
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(feed(&r, buf_slice(&chunk)), SPLITTER_MORE);
		assert_true(splitter_unfinished(&r.s) <= limits.element);
		assert_true(i < 16 || splitter_unfinished(&r.s) <= 4096);
	}
	buf_clear(&r.text, 0);
	assert_int_equal(feed(&r, SLICE("</a><e/>")), SPLITTER_MORE);
	assert_true(slice_has_prefix(buf_slice(&r.text), SLICE("skipped <a b='c'><b c='d'>")));
	assert_true(r.text.n > 4096 && r.text.n < 4200);
	assert_int_equal(splitter_unfinished(&r.s), 0);
	record_fini(&r);
	buf_fini(&chunk);
}

static void
depth_limit(void **state)
{
	static const unsigned limits[] = {0, 1, 10, XML_DEPTH_MAX, XML_DEPTH_MAX + 1, 1000};

	(void) state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		unsigned most = limits[i] < XML_DEPTH_MAX ? limits[i] : XML_DEPTH_MAX;
		for (unsigned n = most; n <= most + 1; n++)
			for (unsigned innermost = 0; innermost < 2; innermost++)
				for (size_t step = 1; step < 5000; step += 999) {
					enum splitter_event event = SPLITTER_MORE;
					struct record r;
					struct buf text;
					/* The element itself is not inside of itself. */
					buf_init(&text, BUF_UNLIMITED);
					buf_append_str(&text, "<r>");
					append(&text, "<a>", n);
					buf_append_str(&text, innermost == 0 ? "<a/>" : "<a></a>");
					append(&text, "</a>", n);
					buf_append_str(&text, "<e/>");
					record_init(&r, (struct xml_limits){1 << 20, limits[i]}, false);
					for (size_t at = 0; at < text.n && event == SPLITTER_MORE; at += step)
						event = feed(&r,
							slice_of(text.p + at, text.n - at < step ? text.n - at : step));
					assert_int_equal(event, n <= most ? SPLITTER_MORE : SPLITTER_TOO_DEEP);
					record_fini(&r);
					buf_fini(&text);
				}
	}
}

/* Tags, attributes and prefixed names have bounds, in each element for itself. */
static void
too_many(void **state)
{
	static const struct {
		const char *before, *each;
		unsigned fine, bad;
		const char *after;
	} rows[] = {
		{"<a", " b=''", MARKUP_ATTRIBUTES, MARKUP_ATTRIBUTES + 1, "/>"},
		{"<a><b", " b=''", MARKUP_ATTRIBUTES, MARKUP_ATTRIBUTES + 1, "/></a>"},
		{"<a>", "<b/>", 100000, 0, "</a>"},
		{"<a>", "<b></b>", 50000, 0, "</a>"},
		{"<a>", "<bbbbb/>", 50000, 0, "</a>"},
		{"<a xmlns:p='01234567890123456789012345678901234567890123456789'", " p:a=''", 200, 0, "/>"},
		/* 500 bytes for each of seven. */
		{"<a xmlns:p='" /* and 500 more, see below */, " p:a=''", 10, 100, "/>"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned turn = 0; turn < 2; turn++)
			for (size_t step = 7; step <= 700000; step *= 100) {
				enum splitter_event event = SPLITTER_MORE;
				struct record r;
				struct buf text;
				if (turn == 1 && rows[i].bad == 0)
					continue;
				buf_init(&text, BUF_UNLIMITED);
				buf_append_str(&text, "<r>");
				for (unsigned again = 0; again < 2; again++) {
					buf_append_str(&text, rows[i].before);
					if (text.p[text.n - 1] == '\'' && rows[i].fine == 10) {
						append(&text, "0123456789", 50);
						buf_append_char(&text, '\'');
					}
					append(&text, rows[i].each, turn == 0 ? rows[i].fine : rows[i].bad);
					buf_append_str(&text, rows[i].after);
				}
				record_init(&r, wide, false);
				for (size_t at = 0; at < text.n && event == SPLITTER_MORE; at += step)
					event = feed(
						&r, slice_of(text.p + at, text.n - at < step ? text.n - at : step));
				assert_row(event == (turn == 0 ? SPLITTER_MORE : SPLITTER_TOO_BIG), rows[i].before);
				record_fini(&r);
				buf_fini(&text);
			}
}

/* A long namespace name in the header counts for each element behind it. */
static void
long_name_of_the_root(void **state)
{
	struct record r;
	struct buf text;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<r xmlns:p='");
	append(&text, "0123456789", 100);
	buf_append_str(&text, "'>");
	append(&text, "<p:a/>", 10);
	record_init(&r, wide, false);
	assert_int_equal(feed(&r, buf_slice(&text)), SPLITTER_MORE);
	buf_clear(&text, 0);
	buf_append_str(&text, "<a");
	append(&text, " p:a=''", 9);
	buf_append_str(&text, "/>");
	assert_int_equal(feed(&r, buf_slice(&text)), SPLITTER_TOO_BIG);
	record_fini(&r);
	buf_fini(&text);
}

/* Nothing is kept between elements, and nothing copied of what is whole. */
static void
memory(void **state)
{
	static const char text[] = "<r><a><b></b></a> <c/>";
	struct record r;

	(void) state;
	record_init(&r, wide, false);
	for (unsigned round = 0; round < 3; round++)
		for (size_t cut = 0; cut < sizeof text; cut++) {
			bool is_between = cut == 0 || cut == 3 || cut == 17 || cut == 18 || cut == 22;
			splitter_open(&r.s);
			assert_int_equal(feed(&r, slice_of(text, cut)), SPLITTER_MORE);
			assert_int_equal(splitter_unfinished(&r.s) == 0, is_between);
			assert_int_equal(r.s.kept.p == NULL, is_between);
			assert_int_equal(r.s.open != NULL, cut > 5 && cut < 17);
			assert_int_equal(feed(&r, slice_of(text + cut, sizeof text - 1 - cut)), SPLITTER_MORE);
			assert_int_equal(splitter_unfinished(&r.s), 0);
			assert_null(r.s.kept.p);
			assert_null(r.s.open);
			assert_slice(splitter_root(&r.s), "r");
		}
	/* Nor behind what broke. */
	assert_int_equal(feed(&r, SLICE("<a><b>")), SPLITTER_MORE);
	assert_int_equal(feed(&r, SLICE("</a>")), SPLITTER_MALFORMED);
	assert_int_equal(splitter_unfinished(&r.s), 0);
	assert_int_equal(feed(&r, SLICE("<b/>")), SPLITTER_MALFORMED);
	record_fini(&r);
}

static void
long_text(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{"<a/>", false},
		{"<a>0123456789012345678901234567890123456789012345678901234567890123</a>", true},
		{"<a>012345678901234567890123456789012345678901234567890123456789</a>", false},
		{"<a><![CDATA[0123456789012345678901234567890123456789012345678901234567890123]]></a>", true},
		{"<a b='0123456789012345678901234567890123456789012345678901234567890123'/>", false},
	};
	struct record r;

	(void) state;
	record_init(&r, wide, false);
	feed(&r, SLICE("<r>"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice rest = slice_str(rows[i].text), piece;
		assert_int_equal(splitter_next(&r.s, &rest, &piece), SPLITTER_ELEMENT);
		assert_ptr_equal(piece.p, rows[i].text);
		assert_row(r.s.has_long_text == rows[i].has, rows[i].text);
	}
	record_fini(&r);
}

/* Whatever comes: where it is cut does not matter. */
static void
random_pieces(void **state)
{
	static const char *const pieces[] = {"<a>", "</a>", "<b c='d'>", "</b>", "<a/>", " ", "x", "&#32;", "<![CDATA[",
		"]]>", "'", "\"", "<", ">", "/", "</r>", "&lt;", "]", "<!--", "<?xml ?>", "<c",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
	static const struct xml_limits limits[] = {{40, 3}, {1 << 20, 100}};
	struct dice dice = {5};

	(void) state;
	for (unsigned round = 0; round < 20000; round++) {
		struct xml_limits l = limits[round % 2];
		bool skips = round % 3 == 0;
		struct record whole, cut;
		struct buf text;
		enum splitter_event a, b = SPLITTER_MORE;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r>");
		for (unsigned n = dice_roll(&dice, 25); n > 0; n--)
			buf_append_str(&text, pieces[dice_roll(&dice, dice_roll(&dice, 4) > 0 ? 8 : COUNT(pieces))]);
		record_init(&whole, l, skips);
		record_init(&cut, l, skips);
		a = feed(&whole, buf_slice(&text));
		for (size_t at = 0, n; at < text.n && b == SPLITTER_MORE; at += n) {
			n = 1 + dice_roll(&dice, 9);
			n = n < text.n - at ? n : text.n - at;
			b = feed(&cut, slice_of(text.p + at, n));
		}
		/* One of two errors may be seen first; how much is kept of what is left out depends on the pieces. */
		assert_int_equal(a == SPLITTER_MORE || a == SPLITTER_END, b == SPLITTER_MORE || b == SPLITTER_END);
		if (!skips && a == b)
			assert_true(slice_eq(buf_slice(&whole.text), buf_slice(&cut.text)));
		record_fini(&whole);
		record_fini(&cut);
		buf_fini(&text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(elements),
		cmocka_unit_test(between_elements),
		cmocka_unit_test(size_limit),
		cmocka_unit_test(header_limit),
		cmocka_unit_test(skipping),
		cmocka_unit_test(skipped_memory),
		cmocka_unit_test(depth_limit),
		cmocka_unit_test(too_many),
		cmocka_unit_test(long_name_of_the_root),
		cmocka_unit_test(memory),
		cmocka_unit_test(long_text),
		cmocka_unit_test(random_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
