#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "proto/stream/websocket.h"

#define OPEN "<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>"
#define CLOSE "<close xmlns='" WEBSOCKET_NS "'/>"
#define CONFLICT \
	"<stream:error xmlns:stream='" XML_NS_STREAMS "'><conflict xmlns='" XML_NS_STREAM_ERRORS "'/></stream:error>"
#define MESSAGE "<message xmlns='jabber:client' to='b'><body>t</body></message>"

static const struct xml_limits limits = {1000, 10};
static const struct trace silent = {.log = NULL};

struct client {
	struct websocket *w;
	struct websocket_reader *r;
};

static void
client_init(struct client *c)
{
	c->w = websocket_new(SLICE("own"), &silent);
	c->r = websocket_reader_new(readers()->documents);
}

static void
client_fini(struct client *c)
{
	websocket_free(c->w);
	websocket_reader_free(c->r);
}

static enum closing
says_bytes(struct client *c, struct slice text)
{
	struct slice copy = exact(text);
	enum closing closing = websocket_message(c->w, c->r, limits, copy);

	exact_free(copy);
	return closing;
}

static enum closing
says(struct client *c, const char *text)
{
	return says_bytes(c, slice_str(text));
}

/* The next message the client gets, sent. */
static void
hears(struct client *c, const char *want)
{
	struct stanza *st = websocket_first_out(c->w);

	if (want == NULL) {
		assert_null(st);
		return;
	}
	assert_non_null(st);
	assert_slice(stanza_slice(st), want);
	websocket_sent(c->w, 5000);
}

/* A stream error of ours: with a word for who wrote the client, unless it is about what goes on behind us. */
static void
hears_error(struct client *c, enum closing reason)
{
	struct buf want;

	buf_init(&want, BUF_UNLIMITED);
	buf_printf(&want, "<stream:error xmlns:stream='" XML_NS_STREAMS "'><%s xmlns='" XML_NS_STREAM_ERRORS "'/>",
		closing_row(reason)->error);
	if (closing_text(reason) != NULL) {
		buf_append_str(&want, "<text xmlns='" XML_NS_STREAM_ERRORS "' xml:lang='en'>");
		xml_escape(&want, slice_str(closing_text(reason)));
		buf_append_str(&want, "</text>");
	}
	buf_append_str(&want, "</stream:error>");
	buf_append_char(&want, '\0');
	hears(c, buf_slice(&want).p);
	buf_fini(&want);
}

static void
goes_up(struct client *c, enum stanza_kind kind, const char *want)
{
	struct stanza *st = websocket_next_up(c->w);

	assert_non_null(st);
	assert_int_equal(st->kind, kind);
	assert_slice(stanza_slice(st), want);
	stanza_free(st);
}

static void
client_open(struct client *c)
{
	client_init(c);
	assert_int_equal(says(c, OPEN), CLOSING_NONE);
	goes_up(c, STANZA_OPEN, "");
	assert_int_equal(websocket_served(c->w), CLOSING_NONE);
	assert_null(websocket_next_up(c->w));
}

static void
server_opens_to(struct client *c, const char *to)
{
	char want[200];
	struct stream_header h = {.to = NULL};

	stream_header_set(&h, SLICE_NONE, SLICE("example.org"), SLICE("en"), SLICE("1.0"), SLICE("++TR8'4"));
	websocket_opened(c->w, &h);
	stream_header_fini(&h);
	snprintf(want, sizeof want,
		"<open xmlns='" WEBSOCKET_NS "' from='example.org'%s id='++TR8&apos;4' version='1.0' xml:lang='en'/>",
		to);
	hears(c, want);
}

static void
server_opens(struct client *c)
{
	server_opens_to(c, "");
}

static void
server_gives(struct client *c, const char *text)
{
	struct stanza *st = stanza_copy(slice_str(text), STANZA_OTHER);

	websocket_give(c->w, &st);
	assert_null(st);
}

static void
server_succeeds(struct client *c)
{
	struct stanza *st = stanza_copy(SLICE("<success/>"), STANZA_SUCCESS);

	websocket_give(c->w, &st);
	hears(c, "<success/>");
}

static void
opening(void **state)
{
	struct client c;
	const struct stream_header *h;

	(void) state;
	client_init(&c);
	assert_null(websocket_next_up(c.w));
	assert_null(websocket_first_out(c.w));
	assert_int_equal(says(&c,
				 "<open xmlns='" WEBSOCKET_NS
				 "' to='example.org' from='a@example.org' version='1.0' xml:lang='de'/>"),
		CLOSING_NONE);
	goes_up(&c, STANZA_OPEN, "");
	h = websocket_header(c.w);
	assert_text(h->to, "example.org");
	assert_text(h->from, "a@example.org");
	assert_text(h->lang, "de");
	assert_text(h->version, "1.0");
	assert_text(h->id, NULL);
	/* Ours waits for the server's. */
	hears(&c, NULL);
	server_opens_to(&c, " to='a@example.org'");
	hears(&c, NULL);
	client_fini(&c);
	websocket_free(NULL);
	websocket_reader_free(NULL);
}

/* What a first message may be, and what it may not. */
static void
first_messages(void **state)
{
	static const struct {
		const char *text;
		enum closing want;
	} rows[] = {
		{OPEN, CLOSING_NONE},
		{OPEN "\n", CLOSING_NONE},
		{"<open xmlns=\"" WEBSOCKET_NS "\" version=\"1.0\" to=\"x\"></open>", CLOSING_NONE},
		{"<f:open xmlns:f='" WEBSOCKET_NS "' to='x' version='1.0'/>", CLOSING_NONE},
		{"<open xmlns='" WEBSOCKET_NS "' to='x' version='1.1'/>", CLOSING_NONE},
		{"<open xmlns='" WEBSOCKET_NS "' version='1.0'/>", CLOSING_NO_TO},
		{"<open xmlns='" WEBSOCKET_NS "' to='' version='1.0'/>", CLOSING_NO_TO},
		{"<open xmlns='jabber:client' to='x' version='1.0'/>", CLOSING_NAMESPACE},
		{"<open to='x' version='1.0'/>", CLOSING_NAMESPACE},
		{"<opened xmlns='" WEBSOCKET_NS "' to='x' version='1.0'/>", CLOSING_NAMESPACE},
		{"<close xmlns='jabber:client'/>", CLOSING_NAMESPACE},
		/* What drafts of the RFC had, as whole as they had it. */
		{"<stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS "' to='x' version='1.0'>",
			CLOSING_OLD_HEADER},
		{"<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' to='x' version='1.0'>",
			CLOSING_OLD_HEADER},
		{"<s:stream xmlns='jabber:client' xmlns:s='" XML_NS_STREAMS "' to='x' version='1.0'/>",
			CLOSING_OLD_HEADER},
		{"<?xml version='1.0'?>", CLOSING_RESTRICTED},
		{"<?xml ", CLOSING_MALFORMED},
		{MESSAGE, CLOSING_BAD_BODY},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", CLOSING_BAD_BODY},
		{"<body xmlns='http://jabber.org/protocol/httpbind' rid='1'/>", CLOSING_BAD_BODY},
		/* The first character is "<" (RFC 7395, 3.3.3), and nothing but one element follows. */
		{"", CLOSING_MALFORMED},
		{" " OPEN, CLOSING_MALFORMED},
		{"\n" OPEN, CLOSING_MALFORMED},
		{"\xef\xbb\xbf" OPEN, CLOSING_MALFORMED},
		{"hello", CLOSING_MALFORMED},
		{"<?xml version='1.0'?>" OPEN, CLOSING_RESTRICTED},
		{"<!DOCTYPE open>" OPEN, CLOSING_RESTRICTED},
		{"<!-- -->" OPEN, CLOSING_RESTRICTED},
		{OPEN "<!-- -->", CLOSING_RESTRICTED},
		{OPEN MESSAGE, CLOSING_MALFORMED},
		{OPEN "x", CLOSING_MALFORMED},
		{"<open xmlns='" WEBSOCKET_NS "' to='x' version='1.0'>", CLOSING_MALFORMED},
		{"<open xmlns='" WEBSOCKET_NS "' to='&e;' version='1.0'/>", CLOSING_RESTRICTED},
		{"<open xmlns='" WEBSOCKET_NS "' to='\xff' version='1.0'/>", CLOSING_MALFORMED},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client c;
		unsigned code;
		client_init(&c);
		assert_row(says(&c, rows[i].text) == rows[i].want, rows[i].text);
		if (rows[i].want == CLOSING_NONE) {
			goes_up(&c, STANZA_OPEN, "");
			client_fini(&c);
			continue;
		}
		/* Open, error, close, in that order (RFC 7395, 3.4 and 3.5; RFC 6120, 4.9.1.2). */
		assert_null(websocket_next_up(c.w));
		websocket_close(c.w, rows[i].want, 1000);
		assert_false(websocket_next_hangup(c.w, 1000, &code));
		hears(&c, "<open xmlns='" WEBSOCKET_NS "' from='' id='own' version='1.0' xml:lang='en'/>");
		hears_error(&c, rows[i].want);
		assert_false(websocket_next_hangup(c.w, 1000, &code));
		hears(&c, CLOSE);
		hears(&c, NULL);
		assert_true(websocket_next_hangup(c.w, 1000, &code));
		assert_int_equal(code, closing_row(rows[i].want)->ws_code);
		client_fini(&c);
	}
}

/*
 * RFC 6120, 4.7.5: two integers; who gives none speaks 0.9.  Both sides'
 * headers have the lower version; a header that gave none is answered so.
 */
static void
versions(void **state)
{
	static const struct {
		const char *attribute, *up, *down; /* up: NULL when refused */
	} rows[] = {
		{" version='1.0'", "1.0", NULL},
		{" version='1.1'", "1.1", NULL},
		{" version='01.00'", "01.00", NULL},
		{" version='2.0'", "1.0", NULL},
		{" version='10.3'", "1.0", NULL},
		{"", NULL, ""},
		{" version=''", NULL, " version='1.0'"},
		{" version='1'", NULL, " version='1.0'"},
		{" version='1.'", NULL, " version='1.0'"},
		{" version='.0'", NULL, " version='1.0'"},
		{" version='1.0 '", NULL, " version='1.0'"},
		{" version='one'", NULL, " version='1.0'"},
		{" version='0.9'", NULL, " version='0.9'"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client c;
		char text[300];
		client_init(&c);
		snprintf(text, sizeof text, "<open xmlns='" WEBSOCKET_NS "' to='example.org'%s/>", rows[i].attribute);
		assert_int_equal(says(&c, text), CLOSING_NONE);
		goes_up(&c, STANZA_OPEN, "");
		if (rows[i].up != NULL) {
			assert_row(websocket_served(c.w) == CLOSING_NONE, rows[i].attribute);
			assert_text(websocket_header(c.w)->version, rows[i].up);
			client_fini(&c);
			continue;
		}
		assert_row(websocket_served(c.w) == CLOSING_VERSION, rows[i].attribute);
		websocket_close(c.w, CLOSING_VERSION, 0);
		snprintf(text, sizeof text,
			"<open xmlns='" WEBSOCKET_NS "' from='example.org' id='own'%s xml:lang='en'/>", rows[i].down);
		hears(&c, text);
		hears_error(&c, CLOSING_VERSION);
		client_fini(&c);
	}
}

/* RFC 6120, 4.9.1.3: whoever asked for a domain that is not ours is not answered in its name. */
static void
own_header(void **state)
{
	struct client c;

	(void) state;
	client_init(&c);
	assert_int_equal(says(&c, "<open xmlns='" WEBSOCKET_NS "' to='other.example' from='a@b/c' version='1.0'/>"),
		CLOSING_NONE);
	websocket_close(c.w, CLOSING_HOST_UNKNOWN, 0);
	hears(&c, "<open xmlns='" WEBSOCKET_NS "' from='' to='a@b' id='own' version='1.0' xml:lang='en'/>");
	client_fini(&c);

	client_init(&c);
	assert_int_equal(says(&c, "<open xmlns='" WEBSOCKET_NS "' from='a@b' version='1.0'/>"), CLOSING_NO_TO);
	websocket_close(c.w, CLOSING_NO_TO, 0);
	hears(&c, "<open xmlns='" WEBSOCKET_NS "' from='' to='a@b' id='own' version='1.0' xml:lang='en'/>");
	client_fini(&c);
}

/* No part of a message is a message. */
static void
prefixes(void **state)
{
	static const char *const rows[] = {OPEN, MESSAGE, CLOSE};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client c;
		client_open(&c);
		for (size_t n = 0; n < strlen(rows[i]); n++)
			assert_row(says_bytes(&c, slice_of(rows[i], n)) == CLOSING_MALFORMED, rows[i]);
		assert_null(websocket_next_up(c.w));
		server_succeeds(&c);
		assert_int_equal(says(&c, rows[i]), CLOSING_NONE);
		client_fini(&c);
	}
}

static void
elements(void **state)
{
	static const struct {
		const char *text;
		enum stanza_kind kind;
	} rows[] = {
		{MESSAGE, STANZA_MESSAGE},
		{"<presence xmlns='jabber:client'/>", STANZA_PRESENCE},
		{"<iq xmlns='jabber:client' type='get' id='1'><q xmlns='u'/></iq>", STANZA_IQ},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>", STANZA_AUTH},
		{"<r xmlns='urn:xmpp:sm:3'/>", STANZA_SM_REQUEST},
		{"<r xmlns='urn:x'/>", STANZA_OTHER},
		{"<c:iq xmlns:c='jabber:client'/>", STANZA_OTHER},
	};
	struct client c;

	(void) state;
	client_open(&c);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(says(&c, rows[i].text), CLOSING_NONE);
	assert_true(websocket_queued_up(c.w) > 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		goes_up(&c, rows[i].kind, rows[i].text);
	assert_null(websocket_next_up(c.w));
	assert_int_equal(websocket_queued_up(c.w), 0);
	/* What follows the element in its message is not the element. */
	assert_int_equal(says(&c, "<r xmlns='u'/>\n "), CLOSING_NONE);
	goes_up(&c, STANZA_OTHER, "<r xmlns='u'/>");
	client_fini(&c);
}

static void
messages_after_open(void **state)
{
	static const struct {
		struct slice text;
		enum closing want;
	} rows[] = {
		{SLICE_INIT("<a/><b/>"), CLOSING_MALFORMED},
		{SLICE_INIT("<a>"), CLOSING_MALFORMED},
		{SLICE_INIT("</a>"), CLOSING_MALFORMED},
		{SLICE_INIT(" <a/>"), CLOSING_MALFORMED},
		{SLICE_INIT(" "), CLOSING_MALFORMED},
		{SLICE_INIT(""), CLOSING_MALFORMED},
		{SLICE_INIT("text"), CLOSING_MALFORMED},
		{SLICE_INIT("<a/>text"), CLOSING_MALFORMED},
		{SLICE_INIT("<a>\0</a>"), CLOSING_MALFORMED},
		{SLICE_INIT("<\0a\0/\0>\0"), CLOSING_MALFORMED},
		{SLICE_INIT("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<!-- c --><a/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<a><!-- c --></a>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<?xml version='1.0'?><a/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<?p?><a/>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<a><?p?></a>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<a>&e;</a>"), CLOSING_RESTRICTED},
		{SLICE_INIT("<other xmlns='" WEBSOCKET_NS "'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<open xmlns='jabber:client'/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<s:stream xmlns:s='" XML_NS_STREAMS "'/>"), CLOSING_OLD_HEADER},
		{SLICE_INIT("<close/>"), CLOSING_NAMESPACE},
		{SLICE_INIT("<a><b><b><b><b><b><b><b><b><b><b><b/></b></b></b></b></b></b></b></b></b></b></a>"),
			CLOSING_TOO_DEEP},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client c;
		client_open(&c);
		server_opens(&c);
		assert_row(says_bytes(&c, rows[i].text) == rows[i].want, rows[i].text.p);
		assert_null(websocket_next_up(c.w));
		websocket_close(c.w, rows[i].want, 0);
		hears_error(&c, rows[i].want);
		hears(&c, CLOSE);
		hears(&c, NULL);
		client_fini(&c);
	}
}

static void
size_limit(void **state)
{
	char text[1100];
	struct client c;

	(void) state;
	client_open(&c);
	for (size_t n = 990; n <= 1010; n++) {
		snprintf(text, sizeof text, "<a>%0*d</a>", (int) n - 7, 0);
		assert_int_equal(says(&c, text), n <= 1000 ? CLOSING_NONE : CLOSING_TOO_BIG);
	}
	client_fini(&c);
}

/*
 * RFC 7395, 3.7: behind <success/> a new <open/> restarts the stream, on the
 * same connection and so for the same domain; elsewhere it is one too many.
 */
static void
restart(void **state)
{
	static const struct {
		const char *open;
		enum closing want;
		const char *heard;
	} rows[] = {
		{"<open xmlns='" WEBSOCKET_NS "' to='other.example' version='1.0'/>", CLOSING_HOST_UNKNOWN,
			"<open xmlns='" WEBSOCKET_NS "' from='' id='own' version='1.0' xml:lang='en'/>"},
		{"<open xmlns='" WEBSOCKET_NS "'/>", CLOSING_NO_TO,
			"<open xmlns='" WEBSOCKET_NS "' from='' id='own' xml:lang='en'/>"},
	};
	struct client c;

	(void) state;
	client_open(&c);
	server_opens(&c);
	assert_int_equal(says(&c, OPEN), CLOSING_SECOND_OPEN);
	assert_null(websocket_next_up(c.w));
	server_succeeds(&c);
	assert_int_equal(says(&c, "<a xmlns='u'/>"), CLOSING_NONE);
	assert_int_equal(
		says(&c, "<open xmlns='" WEBSOCKET_NS "' to='Example.ORG' version='1.0' from='a@example.org'/>"),
		CLOSING_NONE);
	assert_int_equal(says(&c, "<b xmlns='u'/>"), CLOSING_NONE);
	goes_up(&c, STANZA_OTHER, "<a xmlns='u'/>");
	goes_up(&c, STANZA_OPEN, "");
	assert_int_equal(websocket_served(c.w), CLOSING_NONE);
	goes_up(&c, STANZA_OTHER, "<b xmlns='u'/>");
	assert_text(websocket_header(c.w)->from, "a@example.org");
	server_opens_to(&c, " to='a@example.org'");
	assert_int_equal(says(&c, OPEN), CLOSING_SECOND_OPEN);
	assert_null(websocket_next_up(c.w));
	websocket_close(c.w, CLOSING_SECOND_OPEN, 0);
	hears_error(&c, CLOSING_SECOND_OPEN);
	hears(&c, CLOSE);
	client_fini(&c);

	/* The last stream has ended, so an error comes behind a new header (3.5). */
	for (size_t i = 0; i < COUNT(rows); i++) {
		client_open(&c);
		server_opens(&c);
		server_succeeds(&c);
		assert_int_equal(says(&c, rows[i].open), rows[i].want);
		assert_null(websocket_next_up(c.w));
		websocket_close(c.w, rows[i].want, 0);
		hears(&c, rows[i].heard);
		hears_error(&c, rows[i].want);
		hears(&c, CLOSE);
		client_fini(&c);
	}
}

static void
down(void **state)
{
	struct client c;

	(void) state;
	client_open(&c);
	server_opens(&c);
	assert_int_equal(websocket_queued(c.w), 0);
	server_gives(&c, "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>");
	server_gives(&c, MESSAGE);
	assert_int_equal(websocket_queued(c.w),
		strlen("<stream:features xmlns:stream='" XML_NS_STREAMS "'/>" MESSAGE) + 2 * STANZA_COST);
	/* The first stays until it is sent. */
	assert_ptr_equal(websocket_first_out(c.w), websocket_first_out(c.w));
	hears(&c, "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>");
	hears(&c, MESSAGE);
	hears(&c, NULL);
	assert_int_equal(websocket_queued(c.w), 0);
	client_fini(&c);
}

/* The server's header as it is; what it left out is left out, but for its name and the id. */
static void
servers_header(void **state)
{
	struct stream_header h = {.to = NULL};
	struct client c;

	(void) state;
	client_open(&c);
	websocket_opened(c.w, &h);
	hears(&c, "<open xmlns='" WEBSOCKET_NS "' from='example.org' id='own'/>");
	client_fini(&c);
}

static void
client_closes(void **state)
{
	struct client c;
	unsigned code = 0;

	(void) state;
	client_open(&c);
	server_opens(&c);
	assert_int_equal(says(&c, MESSAGE), CLOSING_NONE);
	assert_int_equal(says(&c, CLOSE), CLOSING_NONE);
	goes_up(&c, STANZA_MESSAGE, MESSAGE);
	goes_up(&c, STANZA_CLOSE, "");
	server_gives(&c, "<last xmlns='u'/>");
	websocket_close(c.w, CLOSING_CLIENT_CLOSED, 5000);
	hears(&c, "<last xmlns='u'/>");
	assert_false(websocket_next_hangup(c.w, 5000, &code));
	hears(&c, CLOSE);
	hears(&c, NULL);
	/* Both have said it: nothing to wait for. */
	assert_true(websocket_next_hangup(c.w, 5000, &code));
	assert_int_equal(code, 1000);
	assert_false(websocket_is_done(c.w));
	websocket_gone(c.w);
	assert_false(websocket_next_hangup(c.w, 60000, &code));
	assert_true(websocket_deadline(c.w) == MS_NEVER);
	assert_true(websocket_is_done(c.w));
	client_fini(&c);
}

/* Whoever takes nothing of what is left, or does not end the closing handshake, is cut off. */
static void
client_is_slow(void **state)
{
	struct client c;
	unsigned code;
	ms_t first;

	(void) state;
	for (unsigned takes = 0; takes < 3; takes++) {
		client_open(&c);
		server_opens(&c);
		server_gives(&c, MESSAGE);
		websocket_close(c.w, CLOSING_SHUTDOWN, 1000);
		first = websocket_deadline(c.w);
		assert_true(first > 1000);
		if (takes > 0) {
			/* Each that it takes gives it the whole time for the next. */
			websocket_sent(c.w, 3000);
			assert_true(websocket_deadline(c.w) == first + 2000);
		}
		while (takes == 2 && websocket_first_out(c.w) != NULL)
			websocket_sent(c.w, 3000);
		assert_int_equal(websocket_next_hangup(c.w, 4000, &code), takes == 2);
		assert_true(websocket_deadline(c.w) == (takes == 0 ? first : takes == 1 ? first + 2000 : first + 3000));
		assert_false(websocket_next_hangup(c.w, websocket_deadline(c.w) - 1, &code));
		assert_true(websocket_next_hangup(c.w, websocket_deadline(c.w), &code));
		assert_int_equal(code, 0);
		hears(&c, NULL);
		assert_false(websocket_next_hangup(c.w, 60000, &code));
		assert_true(websocket_deadline(c.w) == MS_NEVER);
		assert_false(websocket_is_done(c.w));
		websocket_gone(c.w);
		assert_true(websocket_is_done(c.w));
		client_fini(&c);
	}
}

static void
server_closes(void **state)
{
	struct client c;
	unsigned code = 0;

	(void) state;
	for (unsigned answers = 0; answers < 2; answers++) {
		client_open(&c);
		server_opens(&c);
		websocket_close(c.w, CLOSING_SERVER_CLOSED, 5000);
		hears(&c, CLOSE);
		/* The client's <close/> is awaited for a while. */
		assert_false(websocket_next_hangup(c.w, 5000, &code));
		assert_true(websocket_deadline(c.w) > 5000 && websocket_deadline(c.w) < 15000);
		assert_int_equal(says(&c, MESSAGE), CLOSING_NONE);
		assert_null(websocket_next_up(c.w));
		assert_false(websocket_next_hangup(c.w, 5001, &code));
		if (answers) {
			assert_int_equal(says(&c, CLOSE), CLOSING_NONE);
			assert_null(websocket_next_up(c.w));
			assert_true(websocket_next_hangup(c.w, 5001, &code));
		} else {
			ms_t deadline = websocket_deadline(c.w);
			assert_false(websocket_next_hangup(c.w, deadline - 1, &code));
			assert_true(websocket_next_hangup(c.w, deadline, &code));
		}
		assert_int_equal(code, 1000);
		/* After the end nothing changes it. */
		websocket_close(c.w, CLOSING_TOO_BIG, 6000);
		server_gives(&c, MESSAGE);
		hears(&c, NULL);
		client_fini(&c);
	}
}

/* What a client says behind its <close/> is not looked at, while the server's last words are awaited. */
static void
client_says_more(void **state)
{
	struct client c;

	(void) state;
	client_open(&c);
	server_opens(&c);
	assert_int_equal(says(&c, CLOSE), CLOSING_NONE);
	goes_up(&c, STANZA_CLOSE, "");
	assert_int_equal(says(&c, "nonsense"), CLOSING_NONE);
	assert_int_equal(says(&c, MESSAGE), CLOSING_NONE);
	assert_int_equal(says(&c, CLOSE), CLOSING_NONE);
	assert_null(websocket_next_up(c.w));
	client_fini(&c);
}

/* The server's own stream error comes before <close/>, and no second one. */
static void
server_error(void **state)
{
	struct client c;

	(void) state;
	client_open(&c);
	server_opens(&c);
	server_gives(&c, CONFLICT);
	websocket_close(c.w, CLOSING_SERVER_ERROR, 0);
	hears(&c, CONFLICT);
	hears(&c, CLOSE);
	hears(&c, NULL);
	client_fini(&c);
}

/* An end between the client's <open/> and the server's. */
static void
no_server(void **state)
{
	struct client c;
	unsigned code;

	(void) state;
	client_open(&c);
	websocket_close(c.w, CLOSING_CONNECT_FAILED, 0);
	hears(&c, "<open xmlns='" WEBSOCKET_NS "' from='example.org' id='own' version='1.0' xml:lang='en'/>");
	hears_error(&c, CLOSING_CONNECT_FAILED);
	hears(&c, CLOSE);
	assert_true(websocket_next_hangup(c.w, 0, &code));
	assert_int_equal(code, 1001);
	/* Messages on their way mean nothing any more, broken ones neither. */
	assert_int_equal(says(&c, MESSAGE), CLOSING_NONE);
	assert_int_equal(says(&c, "<a"), CLOSING_NONE);
	assert_int_equal(says(&c, OPEN), CLOSING_NONE);
	assert_null(websocket_next_up(c.w));
	client_fini(&c);
}

static void
websocket_is_gone(void **state)
{
	struct stream_header h = {.to = NULL};
	struct client c;
	unsigned code;

	(void) state;
	client_open(&c);
	server_opens(&c);
	server_gives(&c, MESSAGE);
	websocket_gone(c.w);
	hears(&c, NULL);
	assert_int_equal(websocket_queued(c.w), 0);
	server_gives(&c, MESSAGE);
	websocket_opened(c.w, &h);
	hears(&c, NULL);
	assert_false(websocket_is_done(c.w));
	websocket_close(c.w, CLOSING_CLIENT_GONE, 0);
	hears(&c, NULL);
	assert_true(websocket_is_done(c.w));
	assert_false(websocket_next_hangup(c.w, 0, &code));
	assert_true(websocket_deadline(c.w) == MS_NEVER);
	client_fini(&c);

	/* Gone while the end was told. */
	client_open(&c);
	websocket_close(c.w, CLOSING_SERVER_CLOSED, 0);
	websocket_gone(c.w);
	hears(&c, NULL);
	assert_true(websocket_is_done(c.w));
	assert_true(websocket_deadline(c.w) == MS_NEVER);
	client_fini(&c);
}

/* One reader serves many streams; what one left behind is not the next one's. */
static void
one_reader_for_many(void **state)
{
	struct websocket_reader *r = websocket_reader_new(readers()->documents);
	struct websocket *a = websocket_new(SLICE("own"), &silent), *b = websocket_new(SLICE("own"), &silent);
	struct stanza *st;

	(void) state;
	assert_int_equal(websocket_message(a, r, limits,
				 SLICE("<open xmlns='" WEBSOCKET_NS "' to='a' from='x@a' version='1.0'/>")),
		CLOSING_NONE);
	assert_int_equal(websocket_message(b, r, limits,
				 SLICE("<open xmlns='" WEBSOCKET_NS "' to='b' from='x@b' version='1.0'>")),
		CLOSING_MALFORMED);
	assert_null(websocket_next_up(b));
	assert_text(websocket_header(b)->to, NULL);
	assert_int_equal(
		websocket_message(b, r, limits, SLICE("<open xmlns='" WEBSOCKET_NS "' to='b' version='1.0'/>")),
		CLOSING_NONE);
	assert_text(websocket_header(a)->to, "a");
	assert_text(websocket_header(a)->from, "x@a");
	assert_text(websocket_header(b)->to, "b");
	assert_text(websocket_header(b)->from, NULL);
	assert_int_equal(websocket_message(a, r, limits, SLICE("<p/><q/>")), CLOSING_MALFORMED);
	assert_int_equal(websocket_message(b, r, limits, SLICE("<q/>")), CLOSING_NONE);
	stanza_free(websocket_next_up(b));
	st = websocket_next_up(b);
	assert_slice(stanza_slice(st), "<q/>");
	stanza_free(st);
	websocket_free(a);
	websocket_free(b);
	websocket_reader_free(r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(first_messages),
		cmocka_unit_test(versions),
		cmocka_unit_test(own_header),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(elements),
		cmocka_unit_test(messages_after_open),
		cmocka_unit_test(size_limit),
		cmocka_unit_test(restart),
		cmocka_unit_test(down),
		cmocka_unit_test(servers_header),
		cmocka_unit_test(client_closes),
		cmocka_unit_test(client_is_slow),
		cmocka_unit_test(client_says_more),
		cmocka_unit_test(server_closes),
		cmocka_unit_test(server_error),
		cmocka_unit_test(no_server),
		cmocka_unit_test(websocket_is_gone),
		cmocka_unit_test(one_reader_for_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
