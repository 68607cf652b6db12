#include "readers.h"
#include "unit.h"

#include "base/err.h"
#include "proto/bosh/body.h"

#define NS "xmlns='" BODY_NS "'"
#define NS_X "xmlns:xmpp='" BODY_NS_XMPP "'"

static const struct xml_limits limits = {10000, 50};

static enum closing
read_within(struct body_reader *r, struct xml_limits within, struct slice text, struct body **body)
{
	struct slice copy = exact(text);
	enum closing closing = body_read(r, within, copy, body);

	/* What is in the body does not point into the bytes. */
	exact_free(copy);
	return closing;
}

static enum closing
read_exact(struct body_reader *r, struct slice text, struct body **body)
{
	return read_within(r, limits, text, body);
}

static void
creation_request(void **state)
{
	static const char text[] =
		"<body content='text/xml; charset=utf-8' from='user@example.com' hold='1' rid='1573741820' to='example.com' "
		"route='xmpp:example.com:9999' ver='1.6' wait='60' ack='1' xml:lang='en' xmpp:version='1.0' " NS
		" " NS_X "/>";
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;

	(void) state;
	assert_int_equal(read_exact(r, slice_str(text), &b), CLOSING_NONE);
	assert_slice(b->content, "text/xml; charset=utf-8");
	assert_slice(b->from, "user@example.com");
	assert_slice(b->to, "example.com");
	assert_slice(b->ver, "1.6");
	assert_slice(b->lang, "en");
	assert_slice(b->version, "1.0");
	assert_slice(b->sid, NULL);
	assert_slice(b->type, NULL);
	assert_true(b->has_rid && b->has_wait && b->has_hold && !b->has_pause);
	assert_true(b->rid == 1573741820);
	assert_int_equal(b->wait, 60);
	assert_int_equal(b->hold, 1);
	assert_false(b->restart);
	assert_int_equal(b->payload.count, 0);
	body_reader_free(r);
	body_reader_free(NULL);
}

static void
later_requests(void **state)
{
	static const char text[] =
		"<body rid='2' sid=\"a&amp;b'c\" type='terminate' pause='120' xmpp:restart='true' " NS " " NS_X "/>";
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;

	(void) state;
	assert_int_equal(read_exact(r, slice_str(text), &b), CLOSING_NONE);
	assert_slice(b->sid, "a&b'c");
	assert_slice(b->type, "terminate");
	assert_true(b->has_pause && b->restart);
	assert_int_equal(b->pause, 120);
	assert_false(b->has_wait || b->has_hold);
	/* Nothing of it is left for the next. */
	assert_int_equal(read_exact(r, SLICE("<body rid='3' " NS "/>"), &b), CLOSING_NONE);
	assert_slice(b->sid, NULL);
	assert_slice(b->type, NULL);
	assert_false(b->has_pause || b->restart);
	assert_true(b->rid == 3);
	assert_int_equal(read_exact(r, SLICE("<body rid='4' sid='' to='' " NS "/>"), &b), CLOSING_NONE);
	assert_slice(b->sid, "");
	assert_slice(b->to, "");
	body_reader_free(r);
}

static void
booleans_of_restart(void **state)
{
	static const struct {
		const char *value;
		bool want;
	} rows[] = {{"true", true}, {"1", true}, {"false", false}, {"0", false}, {"", false}, {"yes", false}};
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;
	char text[300];

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof text, "<body rid='1' " NS " " NS_X " xmpp:restart='%s'/>", rows[i].value);
		assert_int_equal(read_exact(r, slice_str(text), &b), CLOSING_NONE);
		assert_row(b->restart == rows[i].want, rows[i].value);
		/* The prefix is the client's to choose; without one it is another attribute. */
		snprintf(text, sizeof text, "<body rid='1' " NS " xmlns:q='" BODY_NS_XMPP "' q:restart='%s'/>",
			rows[i].value);
		assert_int_equal(read_exact(r, slice_str(text), &b), CLOSING_NONE);
		assert_row(b->restart == rows[i].want, rows[i].value);
		snprintf(text, sizeof text, "<body rid='1' " NS " restart='%s'/>", rows[i].value);
		assert_int_equal(read_exact(r, slice_str(text), &b), CLOSING_NONE);
		assert_false(b->restart);
	}
	body_reader_free(r);
}

static void
numbers(void **state)
{
	static const struct {
		const char *value;
		bool is_rid, is_small; /* as a rid, as seconds */
		uint64_t want;
	} rows[] = {
		{"0", false, true, 0},
		{"1", true, true, 1},
		{" 12\n", true, true, 12},
		{"0012", true, true, 12},
		{"4294967295", true, true, 4294967295u},
		{"4294967296", true, false, 4294967296u},
		{"9007199254740991", true, false, 9007199254740991u},
		{"9007199254740992", false, false, 0},
		{"18446744073709551616", false, false, 0},
		{"18446744073709551617", false, false, 0},
		{"99999999999999999999999999999999999999999999", false, false, 0},
		{"", false, false, 0},
		{" ", false, false, 0},
		{"-1", false, false, 0},
		{"+1", false, false, 0},
		{"1.5", false, false, 0},
		{"1e3", false, false, 0},
		{"0x10", false, false, 0},
		{"1 2", false, false, 0},
		{"NaN", false, false, 0},
		{"\xd9\xa1", false, false, 0},
	};
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;
	char text[300];

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof text, "<body sid='x' rid='%s' " NS "/>", rows[i].value);
		assert_row(read_exact(r, slice_str(text), &b) == (rows[i].is_rid ? CLOSING_NONE : CLOSING_BAD_BODY),
			rows[i].value);
		assert_row(!rows[i].is_rid || (b->has_rid && b->rid == rows[i].want), rows[i].value);
		/* The session it names can be ended. */
		assert_slice(b->sid, "x");
		for (unsigned a = 0; a < 3; a++) {
			static const char *const names[] = {"wait", "hold", "pause"};
			enum closing want = rows[i].is_small ? CLOSING_NONE : CLOSING_BAD_BODY;
			snprintf(text, sizeof text, "<body sid='x' rid='5' %s='%s' " NS "/>", names[a], rows[i].value);
			assert_row(read_exact(r, slice_str(text), &b) == want, rows[i].value);
			if (want == CLOSING_NONE) {
				assert_row((a == 0                  ? b->wait
							   : a == 1 ? b->hold
								    : b->pause) == rows[i].want,
					rows[i].value);
				assert_row(
					b->has_wait == (a == 0) && b->has_hold == (a == 1) && b->has_pause == (a == 2),
					rows[i].value);
			}
			assert_slice(b->sid, "x");
		}
	}
	assert_int_equal(read_exact(r, SLICE("<body sid='x' " NS "/>"), &b), CLOSING_BAD_BODY);
	assert_slice(b->sid, "x");
	assert_false(b->has_rid);
	body_reader_free(r);
}

static void
refused(void **state)
{
	static const struct {
		struct slice text;
		enum closing want;
	} rows[] = {
		{SLICE_INIT(""), CLOSING_MALFORMED},
		{SLICE_INIT(" "), CLOSING_MALFORMED},
		{SLICE_INIT("hello"), CLOSING_MALFORMED},
		{SLICE_INIT("{\"body\":1}"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS ">"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS "/><body rid='2' " NS "/>"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS "/>x"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' rid='2' " NS "/>"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS "><a></body>"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS " xmpp:restart='true'/>"), CLOSING_MALFORMED},
		{SLICE_INIT("<bodies rid='1' " NS "/>"), CLOSING_BAD_BODY},
		{SLICE_INIT("<message rid='1' " NS "/>"), CLOSING_BAD_BODY},
		{SLICE_INIT("<stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS "' to='x'>"),
			CLOSING_BAD_BODY},
		{SLICE_INIT("<body rid='1'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<body rid='1' xmlns='jabber:client'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<body rid='1' xmlns='" BODY_NS "#'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<body rid='1' xmlns:b='" BODY_NS "'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<body rid='1' " NS ">text</body>"), CLOSING_BAD_BODY},
		{SLICE_INIT("<body rid='1' " NS "><a/>text</body>"), CLOSING_BAD_BODY},
		{SLICE_INIT("<body rid='1' " NS ">&#65;</body>"), CLOSING_BAD_BODY},
		{SLICE_INIT("<!DOCTYPE body><body rid='1' " NS "/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<!-- --><body rid='1' " NS "/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<body rid='1' " NS "><!-- --></body>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<body rid='1' " NS "/><!-- -->"), CLOSING_RESTRICTED},
		{SLICE_INIT("<body rid='1' " NS "><?p?></body>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<body rid='1' " NS "><a>&nbsp;</a></body>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<body rid='1' to='&e;' " NS "/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<\0b\0o\0d\0y\0"), CLOSING_MALFORMED},
		{SLICE_INIT("<body rid='1' " NS "><a>\0</a></body>"), CLOSING_MALFORMED},
	};
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		b = NULL;
		assert_row(read_exact(r, rows[i].text, &b) == rows[i].want, rows[i].text.p);
		assert_non_null(b);
		assert_int_equal(read_exact(r, SLICE("<body rid='9' " NS "/>"), &b), CLOSING_NONE);
		assert_int_equal(b->payload.count, 0);
	}
	body_reader_free(r);
}

static void
limits_of_payload(void **state)
{
	static const struct xml_limits small = {100, 3};
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;

	(void) state;
	assert_int_equal(
		read_within(r, small, SLICE("<body sid='s' rid='1' " NS "><a><b><c><d/></c></b></a></body>"), &b),
		CLOSING_NONE);
	assert_int_equal(read_within(r, small,
				 SLICE("<body sid='s' rid='1' " NS "><a><b><c><d><e/></d></c></b></a></body>"), &b),
		CLOSING_TOO_DEEP);
	assert_slice(b->sid, "s");
	assert_int_equal(
		read_within(r, small,
			SLICE("<body sid='s' rid='1' " NS "><a>01234567890123456789012345678901234567890123456789"
			      "01234567890123456789012345678901234567890123456789</a></body>"),
			&b),
		CLOSING_TOO_BIG);
	assert_slice(b->sid, "s");
	body_reader_free(r);
}

/* A long attribute is no reason to fail or to read beyond. */
static void
long_attributes(void **state)
{
	enum { LENGTH = 100000 };
	struct body_reader *r = body_reader_new(readers()->documents);
	struct buf text;
	struct body *b;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<body rid='1' " NS " sid='s' to='");
	for (unsigned i = 0; i < LENGTH; i++)
		buf_append_char(&text, 't');
	buf_append_str(&text, "' x='y' xml:lang='l'/>");
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(read_exact(r, buf_slice(&text), &b), CLOSING_NONE);
		assert_int_equal(b->to.n, LENGTH);
		assert_int_equal(b->to.p[0], 't');
		assert_int_equal(b->to.p[LENGTH - 1], 't');
		assert_slice(b->sid, "s");
		assert_slice(b->lang, "l");
	}
	buf_fini(&text);
	body_reader_free(r);
}

/* What goes to the server: the client's bytes, alone on a stream of jabber:client. */
static void
payload(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<body rid='1' " NS "></body>", ""},
		{"<body rid='1' " NS ">\n \t</body>", ""},
		{"<body rid='1' " NS "><message to='a'><body>x</body></message></body>",
			"<message to='a'><body>x</body></message>\n"},
		{"<body rid='1' " NS "><message xmlns='jabber:client'/></body>", "<message xmlns='jabber:client'/>\n"},
		{"<body rid='1' " NS "><iq/> <presence/>\n<message/></body>", "<iq/>\n<presence/>\n<message/>\n"},
		{"<body rid='1' " NS "><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</auth></body>",
			"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</auth>\n"},
		/* A body that is bound to a prefix. */
		{"<b:body rid='1' xmlns:b='" BODY_NS "'><message xmlns='jabber:client'/></b:body>",
			"<message xmlns='jabber:client'/>\n"},
		{"<b:body rid='1' xmlns:b='" BODY_NS "' xmlns='jabber:client'><message/></b:body>", "<message/>\n"},
		{"<b:body rid='1' xmlns:b='" BODY_NS "' xmlns='urn:u'><x/></b:body>", "<x xmlns='urn:u'/>\n"},
		{"<b:body rid='1' xmlns:b='" BODY_NS "'><b:x/></b:body>", "<b:x xmlns:b='" BODY_NS "'/>\n"},
		/* Prefixes that the payload inherits. */
		{"<body rid='1' " NS " xmlns:p='urn:u'><p:x/><y p:a='1'/><z/></body>",
			"<p:x xmlns:p='urn:u'/>\n<y xmlns:p='urn:u' p:a='1'/>\n<z/>\n"},
		{"<body rid='1' " NS " " NS_X " xmpp:version='1.0'><message/></body>", "<message/>\n"},
		/* The stream to the server declares this one itself, when it means the same. */
		{"<body rid='1' " NS " xmlns:stream='" XML_NS_STREAMS "'><stream:x/></body>", "<stream:x/>\n"},
		{"<body rid='1' " NS " xmlns:stream='urn:u'><stream:x/></body>", "<stream:x xmlns:stream='urn:u'/>\n"},
		{"<body rid='1' " NS " xmlns:s='" XML_NS_STREAMS "'><s:x/></body>",
			"<s:x xmlns:s='" XML_NS_STREAMS "'/>\n"},
		{"<?xml version='1.0' encoding='UTF-8'?>\n<body rid='1' " NS "><iq/></body>\n", "<iq/>\n"},
	};
	struct body_reader *r = body_reader_new(readers()->documents);

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = slice_str(rows[i].text);
		struct body *b;
		struct stanza *st;
		struct buf got;
		/* Every prefix but the trailing line end is no body; whatever was in it stays behind. */
		for (size_t n = 0; n < slice_trim(text).n; n++)
			assert_int_not_equal(read_exact(r, slice_of(text.p, n), &b), CLOSING_NONE);
		assert_row(read_exact(r, text, &b) == CLOSING_NONE, rows[i].text);
		buf_init(&got, BUF_UNLIMITED);
		while ((st = stanza_queue_shift(&b->payload)) != NULL) {
			buf_append(&got, stanza_slice(st));
			buf_append_str(&got, "\n");
			stanza_free(st);
		}
		assert_slice(buf_slice(&got), rows[i].want);
		buf_fini(&got);
	}
	body_reader_free(r);
}

static void
payload_left_behind_is_freed(void **state)
{
	struct body_reader *r = body_reader_new(readers()->documents);
	struct body *b;
	struct stanza_queue mine;

	(void) state;
	stanza_queue_init(&mine);
	read_exact(r, SLICE("<body rid='1' " NS "><a/><b/></body>"), &b);
	assert_int_equal(b->payload.count, 2);
	read_exact(r, SLICE("<body rid='2' " NS "><c/></body>"), &b);
	assert_int_equal(b->payload.count, 1);
	stanza_queue_move(&mine, &b->payload);
	read_exact(r, SLICE("<body rid='3' " NS "><d/><e></body>"), &b);
	assert_int_equal(mine.count, 1);
	assert_slice(stanza_slice(mine.first), "<c/>");
	stanza_queue_fini(&mine);
	body_reader_free(r);
}

static void
sid_without_parsing(void **state)
{
	static const struct {
		struct slice text;
		const char *want;
		bool is_body; /* then the parser must say the same */
	} rows[] = {
		{SLICE_INIT("<body rid='1' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body sid=\"abc\" rid='1' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' " NS " sid='abc'/>"), "abc", true},
		{SLICE_INIT("<body rid='1' " NS " sid='abc'></body>"), "abc", true},
		{SLICE_INIT("<body\n\trid = '1'\r\nsid\t=\n'abc' " NS " />"), "abc", true},
		{SLICE_INIT("<b:body rid='1' sid='abc' xmlns:b='" BODY_NS "'/>"), "abc", true},
		{SLICE_INIT("<?xml version='1.0'?><body rid='1' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT(
			 "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n <body rid='1' sid='abc' " NS "/>"),
			"abc", true},
		{SLICE_INIT("\xef\xbb\xbf<body rid='1' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' to='a>b' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' to='a/>' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' to=\"sid='no'\" sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' to='sid=\"no\"' sid=\"abc\" " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' xsid='no' sid='abc' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' x:sid='no' sid='abc' xmlns:x='u' " NS "/>"), "abc", true},
		{SLICE_INIT("<body rid='1' sid='a\"b' " NS "/>"), "a\"b", true},
		{SLICE_INIT("<body rid='1' sid='' " NS "/>"), "", true},
		{SLICE_INIT("<body rid='1' " NS "/>"), NULL, true},
		{SLICE_INIT("<body rid='1' " NS "><x sid='no'/></body>"), NULL, true},
		{SLICE_INIT("<body rid='1' Sid='no' " NS "/>"), NULL, true},
		/* Not plain to see; the parser decides. */
		{SLICE_INIT("<body rid='1' sid='a&amp;b' " NS "/>"), NULL, false},
		{SLICE_INIT("<body rid='1' sid='&#97;' " NS "/>"), NULL, false},
		{SLICE_INIT("<body rid='1' sid='a\nb' " NS "/>"), NULL, false},
		{SLICE_INIT("<body rid='1' sid='\t' " NS "/>"), NULL, false},
		/* No body at all. */
		{SLICE_INIT(""), NULL, false},
		{SLICE_INIT("<"), NULL, false},
		{SLICE_INIT("<body"), NULL, false},
		{SLICE_INIT("<body sid"), NULL, false},
		{SLICE_INIT("<body sid="), NULL, false},
		{SLICE_INIT("<body sid='"), NULL, false},
		{SLICE_INIT("<body sid='abc"), NULL, false},
		{SLICE_INIT("<body sid=abc>"), NULL, false},
		{SLICE_INIT("<body sid 'abc'>"), NULL, false},
		{SLICE_INIT("sid='abc'"), NULL, false},
		{SLICE_INIT("<?sid='abc'"), NULL, false},
		{SLICE_INIT("<body/ sid='abc'"), "abc", false},
		{SLICE_INIT("<body\0sid='abc'/>"), NULL, false},
		{SLICE_INIT("<body si\0d='abc'/>"), NULL, false},
	};
	struct body_reader *r = body_reader_new(readers()->documents);

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(rows[i].text);
		struct body *b;
		assert_slice(body_sid(text), rows[i].want);
		exact_free(text);
		if (rows[i].is_body) {
			assert_row(read_exact(r, rows[i].text, &b) == CLOSING_NONE, rows[i].text.p);
			assert_slice(b->sid, rows[i].want);
		}
		/* A prefix has the same sid or none. */
		for (size_t n = 0; n < rows[i].text.n; n++) {
			struct slice part = exact(slice_of(rows[i].text.p, n)), sid = body_sid(part);
			if (slice_is_set(sid))
				assert_slice(sid, rows[i].want);
			exact_free(part);
		}
	}
	body_reader_free(r);
}

/* Whatever a body is made of: where both find a sid, it is the same one. */
/* What no parser takes: whose it was is still found. */
static void
sid_of_refused_bodies(void **state)
{
	static const struct {
		struct slice text;
		const char *want;
	} rows[] = {
		{SLICE_INIT("<body rid='1' sid='abc' " NS "/>"), "abc"},
		{SLICE_INIT("<body rid='1' sid='abc' " NS ">&nbsp;</wrong>"), "abc"},
		{SLICE_INIT("<message sid='abc'/>"), "abc"},
		{SLICE_INIT("<!DOCTYPE body><body rid='1' sid='abc' " NS "/>"), "abc"},
		{SLICE_INIT("<!DOCTYPE body [<!ENTITY x 'y'>]><body rid='1' sid='abc' " NS "/>"), "abc"},
		{SLICE_INIT("<!-- hi --><body rid='1' sid='abc' " NS "/>"), "abc"},
		{SLICE_INIT("<?xml version='1.0'?><!DOCTYPE body>\n<body rid='1' sid='abc' " NS "/>"), "abc"},
		{SLICE_INIT("<?xml version='1.0'?><!-- --><?p i?><body\trid='1'\nsid = \"abc\"/>"), "abc"},
		{SLICE_INIT("<a/><body sid='abc'/>"), "abc"},
		{SLICE_INIT("<a><body sid='abc'/>"), "abc"},
		{SLICE_INIT("<a/><b:body sid='abc'/>"), "abc"},
		{SLICE_INIT("<a/><body/><body x=''/><body sid='abc'/>"), "abc"},
		{SLICE_INIT("<a/><body sid='abc'/><body sid='no'/>"), "abc"},
		{SLICE_INIT("text <a/> text<body sid='abc'"), "abc"},
		{SLICE_INIT("<a/><body sid='a&amp;b'/>"), NULL},
		{SLICE_INIT("<a/><bodyx sid='no'/>"), NULL},
		{SLICE_INIT("<a/><body:x sid='no'/>"), NULL},
		{SLICE_INIT("<a/></body sid='no'>"), NULL},
		{SLICE_INIT("<a/><Body sid='no'/>"), NULL},
		{SLICE_INIT("<a/><body> sid='no'"), NULL},
		{SLICE_INIT("<a/><body x='sid=\"no\"'/>"), NULL},
		{SLICE_INIT("<a/><body\0sid='no'/>"), NULL},
		{SLICE_INIT("<a/><body sid='abc"), NULL},
		{SLICE_INIT("<a/><body sid=''/>"), ""},
		{SLICE_INIT("<<<<body"), NULL},
		{SLICE_INIT("<a/><body"), NULL},
		{SLICE_INIT("<:"), NULL},
		{SLICE_INIT(""), NULL},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = exact(rows[i].text);
		assert_slice(body_sid_of_refused(text), rows[i].want);
		exact_free(text);
		for (size_t n = 0; n < rows[i].text.n; n++) {
			struct slice part = exact(slice_of(rows[i].text.p, n)), sid = body_sid_of_refused(part);
			if (slice_is_set(sid))
				assert_slice(sid, rows[i].want);
			exact_free(part);
		}
	}
}

/* A megabyte of tags, each of which could go on to the end: looked at once, or this takes minutes. */
static void
sid_of_many_tags(void **state)
{
	static const char *const tags[] = {
		"<body =''", "<body", "<body ", "<body a=", "<body a='", "<body a=\"'", "<b:body a='' ", "<:"};

	(void) state;
	for (size_t i = 0; i < COUNT(tags); i++) {
		struct buf text;
		struct slice sid;
		buf_init(&text, BUF_UNLIMITED);
		while (text.n < 1000000)
			buf_append_str(&text, tags[i]);
		assert_false(slice_is_set(body_sid_of_refused(buf_slice(&text))));
		buf_append_str(&text, "'><\"><body sid='abc'>");
		sid = body_sid_of_refused(buf_slice(&text));
		assert_row(!slice_is_set(sid) || slice_eq(sid, SLICE("abc")), tags[i]);
		buf_fini(&text);
	}
}

static void
sid_of_random_bodies(void **state)
{
	static const char *const pieces[] = {"<body", "<?xml version='1.0'?>", " ", "\n", "sid", "='", "'", "\"", "=\"",
		"abc", "x", " rid='1'", " " NS, ">", "/>", "</body>", "&amp;", " sid='abc'", " sid=\"d\"", "<!--",
		"-->", "=", "\0x", "?"};
	struct body_reader *r = body_reader_new(readers()->documents);
	struct dice dice = {3};
	unsigned both = 0;

	(void) state;
	for (unsigned i = 0; i < 20000; i++) {
		struct buf text;
		struct slice copy, sid;
		struct body *b;
		buf_init(&text, BUF_UNLIMITED);
		if (dice_roll(&dice, 4) > 0)
			buf_append_str(&text, "<body rid='1' " NS);
		for (unsigned n = dice_roll(&dice, 6); n > 0; n--)
			buf_append_str(&text, pieces[dice_roll(&dice, COUNT(pieces))]);
		if (dice_roll(&dice, 4) > 0)
			buf_append_str(&text, "/>");
		copy = exact(buf_slice(&text));
		sid = body_sid(copy);
		if (body_read(r, limits, copy, &b) == CLOSING_NONE && slice_is_set(sid)) {
			assert_true(slice_eq(sid, b->sid));
			both++;
		}
		exact_free(copy);
		buf_fini(&text);
	}
	assert_in_range(both, 100, 20000);
	body_reader_free(r);
}

static void
terminal(void **state)
{
	struct buf b;

	(void) state;
	for (unsigned reason = 0; reason < CLOSING_REASONS; reason++) {
		const char *condition = closing_row(reason)->condition;
		char want[200];
		buf_init(&b, BUF_UNLIMITED);
		body_terminal(&b, reason, NULL);
		snprintf(want, sizeof want, "<body " NS " type='terminate'%s%s%s/>",
			condition != NULL ? " condition='" : "", condition != NULL ? condition : "",
			condition != NULL ? "'" : "");
		assert_slice(buf_slice(&b), want);
		buf_fini(&b);
	}
}

static void
payload_of_a_body(void **state)
{
	struct stanza *st = stanza_copy(SLICE("<a/>"), STANZA_OTHER);
	struct stanza_queue q;
	struct buf b;

	(void) state;
	stanza_queue_init(&q);
	buf_init(&b, BUF_UNLIMITED);
	body_payload(&b, &q);
	assert_slice(buf_slice(&b), "/>");
	buf_clear(&b, 1000);
	stanza_queue_push(&q, &st);
	body_payload(&b, &q);
	assert_slice(buf_slice(&b), "><a/></body>");
	assert_int_equal(q.count, 0);
	buf_clear(&b, 1000);
	st = stanza_copy(SLICE("<a/>"), STANZA_OTHER);
	stanza_queue_push(&q, &st);
	st = stanza_copy(SLICE("<stream:b/>"), STANZA_OTHER);
	st->has_stream_prefix = true;
	stanza_queue_push(&q, &st);
	body_terminal(&b, CLOSING_CLIENT_CLOSED, &q);
	assert_slice(buf_slice(&b),
		"<body " NS " type='terminate' xmlns:stream='" XML_NS_STREAMS "'><a/><stream:b/></body>");
	buf_fini(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation_request),
		cmocka_unit_test(later_requests),
		cmocka_unit_test(booleans_of_restart),
		cmocka_unit_test(numbers),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits_of_payload),
		cmocka_unit_test(long_attributes),
		cmocka_unit_test(payload),
		cmocka_unit_test(payload_left_behind_is_freed),
		cmocka_unit_test(sid_without_parsing),
		cmocka_unit_test(sid_of_refused_bodies),
		cmocka_unit_test(sid_of_many_tags),
		cmocka_unit_test(sid_of_random_bodies),
		cmocka_unit_test(terminal),
		cmocka_unit_test(payload_of_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
