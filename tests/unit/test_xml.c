#include "unit.h"

#include "base/buf.h"
#include "proto/xml/xml_stream.h"
#include "whole.h"

#define STREAM \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS \
	"' id='1' version='1.0'>"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"

#define XML_STREAM ((enum xml_shape) 2) /* the third of what is read here */

/* What the reader said, in words. */
struct record {
	struct buf text;
	enum xml_shape shape;
	const struct xml_stream_handler *handler;
	struct xml_limits limits;
	struct xml_readers readers;
	struct xml_stream stream;
	unsigned elements;
	unsigned stop_at; /* refuse this element; 0: none */
	struct stanza *last;
};

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct record *r = arg;

	buf_printf(&r->text, "root %.*s|%.*s|%.*s\n", SLICE_ARG(root->prefix), SLICE_ARG(root->ns),
		SLICE_ARG(root->local));
	return !slice_eq(root->local, SLICE("refused"));
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct record *r = arg;

	buf_append(&r->text, stanza_slice(st));
	buf_append_str(&r->text, "\n");
	stanza_free(r->last);
	r->last = st;
	return ++r->elements != r->stop_at;
}

/* As it is with a server: these two are not for the client. */
static enum xml_inner
on_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element)
{
	(void) arg;
	assert_true(kind == STANZA_FEATURES || kind == STANZA_SUCCESS2 || kind == STANZA_SM);
	return depth == 1 &&
			(slice_eq(element->local, SLICE("starttls")) || slice_eq(element->local, SLICE("compression")))
		? XML_CUT
		: XML_KEEP;
}

static void
on_end(void *arg)
{
	struct record *r = arg;

	buf_append_str(&r->text, "end\n");
}

static void
on_quiet_end(void *arg)
{
	(void) arg;
}

static const struct xml_stream_handler plain = {.xml = {.root = on_root, .element = on_element}, .end = on_quiet_end};
static const struct xml_stream_handler cutting = {
	.xml = {.root = on_root, .element = on_element, .inner = on_inner}, .end = on_end};
static const struct xml_limits wide = {1 << 20, 100};

static void
record_init(struct record *r, enum xml_shape shape, const struct xml_stream_handler *handler, struct xml_limits limits)
{
	*r = (struct record){.shape = shape, .handler = handler, .limits = limits};
	buf_init(&r->text, BUF_UNLIMITED);
	xml_readers_init(&r->readers, 0);
	xml_stream_init(&r->stream, &r->readers, handler, limits, r);
}

/* The same for a stream that shares its readers. */
static void
record_share(struct record *r, struct xml_readers *readers)
{
	xml_stream_fini(&r->stream);
	xml_stream_init(&r->stream, readers, r->handler, r->limits, r);
}

static void
record_fini(struct record *r)
{
	xml_stream_fini(&r->stream);
	xml_readers_fini(&r->readers);
	buf_fini(&r->text);
	stanza_free(r->last);
}

static enum xml_result
document(struct record *r, struct slice text)
{
	struct slice copy = exact(text);
	enum xml_result result = xml_document(r->readers.documents, r->shape, &r->handler->xml, r->limits, copy, r);

	exact_free(copy);
	return result;
}

static enum xml_result
feed(struct record *r, struct slice text)
{
	struct slice copy = exact(text);
	enum xml_result result = xml_stream_feed_whole(&r->stream, copy);

	exact_free(copy);
	return result;
}

static enum xml_result
feed_in_steps(struct record *r, struct slice text, size_t step)
{
	enum xml_result result = XML_OK;

	for (size_t at = 0; at < text.n && result == XML_OK; at += step)
		result = feed(r, slice_of(text.p + at, text.n - at < step ? text.n - at : step));
	return result;
}

/* What is said about a stream must not depend on where it was cut. */
static void
check_all_splits(const struct xml_stream_handler *handler, struct xml_limits limits, struct slice text,
	enum xml_result want, const char *want_text)
{
	for (size_t cut = 0; cut <= text.n; cut++) {
		struct record r;
		enum xml_result result;
		record_init(&r, XML_STREAM, handler, limits);
		xml_stream_open(&r.stream);
		result = feed(&r, slice_of(text.p, cut));
		if (result == XML_OK)
			result = feed(&r, slice_of(text.p + cut, text.n - cut));
		assert_row(result == want, text.p);
		assert_slice(buf_slice(&r.text), want_text);
		record_fini(&r);
	}
	for (size_t step = 1; step <= 7; step += 3) {
		struct record r;
		record_init(&r, XML_STREAM, handler, limits);
		xml_stream_open(&r.stream);
		assert_row(feed_in_steps(&r, text, step) == want, text.p);
		assert_slice(buf_slice(&r.text), want_text);
		record_fini(&r);
	}
}

/* The elements cut from a root's children, in a document and in a stream alike. */
static void
elements_are_self_contained(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<r><a/></r>", "<a/>\n"},
		{"<r xmlns='u'/>", ""},
		{"<r xmlns='u'></r>", ""},
		{"<r xmlns='u'><a/></r>", "<a xmlns='u'/>\n"},
		{"<r xmlns='u'><a></a></r>", "<a xmlns='u'></a>\n"},
		{"<r xmlns='u'><a /></r>", "<a xmlns='u' />\n"},
		{"<r xmlns='u'><a\n\tx='1'\r\n/ ></r>", NULL},
		{"<r xmlns='u'><a\n\tx='1' >t</a\n></r>", "<a xmlns='u'\n\tx='1' >t</a\n>\n"},
		{"<r xmlns='u'><a x='/>'/><b x=\"/b>\">></b></r>",
			"<a xmlns='u' x='/>'/>\n<b xmlns='u' x=\"/b>\">></b>\n"},
		{"<r xmlns='u'> <a/>\n<b/>\t<c/></r>", "<a xmlns='u'/>\n<b xmlns='u'/>\n<c xmlns='u'/>\n"},
		{"<p:r xmlns:p='u'><a/></p:r>", "<a/>\n"},
		{"<p:r xmlns:p='u'><p:a/></p:r>", "<p:a xmlns:p='u'/>\n"},
		{"<p:r xmlns:p='u'><a><b><p:c/></b></a></p:r>", "<a xmlns:p='u'><b><p:c/></b></a>\n"},
		/* Only what is used. */
		{"<r xmlns='u' xmlns:p='v' xmlns:q='w'><a/></r>", "<a xmlns='u'/>\n"},
		{"<r xmlns='u' xmlns:p='v' xmlns:q='w'><q:a/></r>", "<q:a xmlns:q='w'/>\n"},
		{"<r xmlns='u' xmlns:p='v'><p:a/><b/></r>", "<p:a xmlns:p='v'/>\n<b xmlns='u'/>\n"},
		{"<r xmlns='u' xmlns:p='v'><p:a><b/></p:a></r>", "<p:a xmlns='u' xmlns:p='v'><b/></p:a>\n"},
		{"<r xmlns:p='v' xmlns:pp='w'><pp:a/></r>", "<pp:a xmlns:pp='w'/>\n"},
		/* In a value, too, or in text. */
		{"<r xmlns:p='u' xmlns:q='v'><a b='p:c'>x q:y</a></r>",
			"<a xmlns:p='u' xmlns:q='v' b='p:c'>x q:y</a>\n"},
		{"<r xmlns:p='u' xmlns:q='v'><a b='pp:c'>p q</a></r>", "<a b='pp:c'>p q</a>\n"},
		/* Declared again or taken back by the element. */
		{"<r xmlns='u'><a xmlns='w'/></r>", "<a xmlns='w'/>\n"},
		{"<r xmlns='u'><a xmlns='u'/></r>", "<a xmlns='u'/>\n"},
		{"<r xmlns='u'><a xmlns=''/></r>", "<a xmlns=''/>\n"},
		{"<r xmlns='u'><a xmlns=''><b xmlns='u'/></a></r>", "<a xmlns=''><b xmlns='u'/></a>\n"},
		{"<r xmlns='u'><a xmlns='w'/><b/></r>", "<a xmlns='w'/>\n<b xmlns='u'/>\n"},
		{"<r xmlns:p='u'><p:a xmlns:p='w'/></r>", "<p:a xmlns:p='w'/>\n"},
		{"<r xmlns:p='u'><p:a xmlns:p='w'><p:b xmlns:p='u'/></p:a></r>",
			"<p:a xmlns:p='w'><p:b xmlns:p='u'/></p:a>\n"},
		/* Declared again further inside. */
		{"<r xmlns:p='u'><a><b xmlns:p='w'><p:c/></b></a></r>",
			"<a xmlns:p='u'><b xmlns:p='w'><p:c/></b></a>\n"},
		{"<r xmlns:p='u'><a><b xmlns:p='w'><p:c/></b><p:d/></a></r>",
			"<a xmlns:p='u'><b xmlns:p='w'><p:c/></b><p:d/></a>\n"},
		{"<r xmlns='u'><p:a xmlns:p='w'><b/></p:a></r>", "<p:a xmlns='u' xmlns:p='w'><b/></p:a>\n"},
		{"<r xmlns='u'><p:a xmlns:p='w'><b xmlns=''/></p:a></r>", "<p:a xmlns:p='w'><b xmlns=''/></p:a>\n"},
		/* Attributes have no default namespace. */
		{"<r xmlns:p='u'><a p:x='1'/></r>", "<a xmlns:p='u' p:x='1'/>\n"},
		{"<r xmlns:p='u'><a x='1'/></r>", "<a x='1'/>\n"},
		{"<r xmlns:p='u'><a><b><c p:x='1'/></b></a></r>", "<a xmlns:p='u'><b><c p:x='1'/></b></a>\n"},
		{"<r xmlns='u'><a xmlns='w' y='2'/></r>", "<a xmlns='w' y='2'/>\n"},
		/* Two prefixes of one namespace, and a prefix for the default one. */
		{"<r xmlns:p='u' xmlns:q='u'><p:a q:x='1'/></r>", "<p:a xmlns:p='u' xmlns:q='u' q:x='1'/>\n"},
		{"<r xmlns='u' xmlns:p='u'><p:a/></r>", "<p:a xmlns:p='u'/>\n"},
		{"<r xmlns='u' xmlns:p='u'><a p:x='1'/></r>", "<a xmlns='u' xmlns:p='u' p:x='1'/>\n"},
		/* The prefix xml needs no declaration. */
		{"<r xmlns='u' xml:lang='de'><a xml:lang='en'/></r>", "<a xmlns='u' xml:lang='en'/>\n"},
		{"<r><a xml:space='preserve'/></r>", "<a xml:space='preserve'/>\n"},
		/* Namespace names that must be escaped to be written. */
		{"<r xmlns=\"a&amp;b'c&lt;d&gt;e&quot;f\"><a/></r>", "<a xmlns='a&amp;b&apos;c&lt;d>e\"f'/>\n"},
		{"<r xmlns:p='a&#38;b&#x27;'><p:a/></r>", "<p:a xmlns:p='a&amp;b&apos;'/>\n"},
		{"<r xmlns='a&#9;b&#13;c'><a/></r>", "<a xmlns='a&#9;b&#13;c'/>\n"},
		{"<r xmlns='\xc3\xbc'><\xc3\xa4/></r>", "<\xc3\xa4 xmlns='\xc3\xbc'/>\n"},
		/* The sender's own bytes, whatever they mean. */
		{"<r><a>&lt;&amp;&gt;&apos;&quot;&#65;&#x1F600;</a></r>",
			"<a>&lt;&amp;&gt;&apos;&quot;&#65;&#x1F600;</a>\n"},
		{"<r><a><![CDATA[</a></r>]]></a></r>", "<a><![CDATA[</a></r>]]></a>\n"},
		{"<r><a>\r\n\xf0\x9f\x98\x80</a></r>", "<a>\r\n\xf0\x9f\x98\x80</a>\n"},
		{"<r><r><r/></r></r>", "<r><r/></r>\n"},
		{"<r>&#32;&#x9;<a/>&#10;</r>", "<a/>\n"},
		{"<r><a/><![CDATA[ ]]><b/></r>", "<a/>\n<b/>\n"},
		{"<?xml version='1.0'?><r><a/></r>", "<a/>\n"},
		{"<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n<r><a/></r>\n", "<a/>\n"},
		{"\xef\xbb\xbf<r xmlns='u'><a/></r>", "<a xmlns='u'/>\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = slice_str(rows[i].text), said;
		struct record r;
		const char *root_end;
		enum xml_result want = rows[i].want != NULL ? XML_OK : XML_MALFORMED;

		record_init(&r, XML_WRAPPER, &plain, wide);
		assert_row(document(&r, text) == want, text.p);
		said = buf_slice(&r.text);
		root_end = memchr(said.p, '\n', said.n);
		if (want == XML_OK)
			assert_slice(slice_of(root_end + 1, said.n - (size_t) (root_end + 1 - said.p)), rows[i].want);
		buf_append_char(&r.text, '\0');
		check_all_splits(&plain, wide, text, want, buf_slice(&r.text).p);
		record_fini(&r);
	}
}

/* What was cut says the same alone: read as a document, all of its names are bound. */
static void
elements_stand_alone(void **state)
{
	static const char text[] =
		"<s:r xmlns='u' xmlns:s='v' xmlns:p='w' xmlns:q='x'><a p:x='1' y='2'><q:b><c xmlns='z'>"
		"<p:d/></c></q:b></a><p:e q:f=''/><s:g/><h xmlns='' p:x=''/></s:r>";
	struct record r, alone;

	(void) state;
	record_init(&r, XML_WRAPPER, &plain, wide);
	record_init(&alone, XML_MESSAGE, &plain, wide);
	for (unsigned n = 1; n <= 4; n++) {
		r.elements = 0;
		r.stop_at = n;
		assert_int_equal(document(&r, slice_of(text, sizeof text - 1)), XML_STOPPED);
		buf_clear(&alone.text, 0);
		assert_int_equal(document(&alone, stanza_slice(r.last)), XML_OK);
	}
	record_fini(&r);
	record_fini(&alone);
}

static void
many_declarations(void **state)
{
	(void) state;
	for (unsigned n = 30; n <= 40; n++) {
		struct record r;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r");
		for (unsigned i = 0; i < n; i++)
			buf_printf(&text, " xmlns:p%u='u%u'", i, i);
		buf_printf(&text, "><p%u:a p0:x=''/></r>", n - 1);
		record_init(&r, XML_WRAPPER, &plain, wide);
		if (n <= 32) {
			char want[200];
			snprintf(want, sizeof want, "root ||r\n<p%u:a xmlns:p0='u0' xmlns:p%u='u%u' p0:x=''/>\n", n - 1,
				n - 1, n - 1);
			assert_int_equal(document(&r, buf_slice(&text)), XML_OK);
			assert_slice(buf_slice(&r.text), want);
		} else {
			assert_int_equal(document(&r, buf_slice(&text)), XML_TOO_BIG);
		}
		/* The reader is as new for the next. */
		buf_clear(&r.text, 0);
		assert_int_equal(document(&r, SLICE("<r xmlns='u'><a/></r>")), XML_OK);
		assert_slice(buf_slice(&r.text), "root |u|r\n<a xmlns='u'/>\n");
		record_fini(&r);
		buf_fini(&text);
	}
}

/* The parser looks at the whole name of a namespace for each name that is prefixed with it: it may not be long, anywhere. */
static void
long_namespaces(void **state)
{
	static const char *const texts[] = {"<r xmlns='@'/>", "<r xmlns:p='@'/>", "<r><a xmlns='@'/></r>",
		"<r><a xmlns:p='@'/></r>", "<r><a><b/><c xmlns:p='@'/></a></r>",
		"<r xmlns='u'><a><b><c xmlns='@'/></b></a></r>"};
	static const size_t sizes[] = {1, 1023, 1024, 1025, 5000};
	static const enum xml_shape shapes[] = {XML_MESSAGE, XML_WRAPPER, XML_STREAM};
	static char uri[5001];

	(void) state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		enum xml_result want = sizes[i] <= 1024 ? XML_OK : XML_TOO_BIG;
		memset(uri, 'u', sizes[i]);
		uri[sizes[i]] = '\0';
		for (size_t t = 0; t < COUNT(texts); t++) {
			for (size_t k = 0; k < COUNT(shapes); k++) {
				struct record r;
				struct buf text;
				buf_init(&text, BUF_UNLIMITED);
				const char *mark = strchr(texts[t], '@');
				buf_append(&text, slice_of(texts[t], (size_t) (mark - texts[t])));
				buf_append_str(&text, uri);
				buf_append_str(&text, mark + 1);
				record_init(&r, shapes[k], &plain, wide);
				if (shapes[k] == XML_STREAM) {
					xml_stream_open(&r.stream);
					assert_row(feed_in_steps(&r, buf_slice(&text), 100) == want, texts[t]);
				} else {
					assert_row(document(&r, buf_slice(&text)) == want, texts[t]);
				}
				record_fini(&r);
				buf_fini(&text);
			}
		}
	}
}

/* A megabyte in which every attribute would have the parser copy 400000 bytes: refused, and not after minutes. */
static void
long_namespace_used_often(void **state)
{
	static const enum xml_shape shapes[] = {XML_MESSAGE, XML_WRAPPER, XML_STREAM};
	struct buf text;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<a xmlns:p='");
	for (unsigned i = 0; i < 400000; i++)
		buf_append_char(&text, 'u');
	buf_append_str(&text, "'>");
	for (unsigned i = 0; i < 55000; i++)
		buf_append_str(&text, "<b p:c=''/>");
	buf_append_str(&text, "</a>");
	for (size_t k = 0; k < COUNT(shapes); k++) {
		struct record r;
		record_init(&r, shapes[k], &plain, wide);
		if (shapes[k] == XML_STREAM) {
			xml_stream_open(&r.stream);
			assert_int_equal(feed(&r, SLICE(STREAM)), XML_OK);
			assert_int_equal(feed_in_steps(&r, buf_slice(&text), 65536), XML_TOO_BIG);
		} else {
			assert_int_equal(document(&r, buf_slice(&text)), XML_TOO_BIG);
		}
		assert_int_equal(r.elements, 0);
		record_fini(&r);
	}
	buf_fini(&text);
}

/* Inside an element there may be as many as its author likes. */
static void
many_declarations_inside(void **state)
{
	struct record r;
	struct buf text;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<r xmlns:p99='u'><a");
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&text, " xmlns:p%u='u%u'", i, i);
	buf_append_str(&text, "><p99:b/></a></r>");
	record_init(&r, XML_WRAPPER, &plain, wide);
	assert_int_equal(document(&r, buf_slice(&text)), XML_OK);
	assert_int_equal(r.elements, 1);
	record_fini(&r);
	buf_fini(&text);
}

static void
known_declarations(void **state)
{
	static const struct xml_known known[] = {{SLICE_INIT(""), SLICE_INIT("outer")},
		{SLICE_INIT(""), SLICE_INIT("also")}, {SLICE_INIT("s"), SLICE_INIT("streams")}};
	static const struct xml_stream_handler handler = {
		.xml = {.known = known, .n_known = COUNT(known), .root = on_root, .element = on_element}};
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<r xmlns='outer'><a/></r>", "root |outer|r\n<a/>\n"},
		{"<r xmlns='also' xmlns:s='streams'><s:a/><b/></r>", "root |also|r\n<s:a/>\n<b/>\n"},
		{"<r xmlns='other'><a/></r>", "root |other|r\n<a xmlns='other'/>\n"},
		{"<r xmlns:s='other'><s:a/></r>", "root ||r\n<s:a xmlns:s='other'/>\n"},
		{"<p:r xmlns:p='outer'><p:a/></p:r>", "root p|outer|r\n<p:a xmlns:p='outer'/>\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r;
		record_init(&r, XML_WRAPPER, &handler, wide);
		assert_int_equal(document(&r, slice_str(rows[i].text)), XML_OK);
		assert_slice(buf_slice(&r.text), rows[i].want);
		record_fini(&r);
	}
}

/* What XMPP forbids and what is no XML, by every shape. */
static void
refused(void **state)
{
	static const struct {
		struct slice text;
		enum xml_result want;
	} rows[] = {
		{SLICE_INIT("<!DOCTYPE r><r/>"), XML_RESTRICTED},
		{SLICE_INIT("<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>"), XML_RESTRICTED},
		{SLICE_INIT("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>"), XML_RESTRICTED},
		{SLICE_INIT("<!DOCTYPE r PUBLIC 'a' 'b' [ <!ELEMENT r ANY> ]><r/>"), XML_RESTRICTED},
		{SLICE_INIT("<!-- c --><r/>"), XML_RESTRICTED},
		{SLICE_INIT("<r><!-- c --></r>"), XML_RESTRICTED},
		{SLICE_INIT("<r><a><!----></a></r>"), XML_RESTRICTED},
		{SLICE_INIT("<?p i?><r/>"), XML_RESTRICTED},
		{SLICE_INIT("<r><?p?></r>"), XML_RESTRICTED},
		{SLICE_INIT("<r><a><?p i?></a></r>"), XML_RESTRICTED},
		{SLICE_INIT("<r><a>&nbsp;</a></r>"), XML_RESTRICTED},
		{SLICE_INIT("<r><a x='&e;'/></r>"), XML_RESTRICTED},
		{SLICE_INIT("<r><a>&amp</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>&#0;</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>&#xFFFF;</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a></b></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a x='1' x='2'/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r xmlns:p='u' xmlns:q='u'><a p:x='1' q:x='2'/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a x=1/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a x='<'/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><p:a/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a p:x=''/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r xmlns:p=''><a/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r xmlns:xml='u'><a/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r xmlns:xmlns='u'><a/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r xmlns='a&#10;b'><a/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a xmlns:p='a&#10;b'/></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>]]></a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>\xff</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>\xc0\xaf</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>\xed\xa0\x80</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>\x01</a></r>"), XML_MALFORMED},
		{SLICE_INIT("<r><a>\0</a></r>"), XML_MALFORMED},
		{SLICE_INIT("hello "), XML_MALFORMED},
		{SLICE_INIT("<"), XML_OK},
		{SLICE_INIT(">"), XML_MALFORMED},
		{SLICE_INIT("</r>"), XML_MALFORMED},
		{SLICE_INIT(" <?xml version='1.0'?><r/>"), XML_MALFORMED},
		/* Other encodings, by their first bytes: what is cut must be UTF-8. */
		{SLICE_INIT("<\0r\0>\0<\0a\0/\0>\0<\0/\0r\0>\0"), XML_MALFORMED},
		{SLICE_INIT("\0<\0r\0>\0<\0a\0/\0>\0<\0/\0r\0>"), XML_MALFORMED},
		{SLICE_INIT("\xff\xfe<\0r\0>\0<\0a\0/\0>\0<\0/\0r\0>\0"), XML_MALFORMED},
		{SLICE_INIT("\xfe\xff\0<\0r\0>\0<\0a\0/\0>\0<\0/\0r\0>"), XML_MALFORMED},
	};
	static const enum xml_shape shapes[] = {XML_MESSAGE, XML_WRAPPER};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = rows[i].text;
		for (size_t s = 0; s < COUNT(shapes); s++) {
			struct record r;
			record_init(&r, shapes[s], &plain, wide);
			enum xml_result got = document(&r, text);
			assert_row(got == (rows[i].want == XML_OK ? XML_MALFORMED : rows[i].want), text.p);
			for (size_t n = 0; n < text.n; n++)
				document(&r, slice_of(text.p, n));
			record_fini(&r);
		}
		for (size_t cut = 0; cut <= text.n; cut++) {
			struct record r;
			enum xml_result got;
			record_init(&r, XML_STREAM, &plain, wide);
			xml_stream_open(&r.stream);
			got = feed(&r, slice_of(text.p, cut));
			if (got == XML_OK)
				got = feed(&r, slice_of(text.p + cut, text.n - cut));
			assert_row(got == rows[i].want, text.p);
			record_fini(&r);
		}
		struct record r;
		record_init(&r, XML_STREAM, &plain, wide);
		xml_stream_open(&r.stream);
		assert_row(feed_in_steps(&r, text, 1) == rows[i].want, text.p);
		/* A stream that broke stays broken. */
		if (rows[i].want != XML_OK)
			assert_int_equal(feed(&r, SLICE("<x/>")), rows[i].want);
		record_fini(&r);
	}
}

static void
declarations_of_xml(void **state)
{
	static const struct {
		const char *text;
		enum xml_result wrapper, message;
	} rows[] = {
		{"<?xml version='1.0'?><r/>", XML_OK, XML_RESTRICTED},
		{"<?xml version='1.0' encoding='UTF-8'?><r/>", XML_OK, XML_RESTRICTED},
		{"<?xml version='1.0' encoding='Utf-8'?><r/>", XML_OK, XML_RESTRICTED},
		{"<?xml version='1.0' encoding='us-ascii'?><r/>", XML_MALFORMED, XML_RESTRICTED},
		{"<?xml version='1.0' encoding='UTF-16'?><r/>", XML_MALFORMED, XML_RESTRICTED},
		{"<?xml version='1.0' encoding='ISO-8859-1'?><r/>", XML_MALFORMED, XML_RESTRICTED},
		{"<?xml version='1.1'?><r/>", XML_MALFORMED, XML_RESTRICTED},
		{"<?xml?><r/>", XML_MALFORMED, XML_MALFORMED},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r;
		record_init(&r, XML_WRAPPER, &plain, wide);
		assert_row(document(&r, slice_str(rows[i].text)) == rows[i].wrapper, rows[i].text);
		record_fini(&r);
		record_init(&r, XML_MESSAGE, &plain, wide);
		assert_row(document(&r, slice_str(rows[i].text)) == rows[i].message, rows[i].text);
		record_fini(&r);
	}
}

static void
text_between_elements(void **state)
{
	static const char *const rows[] = {
		"<r>x</r>",
		"<r> x</r>",
		"<r><a/>x</r>",
		"<r><a>y</a>x<b/></r>",
		"<r>&lt;</r>",
		"<r>&#65;</r>",
		"<r><![CDATA[x]]></r>",
		"<r>\xc2\xa0</r>",
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r;
		record_init(&r, XML_WRAPPER, &plain, wide);
		assert_row(document(&r, slice_str(rows[i])) == XML_TEXT, rows[i]);
		record_fini(&r);
		record_init(&r, XML_STREAM, &plain, wide);
		xml_stream_open(&r.stream);
		assert_row(feed_in_steps(&r, slice_str(rows[i]), 1) == XML_TEXT, rows[i]);
		record_fini(&r);
		record_init(&r, XML_MESSAGE, &plain, wide);
		assert_row(document(&r, slice_str(rows[i])) == XML_OK, rows[i]);
		record_fini(&r);
	}
}

static void
whole_messages(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<a/>", "root ||a\n<a/>\n"},
		{"<a xmlns='u'> <b/> text </a>\n", "root |u|a\n<a xmlns='u'> <b/> text </a>\n"},
		{"<p:a xmlns:p='u' p:x='1'><p:b/></p:a>", "root p|u|a\n<p:a xmlns:p='u' p:x='1'><p:b/></p:a>\n"},
		{"<a><a><a/></a></a>", "root ||a\n<a><a><a/></a></a>\n"},
	};
	struct record r;

	(void) state;
	record_init(&r, XML_MESSAGE, &plain, wide);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice text = slice_trim(slice_str(rows[i].text));
		for (size_t n = 0; n < text.n; n++)
			assert_row(document(&r, slice_of(text.p, n)) == XML_MALFORMED, rows[i].text);
		buf_clear(&r.text, 0);
		assert_row(document(&r, slice_str(rows[i].text)) == XML_OK, rows[i].text);
		assert_slice(buf_slice(&r.text), rows[i].want);
		buf_clear(&r.text, 0);
	}
	assert_int_equal(document(&r, SLICE("")), XML_MALFORMED);
	assert_int_equal(document(&r, SLICE_NONE), XML_MALFORMED);
	record_fini(&r);
}

static void
prefixes_of_a_wrapper(void **state)
{
	static const char text[] = "<?xml version='1.0'?><r xmlns='u' xmlns:p='v'><a p:x='1'>t</a><p:b/></r>";
	struct record r;

	(void) state;
	record_init(&r, XML_WRAPPER, &plain, wide);
	for (size_t n = 0; n < sizeof text - 1; n++)
		assert_int_equal(document(&r, slice_of(text, n)), XML_MALFORMED);
	buf_clear(&r.text, 0);
	assert_int_equal(document(&r, slice_of(text, sizeof text - 1)), XML_OK);
	assert_slice(buf_slice(&r.text), "root |u|r\n<a xmlns='u' xmlns:p='v' p:x='1'>t</a>\n<p:b xmlns:p='v'/>\n");
	record_fini(&r);
}

static void
handlers_stop(void **state)
{
	struct record r;

	(void) state;
	record_init(&r, XML_WRAPPER, &plain, wide);
	assert_int_equal(document(&r, SLICE("<refused><a/></refused>")), XML_STOPPED);
	assert_int_equal(r.elements, 0);
	r.stop_at = 2;
	assert_int_equal(document(&r, SLICE("<r><a/><b/><c/></r>")), XML_STOPPED);
	assert_int_equal(r.elements, 2);
	record_fini(&r);
	record_init(&r, XML_STREAM, &plain, wide);
	r.stop_at = 1;
	xml_stream_open(&r.stream);
	assert_int_equal(feed(&r, SLICE("<r><a/><b/>")), XML_STOPPED);
	assert_int_equal(feed(&r, SLICE("<c/>")), XML_STOPPED);
	assert_int_equal(r.elements, 1);
	record_fini(&r);
}

static void
attributes(void **state)
{
	static const char *const list[] = {
		"x", "1", "u\nx", "2", "v\ny\np", "3", XML_NS_XML "\nlang\nxml", "de", "xx", "4", "empty", "", NULL};
	struct xml_element e = {.attributes = (const char **) (uintptr_t) list};

	(void) state;
	assert_slice(xml_attribute(&e, "", "x"), "1");
	assert_slice(xml_attribute(&e, "u", "x"), "2");
	assert_slice(xml_attribute(&e, "v", "y"), "3");
	assert_slice(xml_attribute(&e, XML_NS_XML, "lang"), "de");
	assert_slice(xml_attribute(&e, "", "xx"), "4");
	assert_slice(xml_attribute(&e, "", "empty"), "");
	assert_slice(xml_attribute(&e, "", "y"), NULL);
	assert_slice(xml_attribute(&e, "", "lang"), NULL);
	assert_slice(xml_attribute(&e, "w", "x"), NULL);
	assert_slice(xml_attribute(&e, "v", "x"), NULL);
	assert_slice(xml_attribute(&e, "", "u"), NULL);
	assert_slice(xml_attribute(&e, "v", "yy"), NULL);
}

static void
kinds(void **state)
{
	static const struct {
		const char *text;
		enum stanza_kind kind;
		bool has_stream_prefix;
	} rows[] = {
		{"<message/>", STANZA_MESSAGE, false},
		{"<presence/>", STANZA_PRESENCE, false},
		{"<iq/>", STANZA_IQ, false},
		{"<iqs/>", STANZA_OTHER, false},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", STANZA_AUTH, false},
		{"<authenticate xmlns='urn:xmpp:sasl:2'/>", STANZA_AUTH, false},
		{"<auth/>", STANZA_OTHER, false},
		{"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", STANZA_FAILURE, false},
		{"<failure xmlns='urn:xmpp:sasl:2'/>", STANZA_FAILURE, false},
		{"<failure/>", STANZA_OTHER, false},
		{"<stream:features/>", STANZA_FEATURES, true},
		{"<stream:error/>", STANZA_STREAM_ERROR, true},
		{"<stream:stream/>", STANZA_STREAM, true},
		{"<stream:other/>", STANZA_STREAM, true},
		{"<x xmlns='" XML_NS_STREAMS "'/>", STANZA_STREAM, false},
		{"<s:stream xmlns:s='" XML_NS_STREAMS "'><message/></s:stream>", STANZA_STREAM, false},
		{"<stream:stream xmlns:stream='urn:x'/>", STANZA_OTHER, true},
		{"<stream/>", STANZA_OTHER, false},
		{"<features xmlns='" XML_NS_STREAMS "'/>", STANZA_FEATURES, false},
		{"<s:error xmlns:s='" XML_NS_STREAMS "'/>", STANZA_STREAM_ERROR, false},
		{"<features/>", STANZA_OTHER, false},
		{"<error/>", STANZA_OTHER, false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r;
		record_init(&r, XML_STREAM, &plain, wide);
		xml_stream_open(&r.stream);
		feed(&r, SLICE(STREAM));
		assert_int_equal(feed(&r, slice_str(rows[i].text)), XML_OK);
		assert_non_null(r.last);
		assert_row(r.last->kind == rows[i].kind, rows[i].text);
		assert_row(r.last->has_stream_prefix == rows[i].has_stream_prefix, rows[i].text);
		record_fini(&r);
	}
}

static void
features_are_cut(void **state)
{
#define HEAD "<stream:features xmlns:stream='" XML_NS_STREAMS "'>"
#define TAIL "</stream:features>"
#define TLS "<starttls xmlns='" NS_TLS "'/>"
#define TLS_REQUIRED "<starttls xmlns='" NS_TLS "'><required/></starttls>"
#define ZLIB "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
#define SASL "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"<stream:features/>", "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>"},
		{"<stream:features>" TLS TAIL, HEAD TAIL},
		{"<stream:features>" TLS_REQUIRED TAIL, HEAD TAIL},
		{"<stream:features>" TLS SASL ZLIB TAIL, HEAD SASL TAIL},
		{"<stream:features>" SASL TLS TAIL, HEAD SASL TAIL},
		{"<stream:features>" TLS ZLIB SASL TAIL, HEAD SASL TAIL},
		{"<stream:features>" SASL TLS_REQUIRED ZLIB SASL TAIL, HEAD SASL SASL TAIL},
		{"<stream:features> " TLS " " SASL " " ZLIB " " TAIL, HEAD "  " SASL "  " TAIL},
		{"<stream:features><starttls xmlns='" NS_TLS "'></starttls>" TAIL, HEAD TAIL},
		{"<stream:features><starttls xmlns='" NS_TLS "' />" SASL TAIL, HEAD SASL TAIL},
		/* Only children of the features themselves. */
		{"<stream:features><x xmlns='u'>" TLS "</x>" TAIL, HEAD "<x xmlns='u'>" TLS "</x>" TAIL},
		{"<stream:features><starttls xmlns='" NS_TLS "'><starttls/></starttls>" SASL TAIL, HEAD SASL TAIL},
		{"<iq>" TLS "</iq>", "<iq xmlns='jabber:client'>" TLS "</iq>"},
		{"<features xmlns='u'>" TLS "</features>", "<features xmlns='u'>" TLS "</features>"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[2000], want[2000];
		snprintf(text, sizeof text, STREAM "%s<a/>", rows[i].text);
		snprintf(want, sizeof want, "root stream|" XML_NS_STREAMS "|stream\n%s\n<a xmlns='jabber:client'/>\n",
			rows[i].want);
		check_all_splits(&cutting, wide, slice_str(text), XML_OK, want);
	}
}

static void
whole_streams(void **state)
{
	static const char text[] =
		"\n" STREAM "\n<stream:features/> <message to='a'>t</message>\r\n\r\n<iq/><iq/><x xmlns='u'/>"
		"</stream:stream>\n";
	static const char want[] =
		"root stream|" XML_NS_STREAMS "|stream\n<stream:features xmlns:stream='" XML_NS_STREAMS
		"'/>\n<message xmlns='jabber:client' to='a'>t</message>\n<iq xmlns='jabber:client'/>\n"
		"<iq xmlns='jabber:client'/>\n<x xmlns='u'/>\nend\n";

	(void) state;
	check_all_splits(&cutting, wide, slice_of(text + 1, sizeof text - 2), XML_OK, want);
}

/*
 * An element in two pieces, followed by silence: it must be there when its
 * last byte is, at every place it can be cut.
 */
static void
no_element_waits_for_the_next(void **state)
{
	static const char text[] = "<presence from='a@example.org/x' to='b@example.org'><show>away</show></presence>";

	(void) state;
	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		struct record r;
		record_init(&r, XML_STREAM, &plain, wide);
		xml_stream_open(&r.stream);
		assert_int_equal(feed(&r, SLICE(STREAM)), XML_OK);
		for (unsigned n = 1; n <= 3; n++) {
			assert_int_equal(feed(&r, slice_of(text, cut)), XML_OK);
			assert_int_equal(r.elements, n - 1);
			assert_int_equal(feed(&r, slice_of(text + cut, sizeof text - 1 - cut)), XML_OK);
			assert_int_equal(r.elements, n);
		}
		record_fini(&r);
	}
}

static void
append_element(struct buf *text, size_t n, char fill)
{
	static const char tags[] = "<a></a>";

	assert_true(n >= sizeof tags - 1);
	buf_append_str(text, "<a>");
	for (size_t i = 0; i < n - (sizeof tags - 1); i++)
		buf_append_char(text, fill);
	buf_append_str(text, "</a>");
}

/* The limit holds to the byte, in one piece and in many. */
static void
size_limit(void **state)
{
	static const struct xml_limits limits = {1000, 10};
	static const size_t sizes[] = {7, 999, 1000, 1001, 2000, 50000};
	static const size_t steps[] = {100000, 1000, 100, 7, 1};

	(void) state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		enum xml_result want = sizes[i] <= 1000 ? XML_OK : XML_TOO_BIG;
		struct record r;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);

		append_element(&text, sizes[i], 'x');
		record_init(&r, XML_MESSAGE, &plain, limits);
		assert_int_equal(document(&r, buf_slice(&text)), want);
		record_fini(&r);

		buf_clear(&text, 0);
		buf_append_str(&text, "<r>");
		append_element(&text, 1000, 'y');
		append_element(&text, sizes[i], 'x');
		for (size_t s = 0; s < COUNT(steps); s++) {
			record_init(&r, XML_STREAM, &plain, limits);
			xml_stream_open(&r.stream);
			assert_int_equal(feed_in_steps(&r, buf_slice(&text), steps[s]), want);
			assert_int_equal(r.elements, want == XML_OK ? 2 : 1);
			record_fini(&r);
		}
		buf_append_str(&text, "</r>");
		record_init(&r, XML_WRAPPER, &plain, limits);
		assert_int_equal(document(&r, buf_slice(&text)), want);
		record_fini(&r);
		buf_fini(&text);
	}
}

/* An element without end does not fill the memory: it is refused soon after the limit, not at its end. */
static void
endless_element(void **state)
{
	static const char *const starts[] = {"<a>", "<a x='", "<aaa", "<a><![CDATA["};
	static const struct xml_limits limits = {20000, 10};

	(void) state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		struct record r;
		enum xml_result result = XML_OK;
		size_t n = 0;
		record_init(&r, XML_STREAM, &plain, limits);
		xml_stream_open(&r.stream);
		assert_int_equal(feed(&r, SLICE("<r>")), XML_OK);
		assert_int_equal(feed(&r, slice_str(starts[i])), XML_OK);
		while (result == XML_OK && n < 100000) {
			result = feed(&r, SLICE("xxxxxxxxxxxxxxxxxxxx"));
			n += 20;
		}
		assert_row(result == XML_TOO_BIG, starts[i]);
		assert_true(n <= 20020);
		record_fini(&r);
	}
}

/* A root is read again for an element now and then, so what it declares is bounded. */
static void
large_root(void **state)
{
	(void) state;
	for (unsigned n = 1; n <= 4; n++) {
		struct record r;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r");
		for (unsigned i = 0; i < n; i++) {
			buf_printf(&text, " xmlns:p%u='", i);
			for (unsigned k = 0; k < 600; k++)
				buf_append_char(&text, 'u');
			buf_append_str(&text, "'");
		}
		buf_append_str(&text, "><p0:a/>");
		record_init(&r, XML_STREAM, &plain, wide);
		assert_int_equal(feed(&r, buf_slice(&text)), n <= 3 ? XML_OK : XML_TOO_BIG);
		assert_int_equal(r.elements, n <= 3 ? 1 : 0);
		record_fini(&r);
		buf_fini(&text);
	}
}

static void
endless_header(void **state)
{
	struct record r;
	enum xml_result result;
	size_t n = 0;

	(void) state;
	record_init(&r, XML_STREAM, &plain, wide);
	xml_stream_open(&r.stream);
	result = feed(&r, SLICE("<r x='"));
	while (result == XML_OK && n < 4 << 20) {
		result = feed(&r,
			SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
		n += 84;
	}
	assert_int_equal(result, XML_TOO_BIG);
	record_fini(&r);

	/* Complete, but larger than what is kept of a header. */
	struct buf text;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<r x='");
	for (unsigned i = 0; i < 17000; i++)
		buf_append_char(&text, 'x');
	buf_append_str(&text, "'>");
	record_init(&r, XML_STREAM, &plain, wide);
	xml_stream_open(&r.stream);
	assert_int_equal(feed(&r, buf_slice(&text)), XML_TOO_BIG);
	record_fini(&r);
	buf_fini(&text);
}

/* One huge tag, dribbled, costs what its bytes cost: none is looked at twice. */
static void
dribbled_tag(void **state)
{
	enum { SIZE = 4 << 20, PIECE = 64 };
	static const struct xml_limits limits = {8 << 20, 10};
	struct record r;
	char piece[PIECE];

	(void) state;
	record_init(&r, XML_STREAM, &plain, limits);
	memset(piece, 'x', sizeof piece);
	assert_int_equal(feed(&r, SLICE("<r><a x='")), XML_OK);
	for (size_t n = 0; n < SIZE; n += sizeof piece)
		assert_int_equal(feed(&r, slice_of(piece, sizeof piece)), XML_OK);
	assert_int_equal(feed(&r, SLICE("'/>")), XML_OK);
	assert_int_equal(r.elements, 1);
	record_fini(&r);
}

/* Segments that all end inside a tag. */
static void
segments_that_end_in_tags(void **state)
{
	enum { PADDING = 15000, ROUNDS = 5000 };
	struct record r;
	struct buf text;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "'/><a x='");
	for (unsigned i = 0; i < PADDING; i++)
		buf_append_char(&text, 'x');
	record_init(&r, XML_STREAM, &plain, wide);
	xml_stream_open(&r.stream);
	assert_int_equal(xml_stream_feed_whole(&r.stream, SLICE("<r><a x='")), XML_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_int_equal(xml_stream_feed_whole(&r.stream, buf_slice(&text)), XML_OK);
		buf_clear(&r.text, 0);
	}
	assert_int_equal(r.elements, ROUNDS);
	record_fini(&r);
	buf_fini(&text);
}

/* The work for a document grows with its size, not with its square: this ends at once, or takes minutes. */
static void
huge_tag(void **state)
{
	enum { SIZE = 8 << 20 };
	static const struct xml_limits limits = {2 * SIZE, 10};
	struct record r;
	struct buf text;
	char *room;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<r><a x='");
	room = buf_reserve(&text, SIZE);
	memset(room, 'x', SIZE);
	buf_commit(&text, SIZE);
	buf_append_str(&text, "'/></r>");
	record_init(&r, XML_WRAPPER, &plain, limits);
	assert_int_equal(document(&r, buf_slice(&text)), XML_OK);
	assert_int_equal(r.elements, 1);
	record_fini(&r);
	record_init(&r, XML_STREAM, &plain, limits);
	xml_stream_open(&r.stream);
	assert_int_equal(feed(&r, buf_slice(&text)), XML_OK);
	assert_int_equal(r.elements, 1);
	record_fini(&r);
	buf_fini(&text);
}

static void
append_nested(struct buf *text, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_append_str(text, "<d>");
	for (unsigned i = 0; i < depth; i++)
		buf_append_str(text, "</d>");
}

static void
depth_limit(void **state)
{
	static const struct xml_limits limits = {1 << 20, 10};
	static const unsigned depths[] = {1, 10, 11, 12, 1000, 100000};

	(void) state;
	for (size_t i = 0; i < COUNT(depths); i++) {
		/* The element itself is not inside of itself. */
		enum xml_result want = depths[i] <= 11 ? XML_OK : XML_TOO_DEEP;
		struct record r;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		append_nested(&text, depths[i]);
		record_init(&r, XML_MESSAGE, &plain, limits);
		assert_int_equal(document(&r, buf_slice(&text)), want);
		record_fini(&r);
		buf_clear(&text, 0);
		buf_append_str(&text, "<r><a/>");
		append_nested(&text, depths[i]);
		record_init(&r, XML_STREAM, &plain, limits);
		xml_stream_open(&r.stream);
		assert_int_equal(feed(&r, buf_slice(&text)), want);
		record_fini(&r);
		buf_append_str(&text, "</r>");
		record_init(&r, XML_WRAPPER, &plain, limits);
		assert_int_equal(document(&r, buf_slice(&text)), want);
		/* What was left open does not count for the next document. */
		assert_int_equal(document(&r, SLICE("<r><a><b/></a></r>")), XML_OK);
		record_fini(&r);
		buf_fini(&text);
	}
}

/* After a large element the parser is replaced: nobody may notice, wherever the bytes are cut. */
static void
large_elements(void **state)
{
	static const size_t sizes[] = {8000, 8191, 8192, 8193, 20000, 100000};
	static const size_t steps[] = {1, 13, 1000, 4096, 8192, 1000000};

	(void) state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, STREAM);
		for (unsigned round = 0; round < 3; round++) {
			append_element(&text, sizes[i], 'x');
			buf_append_str(&text, " <message to='b'>t</message>\n<stream:x/>");
			append_element(&text, 7, 'x');
		}
		buf_append_str(&text, "</stream:stream>");
		struct record whole;
		record_init(&whole, XML_STREAM, &cutting, wide);
		xml_stream_open(&whole.stream);
		assert_int_equal(feed(&whole, buf_slice(&text)), XML_OK);
		assert_int_equal(whole.elements, 12);
		for (size_t s = 0; s < COUNT(steps); s++) {
			struct record r;
			record_init(&r, XML_STREAM, &cutting, wide);
			xml_stream_open(&r.stream);
			assert_int_equal(feed_in_steps(&r, buf_slice(&text), steps[s]), XML_OK);
			assert_true(slice_eq(buf_slice(&r.text), buf_slice(&whole.text)));
			record_fini(&r);
		}
		record_fini(&whole);
		buf_fini(&text);
	}
}

/*
 * Whatever a document is made of, no step of it is shown more than a portion, or
 * one token that is longer; and it says in the end what it says at once.
 */
static void
portions(void **state)
{
	static const char *const pieces[] = {"<b/>", "<b c='d'/>", "<b>text</b>", "&lt;", "<![CDATA[ ]]>", "\xd0\xb6"};

	(void) state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct record r, at_once;
		enum xml_result result;
		struct buf text;
		unsigned steps = 0;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<a>");
		while (text.n < 20 * XML_PORTION)
			buf_append_str(&text, pieces[i]);
		buf_append_str(&text, "</a>");
		record_init(&at_once, XML_MESSAGE, &plain, wide);
		record_init(&r, XML_MESSAGE, &plain, wide);
		assert_int_equal(document(&at_once, buf_slice(&text)), XML_OK);
		xml_begin_document(r.readers.large, XML_MESSAGE, &plain.xml, wide, buf_slice(&text), &r);
		for (; (result = xml_go_on(r.readers.large)) == XML_MORE; steps++)
			assert_int_equal(r.elements, 0);
		assert_int_equal(result, XML_OK);
		assert_in_range(steps, 20, 21);
		assert_true(slice_eq(buf_slice(&r.text), buf_slice(&at_once.text)));
		record_fini(&r);
		record_fini(&at_once);
		buf_fini(&text);
	}
}

/* A token that is longer than a portion is not gone through once for each of them. */
static void
portions_of_a_long_token(void **state)
{
	struct record r;
	struct buf text;
	unsigned steps = 0;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<a b='");
	while (text.n < 32 * XML_PORTION)
		buf_append_str(&text, "0123456789");
	buf_append_str(&text, "'/>");
	record_init(&r, XML_MESSAGE, &plain, wide);
	xml_begin_document(r.readers.large, XML_MESSAGE, &plain.xml, wide, buf_slice(&text), &r);
	while (xml_go_on(r.readers.large) == XML_MORE)
		steps++;
	assert_int_equal(r.elements, 1);
	assert_in_range(steps, 6, 9);
	record_fini(&r);
	buf_fini(&text);
}

/* The same, with the cut at every place of what follows the large element. */
static void
partial_elements_after_a_large_one(void **state)
{
	static const char after[] = " <message to='b'><body>t</body></message>\n<stream:x/><p xmlns='u'/>";

	(void) state;
	for (size_t cut = 0; cut <= sizeof after - 1; cut++) {
		for (unsigned rest = 0; rest < 2; rest++) {
			struct record r;
			struct buf text;
			buf_init(&text, BUF_UNLIMITED);
			append_element(&text, 9000, 'x');
			buf_append(&text, slice_of(after, cut));
			record_init(&r, XML_STREAM, &plain, wide);
			xml_stream_open(&r.stream);
			assert_int_equal(feed(&r, SLICE(STREAM)), XML_OK);
			buf_clear(&r.text, 0);
			assert_int_equal(feed(&r, buf_slice(&text)), XML_OK);
			assert_int_equal(
				feed_in_steps(&r, slice_of(after + cut, sizeof after - 1 - cut), rest == 0 ? 1 : 1000),
				XML_OK);
			assert_int_equal(r.elements, 4);
			buf_consume(&r.text, 9000 + sizeof " xmlns='jabber:client'");
			assert_slice(buf_slice(&r.text),
				"<message xmlns='jabber:client' to='b'><body>t</body></message>\n<stream:x xmlns:stream='" XML_NS_STREAMS
				"'/>\n<p xmlns='u'/>\n");
			record_fini(&r);
			buf_fini(&text);
		}
	}
}

/* A stream may be opened anew at any time, with another header. */
static void
opened_anew(void **state)
{
	struct record r;

	(void) state;
	record_init(&r, XML_STREAM, &cutting, wide);
	for (unsigned round = 0; round < 3; round++) {
		static const char *const leftovers[] = {"", "<message><unfinished", "</stream:stream>"};
		struct buf large;
		xml_stream_open(&r.stream);
		buf_clear(&r.text, 0);
		assert_int_equal(feed(&r, SLICE("<?xml version='1.0'?><s xmlns='u1' xmlns:p='u2'><a/>")), XML_OK);
		assert_slice(buf_slice(&r.text), "root |u1|s\n<a xmlns='u1'/>\n");
		xml_stream_open(&r.stream);
		buf_clear(&r.text, 0);
		assert_int_equal(feed(&r, SLICE(STREAM "<a/>")), XML_OK);
		assert_slice(buf_slice(&r.text), "root stream|" XML_NS_STREAMS "|stream\n<a xmlns='jabber:client'/>\n");
		buf_init(&large, BUF_UNLIMITED);
		append_element(&large, 10000, 'x');
		assert_int_equal(feed(&r, buf_slice(&large)), XML_OK);
		buf_clear(&r.text, 0);
		assert_int_equal(feed(&r, SLICE("<b/>")), XML_OK);
		assert_slice(buf_slice(&r.text), "<b xmlns='jabber:client'/>\n");
		feed(&r, slice_str(leftovers[round]));
		buf_fini(&large);
	}
	record_fini(&r);
}

/* Whatever comes, nothing is read beyond it, nothing is lost, and where it is cut does not matter. */
static void
random_documents(void **state)
{
	static const char *const pieces[] = {"<r>", "</r>", "<a/>", "<a>", "</a>", " ", "x", "&lt;", "&e;",
		"<p:b p:x='1'>", "</p:b>", "<r xmlns='u' xmlns:p='v'>", "<![CDATA[", "]]>", "<!--", "-->",
		"<?xml version='1.0'?>", "<", ">", "'", "\"", "\xc3", "\xa4",
		"<stream:features xmlns:stream='" XML_NS_STREAMS "'>", "</stream:features>", "<starttls/>",
		"<!DOCTYPE r>", "&#10;", " xmlns='w'", "/"};
	struct dice dice = {7};

	(void) state;
	for (unsigned i = 0; i < 3000; i++) {
		struct record whole, bytes, wrapper;
		struct buf text;
		enum xml_result a, b;
		buf_init(&text, BUF_UNLIMITED);
		if (dice_roll(&dice, 4) > 0)
			buf_append_str(&text, "<r xmlns='u' xmlns:p='v'>");
		for (unsigned n = dice_roll(&dice, 20); n > 0; n--)
			buf_append_str(&text, pieces[dice_roll(&dice, COUNT(pieces))]);
		record_init(&whole, XML_STREAM, &cutting, wide);
		record_init(&bytes, XML_STREAM, &cutting, wide);
		record_init(&wrapper, XML_WRAPPER, &cutting, wide);
		xml_stream_open(&whole.stream);
		xml_stream_open(&bytes.stream);
		a = feed(&whole, buf_slice(&text));
		b = feed_in_steps(&bytes, buf_slice(&text), 1 + dice_roll(&dice, 3));
		/* Which of two faults is seen first may depend on the cuts. */
		assert_int_equal(a == XML_OK, b == XML_OK);
		assert_true(slice_eq(buf_slice(&whole.text), buf_slice(&bytes.text)));
		if (document(&wrapper, buf_slice(&text)) == XML_OK) {
			assert_int_equal(a, XML_OK);
			buf_append_str(&wrapper.text, "end\n");
			assert_true(slice_eq(buf_slice(&whole.text), buf_slice(&wrapper.text)));
		}
		record_fini(&whole);
		record_fini(&bytes);
		record_fini(&wrapper);
		buf_fini(&text);
	}
}

/*
 * Streams of a pool lend each other their parsers.  Nobody must notice: each
 * of several says at every moment what its twin without a pool says.
 */
static void
streams_that_share(void **state)
{
	static const char *const headers[] = {STREAM, STREAM, "<s xmlns='u1' xmlns:p='u2&amp;&#9;' xmlns:q=''>",
		"<s xmlns='u1' xmlns:p='u2&amp;&#9;'>", "<p:s xmlns:p='u1' p:a='b' xml:lang='en'>"};
	static const char *const pieces[] = {"<a/>", "<message><body>", "</body></message>", "<a>", "</a>", " ", "\r",
		"\n", "<a", " b='c'", "/>", "&lt;", "<p:b/>", "<q xmlns:p='v'><p:c/></q>", "<stream:x/>", "\xc3",
		"\xa4", "<b xmlns=''/>", "x", "</s>"};
	enum { STREAMS = 5, ROUNDS = 400, STEPS = 60 };
	struct xml_readers readers;
	struct dice dice = {11};
	struct buf large;
	unsigned elements = 0;

	(void) state;
	xml_readers_init(&readers, 0);
	buf_init(&large, BUF_UNLIMITED);
	append_element(&large, 9000, 'x');
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct record shared[STREAMS], alone[STREAMS];
		for (unsigned i = 0; i < STREAMS; i++) {
			record_init(&shared[i], XML_STREAM, &cutting, wide);
			record_init(&alone[i], XML_STREAM, &cutting, wide);
			record_share(&shared[i], &readers);
			xml_stream_open(&shared[i].stream);
			xml_stream_open(&alone[i].stream);
		}
		for (unsigned step = 0; step < STEPS; step++) {
			unsigned i = dice_roll(&dice, STREAMS);
			struct slice piece = slice_str(pieces[dice_roll(&dice, COUNT(pieces))]);
			enum xml_result a, b;
			if (dice_roll(&dice, 8) == 0) {
				xml_stream_open(&shared[i].stream);
				xml_stream_open(&alone[i].stream);
				piece = SLICE("");
			}
			if (step < STREAMS)
				i = step;
			if (step < STREAMS || piece.n == 0)
				piece = slice_str(headers[dice_roll(&dice, COUNT(headers))]);
			else if (dice_roll(&dice, 3) > 0)
				piece = SLICE("<message from='x'><p xmlns='y'/></message>");
			else if (dice_roll(&dice, 10) == 0)
				piece = buf_slice(&large);
			a = feed(&shared[i], piece);
			b = feed(&alone[i], piece);
			assert_int_equal(a, b);
			assert_true(slice_eq(buf_slice(&shared[i].text), buf_slice(&alone[i].text)));
		}
		for (unsigned i = 0; i < STREAMS; i++) {
			elements += shared[i].elements;
			record_fini(&shared[i]);
			record_fini(&alone[i]);
		}
	}
	assert_true(elements > ROUNDS);
	buf_fini(&large);
	xml_readers_fini(&readers);
}

#define LONG "________________________________________________________________________________"

/* Some of what concerns this hop is cut out, some has other content. */
static enum xml_inner
on_changed_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *element)
{
	(void) arg;
	(void) kind;
	(void) depth;
	if (slice_eq(element->local, SLICE("r")))
		return XML_REPLACE;
	return slice_eq(element->local, SLICE("c")) ? XML_CUT : XML_KEEP;
}

/* What stands between the blanks is replaced. */
static bool
on_replace(void *arg, enum stanza_kind kind, struct slice *part, struct slice *with)
{
	struct record *r = arg;

	(void) kind;
	buf_printf(&r->text, "replaced [%.*s]\n", SLICE_ARG(*part));
	*part = slice_trim(*part);
	*with = SLICE("new");
	return true;
}

static const struct xml_stream_handler changing = {
	.xml = {.root = on_root, .element = on_element, .inner = on_changed_inner, .replace = on_replace},
	.end = on_end};

/* The same must be said whether all text is shown to expat or not; *said is that. */
static enum xml_result
check_shown(enum xml_shape shape, struct xml_limits limits, struct slice text, struct buf *said)
{
	struct record hidden, shown;
	enum xml_result a, b;

	record_init(&hidden, shape, &changing, limits);
	record_init(&shown, shape, &changing, limits);
	xml_show_text(shown.readers.documents);
	xml_show_text(shown.readers.elements);
	/* Twice, since a parser that was used before counts on. */
	for (unsigned i = 0; i < 2; i++) {
		if (shape == XML_STREAM) {
			xml_stream_open(&hidden.stream);
			xml_stream_open(&shown.stream);
			a = feed(&hidden, text);
			b = feed(&shown, text);
		} else {
			a = document(&hidden, text);
			b = document(&shown, text);
		}
		assert_row(a == b, text.p);
		assert_true(slice_eq(buf_slice(&hidden.text), buf_slice(&shown.text)));
	}
	if (said != NULL) {
		buf_clear(said, 0);
		buf_append(said, slice_of(buf_slice(&hidden.text).p, hidden.text.n / 2));
	}
	record_fini(&hidden);
	record_fini(&shown);
	return a;
}

/* What may go wrong when text is left out; it must not matter where that is. */
static void
long_text(void **state)
{
	static const struct {
		const char *text;
		enum xml_result want;
	} rows[] = {
		{LONG, XML_OK},
		{LONG "<b/>" LONG "<b>" LONG "</b>" LONG, XML_OK},
		{"\t" LONG "\r\n\x7f" LONG ">", XML_OK},
		{"&lt;" LONG "&#65;" LONG "&#x1F600;", XML_OK},
		{"\xc3\xa9" LONG "\xe2\x82\xac" LONG "\xf0\x9f\x98\x80" LONG "\xc3\xa9", XML_OK},
		{"]" LONG "]]" LONG "]]&gt;", XML_OK},
		{"<![CDATA[" LONG "]]>", XML_OK},
		{"<![CDATA[<c>&" LONG "]" LONG "]>" LONG "]]]]>" LONG, XML_OK},
		{"<b c='" LONG "' d='>" LONG "'/>" LONG, XML_OK},
		{"<p:b xmlns:p='" LONG "1" LONG "' xmlns:q='" LONG "2" LONG "' p:x='' q:x=''/>" LONG, XML_OK},
		{"\xc3" LONG "\xa9", XML_MALFORMED},
		{"\xe2" LONG "\x82\xac", XML_MALFORMED},
		{"\xf0" LONG "\x9f\x98\x80", XML_MALFORMED},
		{"\xc3" LONG, XML_MALFORMED},
		{LONG "\xa9", XML_MALFORMED},
		{LONG "\x01" LONG, XML_MALFORMED},
		{"&l" LONG "t;", XML_RESTRICTED},
		{"&" LONG "lt;", XML_RESTRICTED},
		{"&#" LONG "65;", XML_MALFORMED},
		{"& " LONG ";", XML_MALFORMED},
		{"&" LONG, XML_MALFORMED},
		{LONG "&nbsp;" LONG, XML_RESTRICTED},
		{"]]>" LONG, XML_MALFORMED},
		{"]]>>>>>>>>>>>" LONG, XML_MALFORMED},
		{LONG "]]>" LONG, XML_MALFORMED},
		{"<![CDATA[" LONG "]]>]]>", XML_MALFORMED},
		{"<b c='" LONG "<" LONG "'/>", XML_MALFORMED},
		{"<b " LONG "/>", XML_MALFORMED},
		{"<p:b xmlns:p='" LONG "' xmlns:q='" LONG "' p:x='' q:x=''/>" LONG, XML_MALFORMED},
		{LONG "<b></c>", XML_MALFORMED},
		{LONG "<!-- " LONG " -->", XML_RESTRICTED},
		{LONG "<?p " LONG " ?>", XML_RESTRICTED},
	};
	static const enum xml_shape shapes[] = {XML_MESSAGE, XML_WRAPPER, XML_STREAM};
	struct buf said;

	(void) state;
	buf_init(&said, BUF_UNLIMITED);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(shapes); k++) {
			char text[2000], want[4000];
			bool is_message = shapes[k] == XML_MESSAGE;
			/* A first element leaves it to the places to be right. */
			snprintf(text, sizeof text, "%s<a>%s</a>%s", is_message ? "" : "<r><a>" LONG "</a>",
				rows[i].text, is_message ? "" : " <e/></r>");
			assert_row(check_shown(shapes[k], wide, slice_str(text), &said) == rows[i].want, rows[i].text);
			if (rows[i].want != XML_OK)
				continue;
			snprintf(want, sizeof want, "%s<a>%s</a>\n%s",
				is_message ? "root ||a\n" : "root ||r\n<a>" LONG "</a>\n", rows[i].text,
				is_message                        ? ""
					: shapes[k] == XML_STREAM ? "<e/>\nend\n"
								  : "<e/>\n");
			assert_slice(buf_slice(&said), want);
		}
	buf_fini(&said);
}

/* Text that is not in an element to be cut, all of it is shown: it matters what it is. */
static void
long_text_outside(void **state)
{
	static const struct {
		enum xml_shape shape;
		const char *text;
		enum xml_result want;
	} rows[] = {
		{XML_WRAPPER, "<r>" LONG "</r>", XML_TEXT},
		{XML_WRAPPER, "<r><a/>" LONG "<a/></r>", XML_TEXT},
		{XML_WRAPPER, "<r><![CDATA[" LONG "]]></r>", XML_TEXT},
		{XML_WRAPPER, "<r><a>" LONG LONG LONG "</a></r>" LONG, XML_MALFORMED},
		{XML_WRAPPER, LONG LONG LONG LONG "<r/>", XML_MALFORMED},
		{XML_MESSAGE, "<a>" LONG LONG LONG "</a>" LONG, XML_MALFORMED},
		{XML_MESSAGE, "<a>" LONG LONG LONG "</a><b>" LONG "</b>", XML_MALFORMED},
		{XML_STREAM, "<r>" LONG, XML_TEXT},
		{XML_STREAM, "<r><a>" LONG "</a>" LONG, XML_TEXT},
		{XML_STREAM, "<r><![CDATA[" LONG "]]>", XML_TEXT},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(
			check_shown(rows[i].shape, wide, slice_str(rows[i].text), NULL) == rows[i].want, rows[i].text);
}

/* What is cut out and replaced, beside long text and in it. */
static void
places_behind_long_text(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{LONG "<c/>" LONG, LONG LONG},
		{LONG "<c>" LONG "</c>" LONG, LONG LONG},
		{"<c>" LONG "<d>" LONG "</d>" LONG "</c>", ""},
		{"<b>" LONG "</b><c/><b>" LONG "</b><c>" LONG "</c>", "<b>" LONG "</b><b>" LONG "</b>"},
		{"<r>" LONG "</r>" LONG, "<r>new</r>" LONG},
		{LONG "<r> " LONG " </r>", LONG "<r> new </r>"},
		{LONG "<r>\xc3\xa9" LONG "&lt;</r><c/>" LONG, LONG "<r>new</r>" LONG},
		{LONG "<r></r>" LONG, LONG "<r>new</r>" LONG},
		{LONG "<c/>" LONG "<r>x</r>" LONG "<c>" LONG "</c>" LONG "<r>" LONG "</r>" LONG,
			LONG LONG "<r>new</r>" LONG LONG "<r>new</r>" LONG},
	};
	struct buf said;

	(void) state;
	buf_init(&said, BUF_UNLIMITED);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[3000];
		const char *features;
		snprintf(text, sizeof text,
			STREAM "<b>" LONG "</b> <stream:features>%s</stream:features><b>" LONG "</b>", rows[i].text);
		assert_row(check_shown(XML_STREAM, wide, slice_str(text), &said) == XML_OK, rows[i].text);
		buf_append_char(&said, '\0');
		assert_row(strstr(said.p, "</stream:features>\n<b xmlns='jabber:client'>" LONG "</b>\n") != NULL,
			rows[i].text);
		features = strstr(said.p, "\n<stream:features");
		assert_non_null(features);
		features = strchr(features, '>') + 1;
		assert_row(strncmp(features, rows[i].want, strlen(rows[i].want)) == 0 &&
				strncmp(features + strlen(rows[i].want), "</stream:features>\n", 19) == 0,
			rows[i].text);
	}
	buf_fini(&said);
}

/* The same with anything. */
static void
random_long_text(void **state)
{
	static const char *const pieces[] = {"<a>", "</a>", "<b>", "</b>", "<c>", "</c>", "<r> ", " </r>", "<a/>", LONG,
		LONG, LONG "]", LONG "x", "&lt;", "]", "]]>", "<![CDATA[", "\xc3\xa9", "\xc3", "\xa9", "&", "&l", "t;",
		" ", "\n", ">", "<p:a xmlns:p='" LONG "' p:b='", "'/>", "<d e='", "'>", "</d>", "<stream:features>",
		"</stream:features>", "\x01"};
	static const enum xml_shape shapes[] = {XML_MESSAGE, XML_WRAPPER, XML_STREAM};
	struct dice dice = {13};
	unsigned good = 0;

	(void) state;
	for (unsigned round = 0; round < 6000; round++) {
		enum xml_shape shape = shapes[round % COUNT(shapes)];
		struct xml_limits limits = dice_roll(&dice, 4) == 0 ? (struct xml_limits){400, 2} : wide;
		unsigned common = dice_roll(&dice, 3) == 0 ? COUNT(pieces) : 16;
		unsigned open[40], depth = 0;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, shape == XML_STREAM ? STREAM : "<stream:s xmlns:stream='" XML_NS_STREAMS "'>");
		for (unsigned n = dice_roll(&dice, 40); n > 0; n--) {
			unsigned i = dice_roll(&dice, common);
			/* Most end tags are right. */
			if (i < 8 && i % 2 == 1 && depth > 0)
				i = open[--depth];
			else if (i < 8 && i % 2 == 0)
				open[depth < COUNT(open) - 1 ? depth++ : depth] = i + 1;
			buf_append_str(&text, pieces[i]);
		}
		while (depth > 0 && dice_roll(&dice, 10) > 0)
			buf_append_str(&text, pieces[open[--depth]]);
		if (shape != XML_STREAM)
			buf_append_str(&text, "</stream:s>");
		buf_append_char(&text, '\0');
		good += check_shown(shape, limits, slice_of(text.p, text.n - 1), NULL) == XML_OK;
		buf_fini(&text);
	}
	assert_true(good > 300);
}

/* Several elements in one go, with long text in some, at whatever place. */
static void
batches(void **state)
{
	static const char *const elements[] = {
		"<a/>", "<a>" LONG "</a>", "<a b='" LONG "'><c/></a>", "<a><b/>" LONG "]</a>"};
	struct dice dice = {17};

	(void) state;
	for (unsigned round = 0; round < 300; round++) {
		struct buf text, want, said;
		unsigned n = 1 + dice_roll(&dice, 150);
		buf_init(&text, BUF_UNLIMITED);
		buf_init(&want, BUF_UNLIMITED);
		buf_init(&said, BUF_UNLIMITED);
		buf_append_str(&text, "<r>");
		buf_append_str(&want, "root ||r\n");
		for (unsigned i = 0; i < n; i++) {
			const char *element = elements[dice_roll(&dice, COUNT(elements))];
			for (unsigned k = dice_roll(&dice, 12); k > 0; k--)
				buf_append_char(&text, ' ');
			buf_append_str(&text, element);
			buf_printf(&want, "%s\n", element);
		}
		assert_int_equal(check_shown(XML_STREAM, wide, buf_slice(&text), &said), XML_OK);
		assert_slice(buf_slice(&said), buf_cstr(&want));
		buf_fini(&text);
		buf_fini(&want);
		buf_fini(&said);
	}
}

/* expat has the last word on where an element begins and ends. */
static void
borders_that_disagree(void **state)
{
	static const struct {
		const char *text;
		struct xml_border border[3];
		size_t n;
		enum xml_result want;
	} rows[] = {
		{"<a/>", {{0, 4}}, 1, XML_OK},
		{"<a></a> <b/>", {{0, 7}, {8, 12}}, 2, XML_OK},
		{"<a/><b/><c/>", {{0, 4}, {4, 8}, {8, 12}}, 3, XML_OK},
		{"<a/><b/>", {{0, 8}}, 1, XML_MALFORMED},
		{"<a/><b/>", {{0, 4}}, 1, XML_MALFORMED},
		{"<a/><b/>", {{4, 8}}, 1, XML_MALFORMED},
		{"<a/><b/>", {{0, 4}, {4, 7}}, 2, XML_MALFORMED},
		{"<a/><b/>", {{0, 4}, {5, 8}}, 2, XML_MALFORMED},
		{"<a/><b/>", {{0, 4}, {4, 8}, {8, 12}}, 3, XML_MALFORMED},
		{"<a/> <b/>", {{0, 5}, {5, 9}}, 2, XML_MALFORMED},
		{"<a/> <b/>", {{0, 4}, {4, 9}}, 2, XML_MALFORMED},
		{"<a><b/></a>", {{3, 7}}, 1, XML_MALFORMED},
		{"<a><b/></a>", {{0, 7}}, 1, XML_MALFORMED},
		{"<a>", {{0, 3}}, 1, XML_MALFORMED},
		{"<a", {{0, 2}}, 1, XML_MALFORMED},
		{"", {{0, 0}}, 1, XML_MALFORMED},
		{" ", {{0, 1}}, 1, XML_MALFORMED},
		{"</r>", {{0, 4}}, 1, XML_MALFORMED},
		{"<a/></r>", {{0, 4}}, 1, XML_MALFORMED},
		{"<a/></r><r>", {{0, 4}}, 1, XML_MALFORMED},
		{"<a/><!-- -->", {{0, 4}}, 1, XML_RESTRICTED},
	};
	struct record r;
	struct root *root;

	(void) state;
	record_init(&r, XML_STREAM, &plain, wide);
	assert_int_equal(
		xml_header(r.readers.documents, &plain.xml, SLICE("<r>"), SLICE("r"), r.readers.roots, &r, &root),
		XML_OK);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned k = 0; k < 2; k++) {
			struct slice text = exact(slice_str(rows[i].text));
			struct xml_growth growth = {.read = 0};
			assert_row(xml_elements(r.readers.elements, &plain.xml, wide, root, &growth, text,
					   rows[i].border, rows[i].n, k == 1, &r) == rows[i].want,
				rows[i].text);
			exact_free(text);
		}
	root_unref(root);
	record_fini(&r);
}

/* A header is one start tag, and has this name. */
static void
headers_that_disagree(void **state)
{
	static const struct {
		const char *text, *name;
		enum xml_result want;
	} rows[] = {
		{"<r>", "r", XML_OK},
		{"<r/>", "r", XML_OK},
		{"<?xml version='1.0'?> <r>", "r", XML_OK},
		{"<r a='/'>", "r", XML_OK},
		{"<r>", "s", XML_MALFORMED},
		{"<r><a/>", "r", XML_MALFORMED},
		{"<r> ", "r", XML_MALFORMED},
		{"<r", "r", XML_MALFORMED},
		{"<r></r><r>", "r", XML_MALFORMED},
		{"<r/><r>", "r", XML_MALFORMED},
		{"", "r", XML_MALFORMED},
		{"<refused>", "refused", XML_STOPPED},
	};
	struct record r;
	struct root *root;

	(void) state;
	record_init(&r, XML_STREAM, &plain, wide);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(xml_header(r.readers.documents, &plain.xml, slice_str(rows[i].text), slice_str(rows[i].name),
				   r.readers.roots, &r, &root) == rows[i].want,
			rows[i].text);
		assert_row((root != NULL) == (rows[i].want == XML_OK), rows[i].text);
		root_unref(root);
	}
	record_fini(&r);
}

/* Elements above the limit are left out, and a batch around them stays in order. */
static void
on_skipped(void *arg, struct slice tag)
{
	struct record *r = arg;

	buf_printf(&r->text, "skipped %.*s\n", (int) (strchr(tag.p, '>') + 1 - tag.p), tag.p);
}

static void
elements_left_out(void **state)
{
	static const struct xml_stream_handler skipping = {
		.xml = {.root = on_root, .element = on_element}, .end = on_end, .skipped = on_skipped};
	static const struct xml_limits limits = {50, 10};

	(void) state;
	check_all_splits(&skipping, limits,
		SLICE("<r xmlns='u'><a/><b c='d'>" LONG "<e/></b><f/> <g>" LONG "</g><h>t</h></r>"), XML_OK,
		"root |u|r\n<a xmlns='u'/>\nskipped <b c='d'>\n<f xmlns='u'/>\nskipped <g>\n<h xmlns='u'>t</h>\nend\n");
}

/* Elements of many tags are within bounds, each for itself: several at once are too, and with long text in one. */
static void
dense_batches(void **state)
{
	static const size_t steps[] = {500, 1000000};

	(void) state;
	for (size_t s = 0; s < COUNT(steps); s++) {
		struct record r;
		struct buf text;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r>");
		for (unsigned i = 0; i < 20; i++) {
			buf_append_str(&text, "<a>");
			for (unsigned k = 0; k < 1000; k++)
				buf_append_str(&text, "<b/>");
			buf_append_str(&text, LONG "</a>");
		}
		record_init(&r, XML_STREAM, &plain, wide);
		assert_int_equal(feed_in_steps(&r, buf_slice(&text), steps[s]), XML_OK);
		assert_int_equal(r.elements, 20);
		record_fini(&r);
		buf_fini(&text);
	}
}

/* A long namespace name of the root makes much of tiny elements: not for long, however they come. */
static void
elements_that_grow(void **state)
{
	static const size_t steps[] = {1, 7, 4000, 1000000};

	(void) state;
	for (size_t s = 0; s < COUNT(steps); s++) {
		struct record r;
		struct buf text;
		enum xml_result result;
		unsigned elements;
		buf_init(&text, BUF_UNLIMITED);
		buf_append_str(&text, "<r xmlns='");
		for (unsigned i = 0; i < 1000; i++)
			buf_append_char(&text, 'u');
		buf_append_str(&text, "' xmlns:p='v'>");
		for (unsigned i = 0; i < 1000; i++)
			buf_append_str(&text, "<a/>");
		record_init(&r, XML_STREAM, &plain, wide);
		result = feed_in_steps(&r, buf_slice(&text), steps[s]);
		assert_int_equal(result, XML_TOO_BIG);
		elements = r.elements;
		assert_int_equal(elements, 67);
		/* Those that add less than they have may go on for ever; so may a new stream. */
		xml_stream_open(&r.stream);
		buf_clear(&text, 0);
		buf_append_str(&text, "<r xmlns='u' xmlns:p='v'>");
		for (unsigned i = 0; i < 10000; i++)
			buf_append_str(&text, "<p:a><b/></p:a>");
		assert_int_equal(feed_in_steps(&r, buf_slice(&text), steps[s]), XML_OK);
		assert_int_equal(r.elements, elements + 10000);
		record_fini(&r);
		buf_fini(&text);
	}
}

/* expat writes the namespace name out for each attribute. */
static void
prefixed_attributes(void **state)
{
	struct record r;
	struct buf text;

	(void) state;
	record_init(&r, XML_MESSAGE, &plain, wide);
	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "<a xmlns:p='");
	for (unsigned i = 0; i < 1000; i++)
		buf_append_char(&text, 'u');
	buf_append_char(&text, '\'');
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, " p:a%u=''", i);
	buf_append_str(&text, "/>");
	assert_int_equal(document(&r, buf_slice(&text)), XML_TOO_BIG);
	record_fini(&r);
	buf_fini(&text);
}

static void
escape(void **state)
{
	struct buf b;

	(void) state;
	buf_init(&b, 60);
	assert_int_equal(xml_escape(&b, SLICE("a<b>&'\"c\xc3\xa4")), 0);
	assert_slice(buf_slice(&b), "a&lt;b&gt;&amp;&apos;&quot;c\xc3\xa4");
	assert_int_equal(xml_escape(&b, SLICE_NONE), 0);
	assert_int_not_equal(xml_escape(&b, SLICE("&&&&&&&&&&&&&&&&&&&&&&&")), 0);
	buf_fini(&b);
}

/* Elements whose names differ take far more memory than their bytes. */
static void
write_many_names(struct buf *text, unsigned n)
{
	buf_append_str(text, "<r>");
	for (unsigned i = 0; i < n; i++)
		buf_printf(text, "<e%u a%u='' b%u=''/>", i, i, i);
	buf_append_str(text, "</r>");
}

/*
 * Whatever allocation is refused, it says so and nothing else; nobody who comes
 * after it notices.
 */
static void
test_no_room(void **state)
{
	struct budget_pool pool = {.max = 0};
	struct budget budget = {.pool = &pool};
	struct record r;
	struct buf text;
	size_t others = 0;
	unsigned refused = 0;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	write_many_names(&text, 900);
	record_init(&r, XML_WRAPPER, &plain, wide);
	xml_readers_charge(&r.readers, &budget);
	for (size_t left = BUDGET_SHORT;; left += 997) {
		enum xml_result result;
		pool.max = 1 << 20;
		budget_move(&budget, &others, pool.max / 4 * 3 - left);
		result = document(&r, buf_slice(&text));
		assert_int_equal(budget_used(&budget), others); /* all is given back */
		assert_true(result == XML_OK || result == XML_NO_ROOM);
		buf_clear(&r.text, 0);
		assert_int_equal(document(&r, SLICE("<r xmlns='u'><a/></r>")), XML_OK);
		assert_slice(buf_slice(&r.text), "root |u|r\n<a xmlns='u'/>\n");
		buf_clear(&r.text, 0);
		if (result == XML_OK)
			break;
		refused++;
	}
	assert_true(refused > 50);
	record_fini(&r);
	buf_fini(&text);
	assert_true(pool.used + budget.apart == others);
}

/* The same for the elements of a server: the stream has ended, that of others goes on. */
static void
test_no_room_for_a_stream(void **state)
{
	struct budget_pool pool = {.max = 1 << 20};
	struct budget budget = {.pool = &pool};
	struct record r, s;
	struct buf text;
	size_t others = 0;

	(void) state;
	buf_init(&text, BUF_UNLIMITED);
	write_many_names(&text, 900);
	record_init(&r, XML_WRAPPER, &cutting, wide);
	record_init(&s, XML_WRAPPER, &cutting, wide);
	xml_readers_charge(&r.readers, &budget);
	record_share(&s, &r.readers);
	assert_int_equal(feed(&r, SLICE("<s>")), XML_OK);
	assert_int_equal(feed(&s, SLICE("<s>")), XML_OK);
	budget_move(&budget, &others, pool.max / 4 * 3 - 20000);
	assert_int_equal(feed(&r, buf_slice(&text)), XML_NO_ROOM);
	buf_clear(&s.text, 0);
	assert_int_equal(feed(&s, SLICE("<a/>")), XML_OK);
	assert_slice(buf_slice(&s.text), "<a/>\n");
	budget_move(&budget, &others, 0);
	assert_int_equal(feed(&s, buf_slice(&text)), XML_OK);
	record_fini(&s);
	record_fini(&r);
	buf_fini(&text);
	assert_int_equal(budget_used(&budget), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_self_contained),
		cmocka_unit_test(elements_stand_alone),
		cmocka_unit_test(many_declarations),
		cmocka_unit_test(long_namespaces),
		cmocka_unit_test(long_namespace_used_often),
		cmocka_unit_test(many_declarations_inside),
		cmocka_unit_test(known_declarations),
		cmocka_unit_test(refused),
		cmocka_unit_test(declarations_of_xml),
		cmocka_unit_test(text_between_elements),
		cmocka_unit_test(whole_messages),
		cmocka_unit_test(prefixes_of_a_wrapper),
		cmocka_unit_test(handlers_stop),
		cmocka_unit_test(attributes),
		cmocka_unit_test(kinds),
		cmocka_unit_test(features_are_cut),
		cmocka_unit_test(whole_streams),
		cmocka_unit_test(no_element_waits_for_the_next),
		cmocka_unit_test(size_limit),
		cmocka_unit_test(endless_element),
		cmocka_unit_test(endless_header),
		cmocka_unit_test(large_root),
		cmocka_unit_test(dribbled_tag),
		cmocka_unit_test(segments_that_end_in_tags),
		cmocka_unit_test(huge_tag),
		cmocka_unit_test(depth_limit),
		cmocka_unit_test(large_elements),
		cmocka_unit_test(portions),
		cmocka_unit_test(portions_of_a_long_token),
		cmocka_unit_test(partial_elements_after_a_large_one),
		cmocka_unit_test(opened_anew),
		cmocka_unit_test(streams_that_share),
		cmocka_unit_test(random_documents),
		cmocka_unit_test(long_text),
		cmocka_unit_test(long_text_outside),
		cmocka_unit_test(places_behind_long_text),
		cmocka_unit_test(random_long_text),
		cmocka_unit_test(batches),
		cmocka_unit_test(borders_that_disagree),
		cmocka_unit_test(headers_that_disagree),
		cmocka_unit_test(elements_left_out),
		cmocka_unit_test(dense_batches),
		cmocka_unit_test(elements_that_grow),
		cmocka_unit_test(prefixed_attributes),
		cmocka_unit_test(escape),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_room_for_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
