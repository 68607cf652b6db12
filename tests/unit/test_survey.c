#include "unit.h"

#include "base/buf.h"
#include "proto/xml/markup.h"
#include "proto/xml/survey.h"

#define LONG "________________________________________________________________________________"

/* What the parser sees: what is left out is a "~". */
static void
show(struct buf *out, struct slice text, const struct plain_text *t)
{
	size_t at = 0;

	buf_clear(out, 0);
	for (size_t i = 0; i < t->n; i++) {
		buf_append(out, slice_of(text.p + at, t->run[i].from - at));
		buf_append_char(out, '~');
		at = t->run[i].to;
	}
	buf_append(out, slice_of(text.p + at, text.n - at));
}

/* In want, "_~_" is a long run that is left out, and $ one that is not. */
static void
where_text_is_left_out(void **state)
{
	static const struct {
		const char *text;
		unsigned depth;
		const char *want;
	} rows[] = {
		{"<a>" LONG "</a>", 1, "<a>_~_</a>"},
		{"<a>" LONG "</a>", 2, "<a>$</a>"},
		{"<a><b>" LONG "</b></a>", 2, "<a><b>_~_</b></a>"},
		{"<a>" LONG "<b>" LONG "</b>" LONG "</a>", 1, "<a>_~_<b>_~_</b>_~_</a>"},
		{"<a>" LONG "<b>" LONG "</b>" LONG "</a>", 2, "<a>$<b>_~_</b>$</a>"},
		{"<a>" LONG "<b>" LONG "<c/>" LONG "</b>" LONG "</a>", 2, "<a>$<b>_~_<c/>_~_</b>$</a>"},
		{"<a><b/>" LONG "</a>", 2, "<a><b/>$</a>"},
		{"<a><b/>" LONG "</a>", 1, "<a><b/>_~_</a>"},
		/* In front of the root and behind it. */
		{LONG "<a/>", 1, "$<a/>"},
		{"<a>" LONG "</a>" LONG "<b/>", 1, "<a>_~_</a>$<b/>"},
		{"<?xml version='1.0'?>" LONG "<a>" LONG "</a>", 1, "<?xml version='1.0'?>$<a>_~_</a>"},
		/* In tags, values and references. */
		{"<a b='" LONG "'>x</a>", 1, "<a b='$'>x</a>"},
		{"<a b=\">" LONG "\">x</a>", 1, "<a b=\">$\">x</a>"},
		{"<a><b xmlns:c='" LONG "'/></a>", 1, "<a><b xmlns:c='$'/></a>"},
		{"<a><"
		 "b" LONG "/></a>",
			1, "<a><b$/></a>"},
		{"<a></a" LONG ">", 1, "<a></a$>"},
		{"<a>&" LONG ";</a>", 1, "<a>&$;</a>"},
		{"<a>&l" LONG "t;" LONG "</a>", 1, "<a>&l$t;_~_</a>"},
		{"<a>&lt;" LONG "&gt;</a>", 1, "<a>&lt;_~_&gt;</a>"},
		/* In sections. */
		{"<a><![CDATA[" LONG "]]></a>", 1, "<a><![CDATA[_~_]]></a>"},
		{"<a><![CDATA[<b>&" LONG "]]></a>", 1, "<a><![CDATA[<b>&_~_]]></a>"},
		{"<a><![CDATA[]" LONG "]>]]></a>", 1, "<a><![CDATA[]__~__]>]]></a>"},
		{"<a><![CDATA[" LONG "]]></a>", 2, "<a><![CDATA[$]]></a>"},
		{"<![CDATA[" LONG "]]><a/>", 1, "<![CDATA[$]]><a/>"},
		{"<a>]]" LONG "</a>", 1, "<a>]]__~_</a>"},
		{"<a>" LONG "]" LONG "]]</a>", 1, "<a>_~__]__~__]]</a>"},
		{"<a>\xc3" LONG "\xa9</a>", 1, "<a>\xc3_~_\xa9</a>"},
		/* Where the bytes are no XML the parser will end, too. */
		{"<a>" LONG "<b <c>" LONG "</c></a>", 1, "<a>_~_<b <c>$</c></a>"},
		{"<a><!-- x -->" LONG "</a>", 1, "<a><!-- x -->$</a>"},
		{"<!DOCTYPE a><a>" LONG "</a>", 1, "<!DOCTYPE a><a>$</a>"},
		{"<a/></a><b>" LONG "</b>", 1, "<a/></a><b>$</b>"},
		{"<a>" LONG, 1, "<a>$"},
		{"<a><![CDATA[" LONG "]]", 1, "<a><![CDATA[$]]"},
	};
	struct plain_text t = {.run = NULL};
	struct buf seen;

	(void) state;
	buf_init(&seen, BUF_UNLIMITED);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(slice_str(rows[i].text)), want = slice_str(rows[i].want);
		struct buf expected;
		plain_text_clear(&t);
		assert_row(survey(text, rows[i].depth, &t), rows[i].text);
		show(&seen, text, &t);
		buf_init(&expected, BUF_UNLIMITED);
		for (size_t k = 0; k < want.n; k++)
			if (want.p[k] == '$')
				buf_append_str(&expected, LONG);
			else
				buf_append_char(&expected, want.p[k]);
		assert_slice(buf_slice(&seen), buf_cstr(&expected));
		/* Nothing is read beyond the end, wherever it is. */
		for (size_t n = 0; n < text.n; n++) {
			struct slice part = exact(slice_of(text.p, n));
			plain_text_clear(&t);
			assert_row(survey(part, rows[i].depth, &t), rows[i].text);
			exact_free(part);
		}
		buf_fini(&expected);
		exact_free(text);
	}
	buf_fini(&seen);
	plain_text_fini(&t);
}

static bool
is_within_bounds(const char *before, const char *each, unsigned times, const char *after)
{
	struct plain_text t = {.run = NULL};
	struct buf text;
	bool is;

	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, before);
	while (times-- > 0)
		buf_append_str(&text, each);
	buf_append_str(&text, after);
	is = survey(buf_slice(&text), 1, &t);
	buf_fini(&text);
	plain_text_fini(&t);
	return is;
}

static void
bounds(void **state)
{
	static const char uri[] = "<a xmlns:p='" LONG LONG LONG LONG "'>";

	(void) state;
	assert_true(is_within_bounds("<a", " b=''", MARKUP_ATTRIBUTES, "/>"));
	assert_false(is_within_bounds("<a", " b=''", MARKUP_ATTRIBUTES + 1, "/>"));
	assert_false(is_within_bounds("<a><b/><c", " b=''", 90000, ""));
	/* Elements at the depth where they are cut are counted, those inside of them are not. */
	assert_true(is_within_bounds("", "<a/>", MARKUP_ELEMENTS_FREE, ""));
	assert_true(is_within_bounds("", "<b/>", 2000, ""));
	assert_false(is_within_bounds("", "<b/>", 2100, ""));
	assert_false(is_within_bounds("", "<b></b>", 20000, ""));
	assert_true(is_within_bounds("", "<bbbbb/>", 100000, ""));
	assert_true(is_within_bounds("<a>", "<br/>", 100000, "</a>"));
	/* Only what is declared counts as the name of a namespace. */
	assert_true(is_within_bounds("<a xmlns:p='u' q='" LONG LONG LONG LONG "'>",
		"<b p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c=''/>", 1000, "</a>"));
	/* Ten prefixed names go through 320 bytes each: 3200 for 59. */
	assert_true(is_within_bounds(uri, "<b p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c=''/>", 500, "</a>"));
	assert_true(is_within_bounds(
		uri, "<b p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c=''/>", 2, "</a>"));
	assert_false(is_within_bounds(
		uri, "<b p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c='' p:c=''/>", 10, "</a>"));
	/* Behind what is no XML nothing is counted. */
	assert_true(is_within_bounds("<a><b <c>", "<b/>", 5000, "</a>"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_text_is_left_out),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
