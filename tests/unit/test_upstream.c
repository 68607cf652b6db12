#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "proto/stream/upstream.h"
#include "whole.h"

#define STREAM_NS "xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS "'"
#define HEADER \
	"<?xml version='1.0'?><stream:stream " STREAM_NS " from='example.org' id='s1' version='1.0' xml:lang='en'>"
#define SASL "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
#define TLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define TLS_REQUIRED "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define ZLIB "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
#define LIMITS(inner) "<limits xmlns='urn:xmpp:stream-limits:0'>" inner "</limits>"
#define FEATURES(inner) "<stream:features>" inner "</stream:features>"
#define GOT_FEATURES(inner) "<stream:features xmlns:stream='" XML_NS_STREAMS "'>" inner "</stream:features>"

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {2000, 20};

static struct upstream *
opened(bool is_private)
{
	struct upstream *x = upstream_new(limits, readers(), &silent);
	struct stream_header h = {.to = NULL};

	stream_header_set(
		&h, SLICE("example.org"), SLICE("a@example.org"), SLICE("de"), SLICE("1.0"), SLICE("ignored"));
	upstream_open(x, &h, is_private);
	stream_header_fini(&h);
	return x;
}

/* Everything that is to be written, through vectors of the given number; nothing is taken. */
static void
queued(const struct upstream *x, int max, struct buf *out)
{
	struct iovec v[64];
	int n = upstream_out(x, v, max);

	assert_in_range(n, 0, max);
	buf_init(out, BUF_UNLIMITED);
	for (int i = 0; i < n; i++)
		buf_append(out, slice_of(v[i].iov_base, v[i].iov_len));
}

static void
writes(struct upstream *x, const char *want)
{
	struct buf out;

	queued(x, 64, &out);
	assert_slice(buf_slice(&out), want);
	upstream_written(x, out.n);
	assert_int_equal(upstream_queued(x), 0);
	buf_fini(&out);
}

static void
sends(struct upstream *x, const char *text)
{
	struct stanza *st = stanza_copy(slice_str(text), STANZA_OTHER);

	upstream_send(x, &st);
	assert_null(st);
}

static enum closing
feed(struct upstream *x, struct slice text)
{
	struct slice copy = exact(text);
	enum closing closing = upstream_feed_whole(x, copy);

	exact_free(copy);
	return closing;
}

static enum closing
feed_in_steps(struct upstream *x, struct slice text, size_t step)
{
	enum closing closing = CLOSING_NONE;

	for (size_t at = 0; at < text.n && closing == CLOSING_NONE; at += step)
		closing = feed(x, slice_of(text.p + at, text.n - at < step ? text.n - at : step));
	return closing;
}

/* What came down, in words. */
static void
taken(struct upstream *x, struct buf *out)
{
	struct stanza *st;

	while ((st = upstream_next_down(x)) != NULL) {
		if (st->kind == STANZA_OPEN)
			buf_append_str(out, "(open)");
		else if (st->kind == STANZA_CLOSE)
			buf_append_str(out, "(close)");
		buf_append(out, stanza_slice(st));
		buf_append_str(out, "\n");
		stanza_free(st);
	}
}

static void
takes(struct upstream *x, const char *want)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	taken(x, &out);
	assert_slice(buf_slice(&out), want);
	buf_fini(&out);
}

static void
our_header(void **state)
{
	static const struct {
		struct stream_header h;
		bool is_private;
		const char *want;
	} rows[] = {
		{{.to = "example.org", .version = "1.0"}, false, " to='example.org' version='1.0'"},
		{{.to = "example.org", .from = "a@b", .lang = "de", .version = "1.0", .id = "x"}, false,
			" to='example.org' xml:lang='de' version='1.0'"},
		{{.to = "example.org", .from = "a@b", .lang = "de", .version = "1.0", .id = "x"}, true,
			" to='example.org' from='a@b' xml:lang='de' version='1.0'"},
		/* A client that gives no version speaks to a server of old (XEP-0206, 4). */
		{{.to = "example.org"}, true, " to='example.org'"},
		{{.to = "a'b<c>&\"", .from = "'/>", .lang = "'", .version = "<"}, true,
			" to='a&apos;b&lt;c&gt;&amp;&quot;' from='&apos;/&gt;' xml:lang='&apos;' version='&lt;'"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct upstream *x = upstream_new(limits, readers(), &silent);
		char want[500];
		writes(x, "");
		upstream_open(x, &rows[i].h, rows[i].is_private);
		snprintf(want, sizeof want, "<?xml version='1.0'?><stream:stream%s " STREAM_NS ">", rows[i].want);
		writes(x, want);
		upstream_free(x);
	}
	upstream_free(NULL);
}

static void
servers_header(void **state)
{
	struct upstream *x = opened(false);

	(void) state;
	assert_int_equal(feed(x, SLICE(HEADER)), CLOSING_NONE);
	takes(x, "(open)\n");
	assert_text(upstream_header(x)->from, "example.org");
	assert_text(upstream_header(x)->id, "s1");
	assert_text(upstream_header(x)->version, "1.0");
	assert_text(upstream_header(x)->lang, "en");
	assert_text(upstream_header(x)->to, NULL);
	upstream_free(x);

	x = opened(false);
	assert_int_equal(feed(x, SLICE("<s:stream xmlns:s='" XML_NS_STREAMS "'>")), CLOSING_NONE);
	takes(x, "(open)\n");
	assert_text(upstream_header(x)->version, NULL);
	assert_text(upstream_header(x)->id, NULL);
	upstream_free(x);
}

/* A whole session from the server, cut in every way. */
static void
segments(void **state)
{
	static const char text[] = HEADER FEATURES(TLS SASL
			ZLIB) "\n<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/> "
			      "<message from='b'><body>1 &lt; 2</body></message><iq id='1'/>\n\n<presence/></stream:stream>";
	static const char want[] = "(open)\n" GOT_FEATURES(
		SASL) "\n<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>\n"
		      "<message xmlns='jabber:client' from='b'><body>1 &lt; 2</body></message>\n"
		      "<iq xmlns='jabber:client' id='1'/>\n<presence xmlns='jabber:client'/>\n(close)\n";
	struct slice all = slice_of(text, sizeof text - 1);

	(void) state;
	for (size_t step = 1; step <= all.n; step += step < 10 ? 1 : 97) {
		struct upstream *x = opened(false);
		assert_int_equal(feed_in_steps(x, all, step), CLOSING_SERVER_CLOSED);
		takes(x, want);
		assert_true(upstream_is_ended(x));
		upstream_free(x);
	}
	for (size_t cut = 0; cut < all.n; cut++) {
		struct upstream *x = opened(false);
		struct buf got;
		buf_init(&got, BUF_UNLIMITED);
		assert_int_equal(feed(x, slice_of(text, cut)), CLOSING_NONE);
		taken(x, &got);
		assert_false(upstream_is_ended(x));
		assert_int_equal(feed(x, slice_of(text + cut, all.n - cut)), CLOSING_SERVER_CLOSED);
		taken(x, &got);
		assert_slice(buf_slice(&got), want);
		buf_fini(&got);
		upstream_free(x);
	}
}

/* The mechanisms are never edited; what belongs to this hop goes. */
static void
features(void **state)
{
	static const struct {
		const char *text;
		enum closing want;
		const char *got;
	} rows[] = {
		{FEATURES(SASL), CLOSING_NONE, GOT_FEATURES(SASL)},
		{FEATURES(SASL TLS), CLOSING_NONE, GOT_FEATURES(SASL)},
		{FEATURES(TLS SASL), CLOSING_NONE, GOT_FEATURES(SASL)},
		{FEATURES(TLS "<authentication xmlns='urn:xmpp:sasl:2'/>"), CLOSING_NONE,
			GOT_FEATURES("<authentication xmlns='urn:xmpp:sasl:2'/>")},
		{FEATURES(ZLIB), CLOSING_NONE, GOT_FEATURES("")},
		{"<stream:features/>", CLOSING_NONE, "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>"},
		{FEATURES("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>"), CLOSING_NONE,
			GOT_FEATURES("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>")},
		/* A server that demands TLS. */
		{FEATURES(TLS), CLOSING_SERVER_TLS, NULL},
		{FEATURES(TLS ZLIB), CLOSING_SERVER_TLS, NULL},
		{FEATURES(TLS_REQUIRED), CLOSING_SERVER_TLS, NULL},
		{FEATURES(TLS_REQUIRED SASL), CLOSING_SERVER_TLS, NULL},
		{FEATURES(SASL TLS_REQUIRED), CLOSING_SERVER_TLS, NULL},
		/* Limits are ours when the server's are above them, whatever else is among the features (XEP-0478). */
		{FEATURES(LIMITS("<max-bytes>9999999</max-bytes><idle-seconds>60</idle-seconds>") SASL), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>2000</max-bytes><idle-seconds>60</idle-seconds>") SASL)},
		{FEATURES(SASL LIMITS("<idle-seconds>9999999</idle-seconds><max-bytes>2001</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(SASL LIMITS("<idle-seconds>9999999</idle-seconds><max-bytes>2000</max-bytes>"))},
		{FEATURES(TLS SASL ZLIB LIMITS("<max-bytes>10000</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(SASL LIMITS("<max-bytes>2000</max-bytes>"))},
		{FEATURES("<l:limits xmlns:l='urn:xmpp:stream-limits:0'><l:max-bytes>262144</l:max-bytes></l:limits>"),
			CLOSING_NONE,
			GOT_FEATURES(
				"<l:limits xmlns:l='urn:xmpp:stream-limits:0'><l:max-bytes>2000</l:max-bytes></l:limits>")},
		{FEATURES(LIMITS("<max-bytes>99999999999999999999999999999999999</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>2000</max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes>2000</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>2000</max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes>1999</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>1999</max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes>7</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>7</max-bytes>"))},
		{FEATURES(LIMITS("<idle-seconds>60</idle-seconds>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<idle-seconds>60</idle-seconds>"))},
		{FEATURES(LIMITS("")), CLOSING_NONE, GOT_FEATURES(LIMITS(""))},
		{FEATURES("<limits xmlns='urn:xmpp:stream-limits:0'/>" SASL), CLOSING_NONE,
			GOT_FEATURES("<limits xmlns='urn:xmpp:stream-limits:0'/>" SASL)},
		{FEATURES(LIMITS("<max-bytes>many thousand</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>many thousand</max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes>-1000000</max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes>-1000000</max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes></max-bytes>")), CLOSING_NONE,
			GOT_FEATURES(LIMITS("<max-bytes></max-bytes>"))},
		{FEATURES(LIMITS("<max-bytes/>")), CLOSING_NONE, GOT_FEATURES(LIMITS("<max-bytes/>"))},
		{FEATURES("<limits xmlns='u'><max-bytes>9999999</max-bytes></limits>"), CLOSING_NONE,
			GOT_FEATURES("<limits xmlns='u'><max-bytes>9999999</max-bytes></limits>")},
		{FEATURES("<x xmlns='u'>" LIMITS("<max-bytes>9999999</max-bytes>") "</x>"), CLOSING_NONE,
			GOT_FEATURES("<x xmlns='u'>" LIMITS("<max-bytes>9999999</max-bytes>") "</x>")},
		/* Words of the same name in other namespaces. */
		{FEATURES("<starttls xmlns='u'><required/></starttls>"), CLOSING_NONE,
			GOT_FEATURES("<starttls xmlns='u'><required/></starttls>")},
		{FEATURES("<compression xmlns='u'/>"), CLOSING_NONE, GOT_FEATURES("<compression xmlns='u'/>")},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t step = 1; step < 300; step += 149) {
			struct upstream *x = opened(false);
			struct buf got;
			assert_int_equal(feed(x, SLICE(HEADER)), CLOSING_NONE);
			takes(x, "(open)\n");
			assert_row(feed_in_steps(x, slice_str(rows[i].text), step) == rows[i].want, rows[i].text);
			buf_init(&got, BUF_UNLIMITED);
			taken(x, &got);
			if (rows[i].got != NULL) {
				assert_slice(slice_trim(buf_slice(&got)), rows[i].got);
			} else {
				/* The client does not see features it cannot use. */
				assert_int_equal(got.n, 0);
				assert_true(upstream_is_ended(x));
			}
			buf_fini(&got);
			upstream_free(x);
		}
	}
}

/* After a restart TLS is no question any more, and what was said before is forgotten. */
static void
restart(void **state)
{
	struct upstream *x = opened(false);
	struct stream_header h = {.to = "example.org", .version = "1.0"};

	(void) state;
	writes(x, "<?xml version='1.0'?><stream:stream to='example.org' xml:lang='de' version='1.0' " STREAM_NS ">");
	assert_int_equal(feed(x, SLICE(HEADER FEATURES(SASL) "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")),
		CLOSING_NONE);
	takes(x, "(open)\n" GOT_FEATURES(SASL) "\n<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>\n");
	assert_true(upstream_is_restart_due(x));
	upstream_open(x, &h, false);
	assert_false(upstream_is_restart_due(x));
	sends(x, "<iq/>");
	writes(x, "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' " STREAM_NS "><iq/>");
	assert_int_equal(feed(x,
				 SLICE("<?xml version='1.0'?><stream:stream " STREAM_NS
				       " id='s2' version='1.0'>" FEATURES(TLS) "<iq/>")),
		CLOSING_NONE);
	takes(x, "(open)\n" GOT_FEATURES("") "\n<iq xmlns='jabber:client'/>\n");
	assert_text(upstream_header(x)->id, "s2");
	assert_text(upstream_header(x)->from, NULL);
	upstream_free(x);
}

/* Only one kind of <success/> ends a stream. */
static void
restart_due(void **state)
{
	static const struct {
		const char *text;
		bool is_due;
	} rows[] = {
		{"", false},
		{"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", true},
		{"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1h</success><message/>", true},
		{"<success xmlns='urn:xmpp:sasl:2'/>", false},
		{"<success xmlns='urn:x'/>", false},
		{"<message><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></message>", false},
		{"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", false},
		{"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct upstream *x = opened(false);
		assert_false(upstream_is_restart_due(x));
		assert_int_equal(feed(x, SLICE(HEADER FEATURES(SASL))), CLOSING_NONE);
		assert_int_equal(feed(x, slice_str(rows[i].text)), CLOSING_NONE);
		assert_row(upstream_is_restart_due(x) == rows[i].is_due, rows[i].text);
		upstream_free(x);
	}
}

/* What passes from the client may be less than what passes from the server. */
static void
limits_of_the_client(void **state)
{
	static const struct {
		size_t max_bytes;
		const char *want;
	} rows[] = {
		{1, GOT_FEATURES(LIMITS("<max-bytes>1</max-bytes>")) "\n"},
		{65536, GOT_FEATURES(LIMITS("<max-bytes>65536</max-bytes>")) "\n"},
		{1048575, GOT_FEATURES(LIMITS("<max-bytes>1048575</max-bytes>")) "\n"},
		{1048576, GOT_FEATURES(LIMITS("<max-bytes>1048576</max-bytes>")) "\n"},
		{10000000, GOT_FEATURES(LIMITS("<max-bytes>1048576</max-bytes>")) "\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct upstream *x = opened(false);
		upstream_set_max_bytes(x, rows[i].max_bytes);
		assert_int_equal(feed(x, SLICE(HEADER)), CLOSING_NONE);
		takes(x, "(open)\n");
		assert_int_equal(feed(x, SLICE(FEATURES(LIMITS("<max-bytes>1048576</max-bytes>")))), CLOSING_NONE);
		takes(x, rows[i].want);
		upstream_free(x);
	}
}

static void
stream_error(void **state)
{
#define CONFLICT "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
	static const char want[] = "<message xmlns='jabber:client'/>\n<stream:error xmlns:stream='" XML_NS_STREAMS
				   "'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>\n";
	struct upstream *x = opened(false);

	(void) state;
	feed(x, SLICE(HEADER));
	takes(x, "(open)\n");
	/* What came before it is still delivered, what comes after is not. */
	assert_int_equal(feed(x, SLICE("<message/>" CONFLICT "<iq/></stream:stream>")), CLOSING_SERVER_ERROR);
	takes(x, want);
	assert_true(upstream_is_ended(x));
	assert_int_equal(feed(x, SLICE("</stream:stream>")), CLOSING_NONE);
	takes(x, "");
	upstream_free(x);
}

static void
no_stream(void **state)
{
	static const struct {
		struct slice text;
		enum closing want;
	} rows[] = {
		{SLICE_INIT("HTTP/1.1 400 Bad Request\r\n\r\n"), CLOSING_SERVER_XML},
		{SLICE_INIT("220 mail.example.org ESMTP\r\n"), CLOSING_SERVER_XML},
		{SLICE_INIT("\x15\x03\x01\x00\x02\x02\x32"), CLOSING_SERVER_XML},
		{SLICE_INIT("<html>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<stream>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<stream:stream>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<stream xmlns='jabber:client'>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<stream:features xmlns:stream='" XML_NS_STREAMS "'>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<!DOCTYPE x><stream:stream>"), CLOSING_SERVER_XML},
		{SLICE_INIT("<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream xmlns:stream='" XML_NS_STREAMS
			    "'>"),
			CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<a></b>"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "text"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<!-- c -->"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<?p i?>"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<a>&nbsp;</a>"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "</stream>"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<a>\xff</a>"), CLOSING_SERVER_XML},
		{SLICE_INIT(HEADER "<d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d><d>"),
			CLOSING_SERVER_XML},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t step = 1; step < 400; step += 199) {
			struct upstream *x = opened(false);
			assert_row(feed_in_steps(x, rows[i].text, step) == rows[i].want, rows[i].text.p);
			assert_true(upstream_is_ended(x));
			assert_int_equal(feed(x, SLICE("<a/>")), CLOSING_NONE);
			upstream_free(x);
		}
	}
	/* A server that speaks before we do. */
	struct upstream *x = upstream_new(limits, readers(), &silent);
	assert_int_equal(feed(x, SLICE(HEADER)), CLOSING_SERVER_XML);
	takes(x, "");
	upstream_free(x);
}

static void
too_big(void **state)
{
	struct upstream *x = opened(false);
	enum closing closing = CLOSING_NONE;
	unsigned n = 0;

	(void) state;
	feed(x, SLICE(HEADER "<iq/><other>"));
	while (closing == CLOSING_NONE && n++ < 1000)
		closing = feed(x, SLICE("<body>0123456789</body>"));
	/* It is skipped; what it was can be told when it has ended. */
	assert_int_equal(closing, CLOSING_NONE);
	assert_true(upstream_unfinished(x) < 10000);
	assert_int_equal(feed(x, SLICE("</other>")), CLOSING_SERVER_TOO_BIG);
	takes(x, "(open)\n<iq xmlns='jabber:client'/>\n");
	upstream_free(x);
}

static void
closing(void **state)
{
	struct upstream *x = opened(false);

	(void) state;
	sends(x, "<a/>");
	upstream_close(x);
	upstream_close(x);
	sends(x, "<b/>");
	writes(x,
		"<?xml version='1.0'?><stream:stream to='example.org' xml:lang='de' version='1.0' " STREAM_NS
		"><a/></stream:stream>");
	/* The server may go on until it ends its side. */
	assert_int_equal(feed(x, SLICE(HEADER "<iq/>")), CLOSING_NONE);
	assert_int_equal(feed(x, SLICE("</stream:stream>")), CLOSING_SERVER_CLOSED);
	takes(x, "(open)\n<iq xmlns='jabber:client'/>\n(close)\n");
	upstream_free(x);

	/* What was never opened is not ended. */
	x = upstream_new(limits, readers(), &silent);
	upstream_close(x);
	writes(x, "");
	struct stream_header h = {.to = "example.org"};
	upstream_open(x, &h, false);
	writes(x, "");
	upstream_free(x);

	/* After the server's end ours is still to be said. */
	x = opened(false);
	upstream_written(x, 0);
	feed(x, SLICE(HEADER "</stream:stream>"));
	upstream_close(x);
	writes(x,
		"<?xml version='1.0'?><stream:stream to='example.org' xml:lang='de' version='1.0' " STREAM_NS
		"></stream:stream>");
	upstream_free(x);
}

/* Writing takes as much as it takes each time: whatever that is, the bytes leave once and in order. */
static void
partial_writes(void **state)
{
	static const char *const texts[] = {"<a/>", "<message>hello</message>", "<b/>", "<iq>x</iq>"};
	char all[1000];

	(void) state;
	snprintf(all, sizeof all,
		"<?xml version='1.0'?><stream:stream to='example.org' xml:lang='de' version='1.0' " STREAM_NS
		">%s%s%s%s</stream:stream>",
		texts[0], texts[1], texts[2], texts[3]);
	for (size_t step = 1; step <= strlen(all); step++) {
		for (int max = 1; max <= 7; max += 3) {
			struct upstream *x = opened(false);
			struct buf got;
			for (size_t i = 0; i < COUNT(texts); i++)
				sends(x, texts[i]);
			upstream_close(x);
			buf_init(&got, BUF_UNLIMITED);
			for (;;) {
				struct buf out;
				size_t before = upstream_queued(x), n;
				queued(x, max, &out);
				n = out.n < step ? out.n : step;
				buf_append(&got, slice_of(buf_slice(&out).p, n));
				upstream_written(x, n);
				buf_fini(&out);
				assert_true(upstream_queued(x) <= before);
				if (n == 0)
					break;
			}
			assert_slice(buf_slice(&got), all);
			assert_int_equal(upstream_queued(x), 0);
			buf_fini(&got);
			upstream_free(x);
		}
	}
}

static void
vectors(void **state)
{
	struct upstream *x = upstream_new(limits, readers(), &silent);
	struct iovec v[3];

	(void) state;
	assert_int_equal(upstream_out(x, v, 3), 0);
	sends(x, "<a/>");
	sends(x, "<bb/>");
	sends(x, "<ccc/>");
	sends(x, "<dddd/>");
	assert_int_equal(upstream_queued(x), 22 + 4 * STANZA_COST);
	assert_int_equal(upstream_out(x, v, 0), 0);
	assert_int_equal(upstream_out(x, v, 3), 3);
	assert_int_equal(v[2].iov_len, 6);
	upstream_written(x, 6);
	assert_int_equal(upstream_out(x, v, 3), 3);
	assert_slice(slice_of(v[0].iov_base, v[0].iov_len), "b/>");
	assert_slice(slice_of(v[1].iov_base, v[1].iov_len), "<ccc/>");
	assert_slice(slice_of(v[2].iov_base, v[2].iov_len), "<dddd/>");
	upstream_written(x, 16);
	assert_int_equal(upstream_out(x, v, 3), 0);
	sends(x, "<e/>");
	assert_int_equal(upstream_out(x, v, 3), 1);
	assert_slice(slice_of(v[0].iov_base, v[0].iov_len), "<e/>");
	upstream_free(x);
}

/* A large stanza on the way changes nothing for those after it. */
static void
after_a_large_stanza(void **state)
{
	static const struct xml_limits large = {100000, 20};
	struct upstream *x = upstream_new(large, readers(), &silent);
	struct stream_header h = {.to = "example.org", .version = "1.0"};
	struct stanza *st;

	(void) state;
	upstream_open(x, &h, false);
	feed(x, SLICE(HEADER FEATURES(SASL)));
	takes(x, "(open)\n" GOT_FEATURES(SASL) "\n");
	for (unsigned round = 0; round < 5; round++) {
		feed(x, SLICE("<message>"));
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(feed(x, SLICE("01234567890123456789")), CLOSING_NONE);
		assert_int_equal(feed(x, SLICE("</message>")), CLOSING_NONE);
		st = upstream_next_down(x);
		assert_non_null(st);
		assert_int_equal(st->n, strlen("<message xmlns='jabber:client'></message>") + 10000);
		stanza_free(st);
		assert_int_equal(feed(x, SLICE("<presence from=")), CLOSING_NONE);
		takes(x, "");
		assert_int_equal(feed(x, SLICE("'b'/>")), CLOSING_NONE);
		takes(x, "<presence xmlns='jabber:client' from='b'/>\n");
	}
	assert_int_equal(feed(x, SLICE("</stream:stream>")), CLOSING_SERVER_CLOSED);
	takes(x, "(close)\n");
	upstream_free(x);
}

/* What of the server's words says that it would have the client back. */
static void
resumption(void **state)
{
	static const struct {
		const char *text;
		bool is_resumable;
	} rows[] = {
		{"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", false},
		{"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", false},
		{"<success xmlns='urn:x'/>", false},
		{"<message/>", false},
		{"<enabled xmlns='urn:xmpp:sm:3' id='i' resume='true'/>", true},
		{"<s:enabled xmlns:s='urn:xmpp:sm:3' resume='1'/>", true},
		{"<enabled xmlns='urn:xmpp:sm:3' resume='false'/>", false},
		{"<enabled xmlns='urn:xmpp:sm:3' resume='0'/>", false},
		{"<enabled xmlns='urn:xmpp:sm:3'/>", false},
		{"<enabled xmlns='urn:x' resume='true'/>", false},
		{"<resumed xmlns='urn:xmpp:sm:3' previd='i' h='0'/>", true},
		{"<failed xmlns='urn:xmpp:sm:3'/>", false},
		{"<enabled xmlns='urn:xmpp:sm:2' resume='true'/>", true},
		{"<resumed xmlns='urn:xmpp:sm:2' previd='i' h='0'/>", true},
		{"<message><enabled xmlns='urn:xmpp:sm:3' resume='true'/></message>", false},
		{"<success xmlns='urn:xmpp:sasl:2'><bound xmlns='urn:xmpp:bind:0'>"
		 "<enabled xmlns='urn:xmpp:sm:3' resume='true'/></bound></success>",
			true},
		{"<success xmlns='urn:xmpp:sasl:2'><resumed xmlns='urn:xmpp:sm:3'/></success>", true},
		{"<success xmlns='urn:xmpp:sasl:2'><failed xmlns='urn:xmpp:sm:3'/></success>", false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t step = 1; step < 300; step += 150) {
			struct upstream *x = opened(false);
			assert_int_equal(feed_in_steps(x, SLICE(HEADER FEATURES(SASL)), step), CLOSING_NONE);
			assert_false(upstream_is_resumable(x));
			assert_int_equal(feed_in_steps(x, slice_str(rows[i].text), step), CLOSING_NONE);
			assert_row(upstream_is_resumable(x) == rows[i].is_resumable, rows[i].text);
			upstream_free(x);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_header),
		cmocka_unit_test(servers_header),
		cmocka_unit_test(segments),
		cmocka_unit_test(features),
		cmocka_unit_test(restart),
		cmocka_unit_test(restart_due),
		cmocka_unit_test(resumption),
		cmocka_unit_test(limits_of_the_client),
		cmocka_unit_test(stream_error),
		cmocka_unit_test(no_stream),
		cmocka_unit_test(too_big),
		cmocka_unit_test(closing),
		cmocka_unit_test(partial_writes),
		cmocka_unit_test(vectors),
		cmocka_unit_test(after_a_large_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
