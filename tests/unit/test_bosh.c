#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "proto/bosh/bosh.h"

#define EMPTY "<body xmlns='" BODY_NS "'/>"
#define BODY(inner) "<body xmlns='" BODY_NS "'>" inner "</body>"
#define TERMINATE "<body xmlns='" BODY_NS "' type='terminate'/>"
#define TERMINATE_WITH(condition) "<body xmlns='" BODY_NS "' type='terminate' condition='" condition "'/>"
#define RECOVERABLE "<body xmlns='" BODY_NS "' type='error'/>"
#define FEATURES "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>"
#define GOOD "to='example.org' ver='1.6' wait='60' hold='1' xmlns:xmpp='" BODY_NS_XMPP "' xmpp:version='1.0'"
#define FIRST_RID 1000
#define START 1000000
#define MAX_ANSWERS 64

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {100000, 20};

/* A session, its client's requests by number, and what each was answered. */
struct rig {
	struct bosh_settings settings;
	struct bosh *b;
	struct body_reader *reader;
	ms_t now;
	unsigned n_requests;
	struct {
		unsigned request;
		char *body;
	} answer[MAX_ANSWERS];
	unsigned n_answers, n_heard;
	const char *content_type;
};

static struct req_id
req(unsigned number)
{
	return (struct req_id){.slot = number, .use = 1};
}

static void
rig_init(struct rig *r, struct bosh_settings settings)
{
	*r = (struct rig){.now = START, .settings = settings};
	r->b = bosh_new(&r->settings, NULL, SLICE("SID"), &silent);
	r->reader = body_reader_new(readers()->documents);
}

static const struct bosh_settings usual = {.wait = 50000, .inactivity = 150000, .maxpause = 300000, .hold = 2};

static void
collect(struct rig *r)
{
	struct bosh_answer a;

	while (bosh_next_answer(r->b, &a)) {
		assert_true(r->n_answers < MAX_ANSWERS);
		assert_int_equal(a.req.owner.worker, 0);
		assert_int_equal(a.req.use, 1);
		r->answer[r->n_answers].request = a.req.slot;
		r->answer[r->n_answers].body = strndup(a.body.p, a.body.n);
		r->n_answers++;
		r->content_type = content_name(a.content);
	}
}

/* What the session's owner does after each event. */
static void
pump(struct rig *r)
{
	bosh_flush(r->b, r->now);
	collect(r);
}

static void
rig_fini(struct rig *r)
{
	collect(r);
	for (unsigned i = 0; i < r->n_answers; i++)
		free(r->answer[i].body);
	bosh_free(r->b);
	body_reader_free(r->reader);
}

/* Sends a request; returns its number. */
static unsigned
asks_for(struct rig *r, enum closing want, uint64_t rid, const char *attributes, const char *payload)
{
	unsigned number = ++r->n_requests;
	struct body *body;
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<body xmlns='" BODY_NS "' rid='%llu' %s>%s</body>", (unsigned long long) rid, attributes,
		payload);
	assert_int_equal(body_read(r->reader, limits, buf_slice(&text), &body), CLOSING_NONE);
	assert_int_equal(bosh_request(r->b, body, req(number), r->now), want);
	buf_fini(&text);
	pump(r);
	return number;
}

static unsigned
asks(struct rig *r, uint64_t rid, const char *attributes, const char *payload)
{
	return asks_for(r, CLOSING_NONE, rid, attributes, payload);
}

/* The next answer is this one. */
static void
hears(struct rig *r, unsigned request, const char *body)
{
	assert_true(r->n_heard < r->n_answers);
	assert_int_equal(r->answer[r->n_heard].request, request);
	assert_text(r->answer[r->n_heard].body, body);
	r->n_heard++;
}

static void
hears_nothing(struct rig *r)
{
	assert_int_equal(r->n_heard, r->n_answers);
}

static void
gives(struct rig *r, const char *text)
{
	struct stanza *st = stanza_copy(slice_str(text), STANZA_MESSAGE);

	st->has_stream_prefix = strncmp(text, "<stream:", 8) == 0;
	bosh_give(r->b, &st);
	assert_null(st);
}

static void
server_sends(struct rig *r, const char *text)
{
	gives(r, text);
	pump(r);
}

static void
server_opens(struct rig *r)
{
	struct stream_header h = {.to = NULL};

	stream_header_set(&h, SLICE_NONE, SLICE("example.org"), SLICE_NONE, SLICE("1.0"), SLICE("s'1"));
	bosh_opened(r->b, &h);
	stream_header_fini(&h);
}

static void
goes_up(struct rig *r, enum stanza_kind kind, const char *text)
{
	struct stanza *st = bosh_next_up(r->b);

	assert_non_null(st);
	assert_int_equal(st->kind, kind);
	assert_slice(stanza_slice(st), text);
	stanza_free(st);
}

static void
nothing_goes_up(struct rig *r)
{
	assert_null(bosh_next_up(r->b));
}

/* Time passes as in the daemon: a timer at each deadline, and never one that is due already. */
static void
time_passes(struct rig *r, ms_t ms, enum closing want)
{
	ms_t end = r->now + ms;

	for (unsigned turns = 0; bosh_deadline(r->b) <= end; turns++) {
		ms_t deadline = bosh_deadline(r->b);
		enum closing closing;
		assert_true(turns < 100);
		r->now = deadline > r->now ? deadline : r->now;
		closing = bosh_expire(r->b, r->now);
		collect(r);
		if (closing != CLOSING_NONE) {
			assert_int_equal(closing, want);
			return;
		}
	}
	assert_int_equal(want, CLOSING_NONE);
	r->now = end;
}

static void
closes(struct rig *r, enum closing reason)
{
	bosh_close(r->b, reason, r->now);
	collect(r);
}

/* A session whose creation request is answered; the next rid is FIRST_RID + 1. */
static void
rig_open(struct rig *r, struct bosh_settings config, const char *attributes)
{
	rig_init(r, config);
	asks(r, FIRST_RID, attributes, "");
	goes_up(r, STANZA_OPEN, "");
	server_opens(r);
	server_sends(r, FEATURES);
	assert_int_equal(r->n_answers, 1);
	r->n_heard = 1;
}

/* ---- creation ---- */

static void
creation_answer(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	assert_true(bosh_deadline(r.b) == MS_NEVER);
	unsigned first = asks(&r, FIRST_RID, GOOD " from='a@example.org' xml:lang='de'", "<early xmlns='u'/>");
	goes_up(&r, STANZA_OPEN, "");
	goes_up(&r, STANZA_OTHER, "<early xmlns='u'/>");
	nothing_goes_up(&r);
	assert_text(bosh_header(r.b)->to, "example.org");
	assert_text(bosh_header(r.b)->from, "a@example.org");
	assert_text(bosh_header(r.b)->lang, "de");
	assert_text(bosh_header(r.b)->version, "1.0");
	/* The features are waited for. */
	hears_nothing(&r);
	server_opens(&r);
	pump(&r);
	time_passes(&r, 1000, CLOSING_NONE);
	hears_nothing(&r);
	server_sends(&r, FEATURES);
	hears(&r, first,
		"<body xmlns='" BODY_NS
		"' sid='SID' wait='50' requests='2' hold='1' inactivity='150' ver='1.6' maxpause='300' "
		"from='example.org' charsets='UTF-8' xmlns:xmpp='" BODY_NS_XMPP
		"' xmpp:restartlogic='true' xmpp:version='1.0' "
		"authid='s&apos;1' xmlns:stream='" XML_NS_STREAMS "'>" FEATURES "</body>");
	hears_nothing(&r);
	assert_string_equal(r.content_type, "text/xml; charset=utf-8");
	rig_fini(&r);
	bosh_free(NULL);
}

static void
creation_values(void **state)
{
	static const struct {
		const char *attributes;
		struct bosh_settings config;
		const char *want;
	} rows[] = {
		{"wait='60' hold='1'", {50000, 2, 150000, 0, 300000, 0},
			" wait='50' requests='2' hold='1' inactivity='150' maxpause='300' "},
		{"wait='20' hold='2'", {50000, 2, 150000, 0, 300000, 0},
			" wait='20' requests='3' hold='2' inactivity='150' maxpause='300' "},
		{"wait='20' hold='99'", {50000, 2, 150000, 0, 300000, 0}, " wait='20' requests='17' hold='2' "},
		{"wait='20' hold='99'", {50000, 5, 150000, 0, 300000, 0}, " wait='20' requests='17' hold='5' "},
		{"hold='9'", {50000, 2, 150000, 0, 300000, 0}, " wait='50' requests='10' hold='2' "},
		{"hold='15'", {50000, 2, 150000, 0, 300000, 0}, " requests='16' hold='2' "},
		{"hold='16'", {50000, 16, 150000, 0, 300000, 0}, " requests='17' hold='16' "},
		{"hold='1'", {50000, 2, 150000, 2000, 300000, 0}, " inactivity='150' polling='2' maxpause='300' "},
		{"hold='1'", {50000, 2, 150000, 1500, 300000, 0}, " polling='2' "},
		{"hold='0'", {50000, 2, 2000, 5000, 300000, 0}, " requests='2' hold='0' inactivity='12' polling='5' "},
		{"hold='9' wait='0'", {50000, 2, 150000, 0, 300000, 0}, " wait='0' requests='10' hold='0' "},
		{"ack='1'", {50000, 2, 150000, 0, 300000, 0}, " ack='1000' "},
		{"wait='4294967295' hold='4294967295'", {50000, 1, 150000, 0, 0, 0},
			" wait='50' requests='17' hold='1' inactivity='150' from="},
		{"", {50000, 2, 150000, 0, 300000, 0}, " wait='50' requests='2' hold='1' "},
		{"wait='0'", {50000, 2, 150000, 0, 300000, 0}, " wait='0' requests='2' hold='0' inactivity='450' "},
		{"hold='0'", {50000, 2, 150000, 0, 300000, 0}, " requests='2' hold='0' inactivity='450' "},
		{"wait='0' hold='0'", {50000, 2, 150000, 0, 300000, 0}, " wait='0' requests='2' hold='0' "},
		/* The lower of both versions; the minor number is a number of its own. */
		{"ver='1.6'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.6' "},
		{"ver='1.10'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.10' "},
		{"ver='1.11'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.11' "},
		{"ver='1.12'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.11' "},
		{"ver='1.100'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.11' "},
		{"ver='2.0'", {50000, 2, 150000, 0, 300000, 0}, " ver='1.11' "},
		{"ver='0.9'", {50000, 2, 150000, 0, 300000, 0}, " ver='0.9' "},
		{"ver='0.20'", {50000, 2, 150000, 0, 300000, 0}, " ver='0.20' "},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char attributes[300];
		struct rig r;
		snprintf(attributes, sizeof attributes, "to='example.org' %s", rows[i].attributes);
		rig_init(&r, rows[i].config);
		asks(&r, FIRST_RID, attributes, "");
		server_opens(&r);
		server_sends(&r, FEATURES);
		time_passes(&r, 0, CLOSING_NONE);
		assert_true(r.n_answers >= 1);
		assert_row(strstr(r.answer[0].body, rows[i].want) != NULL, r.answer[0].body);
		if (strstr(rows[i].attributes, "ver=") == NULL)
			assert_null(strstr(r.answer[0].body, " ver="));
		rig_fini(&r);
	}
}

static void
creation_refused(void **state)
{
	static const struct {
		const char *attributes;
		enum closing want;
	} rows[] = {
		{"ver='1.6'", CLOSING_NO_TO},
		{"to=''", CLOSING_NO_TO},
		{"to='example.org' ver=''", CLOSING_BAD_BODY},
		{"to='example.org' ver='1'", CLOSING_BAD_BODY},
		{"to='example.org' ver='1.'", CLOSING_BAD_BODY},
		{"to='example.org' ver='.6'", CLOSING_BAD_BODY},
		{"to='example.org' ver='1.6.1'", CLOSING_BAD_BODY},
		{"to='example.org' ver='-1.6'", CLOSING_BAD_BODY},
		{"to='example.org' ver='99999999999.6'", CLOSING_BAD_BODY},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[300];
		struct rig r;
		rig_init(&r, usual);
		unsigned first = asks_for(&r, rows[i].want, FIRST_RID, rows[i].attributes, "<a/>");
		hears_nothing(&r);
		nothing_goes_up(&r);
		closes(&r, rows[i].want);
		snprintf(want, sizeof want, TERMINATE_WITH("%s"), closing_row(rows[i].want)->condition);
		hears(&r, first, want);
		hears_nothing(&r);
		assert_true(bosh_is_done(r.b, r.now));
		rig_fini(&r);
	}
}

static void
content_types(void **state)
{
	static const struct {
		const char *wanted, *got;
	} rows[] = {
		{"text/xml; charset=utf-8", "text/xml; charset=utf-8"},
		{"text/plain", "text/plain; charset=utf-8"},
		{" TEXT/Plain ; charset=ISO-8859-1", "text/plain; charset=utf-8"},
		{"application/xml", "application/xml; charset=utf-8"},
		{"text/html", "text/xml; charset=utf-8"},
		{"", "text/xml; charset=utf-8"},
		{";", "text/xml; charset=utf-8"},
		{"text/plain2", "text/xml; charset=utf-8"},
		{"application/javascript&#13;&#10;X: y", "text/xml; charset=utf-8"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char attributes[300];
		struct rig r;
		snprintf(attributes, sizeof attributes, GOOD " content='%s'", rows[i].wanted);
		rig_open(&r, usual, attributes);
		assert_string_equal(r.content_type, rows[i].got);
		asks(&r, FIRST_RID + 1, "", "");
		server_sends(&r, "<a/>");
		assert_string_equal(r.content_type, rows[i].got);
		rig_fini(&r);
	}
}

/* A server that is slow: the client is told of the session at the end of its wait, and of the features when they come. */
static void
features_come_late(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	asks(&r, FIRST_RID, "to='example.org' wait='20' hold='1'", "");
	time_passes(&r, 19999, CLOSING_NONE);
	hears_nothing(&r);
	time_passes(&r, 1, CLOSING_NONE);
	assert_int_equal(r.n_answers, 1);
	assert_non_null(strstr(r.answer[0].body, " sid='SID' "));
	assert_non_null(strstr(r.answer[0].body, " from='example.org' "));
	assert_null(strstr(r.answer[0].body, "authid"));
	r.n_heard = 1;
	unsigned second = asks(&r, FIRST_RID + 1, "", "");
	hears_nothing(&r);
	server_opens(&r);
	pump(&r);
	hears_nothing(&r);
	server_sends(&r, FEATURES);
	hears(&r, second,
		"<body xmlns='" BODY_NS "' xmlns:xmpp='" BODY_NS_XMPP
		"' xmpp:version='1.0' authid='s&apos;1' xmlns:stream='" XML_NS_STREAMS "'>" FEATURES "</body>");
	rig_fini(&r);
}

/* A server of old sends no features: its header is all there is to wait for. */
static void
server_of_old(void **state)
{
	struct rig r;
	struct stream_header h = {.to = NULL};

	(void) state;
	rig_init(&r, usual);
	asks(&r, FIRST_RID, "to='example.org' hold='1'", "");
	stream_header_set(&h, SLICE_NONE, SLICE("old.example"), SLICE_NONE, SLICE_NONE, SLICE("s2"));
	bosh_opened(r.b, &h);
	stream_header_fini(&h);
	pump(&r);
	assert_int_equal(r.n_answers, 1);
	assert_non_null(strstr(r.answer[0].body, " from='old.example' "));
	assert_non_null(strstr(r.answer[0].body, " authid='s2'"));
	assert_null(strstr(r.answer[0].body, "xmpp:version"));
	rig_fini(&r);
}

/* A creation request is one whatever else it says. */
static void
creation_with_other_attributes(void **state)
{
	static const char *const rows[] = {"pause='60'", "xmlns:xmpp='" BODY_NS_XMPP "' xmpp:restart='true'"};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char attributes[300];
		struct rig r;
		snprintf(attributes, sizeof attributes, "to='example.org' hold='1' %s", rows[i]);
		rig_init(&r, usual);
		asks(&r, FIRST_RID, attributes, "");
		goes_up(&r, STANZA_OPEN, "");
		nothing_goes_up(&r);
		hears_nothing(&r);
		server_opens(&r);
		server_sends(&r, FEATURES);
		assert_int_equal(r.n_answers, 1);
		assert_non_null(strstr(r.answer[0].body, " sid='SID' "));
		rig_fini(&r);
	}
}

/* ---- the long poll ---- */

static void
wait_expires(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	time_passes(&r, 100, CLOSING_NONE);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	time_passes(&r, 49999, CLOSING_NONE);
	hears_nothing(&r);
	time_passes(&r, 1, CLOSING_NONE);
	hears(&r, a, EMPTY);
	hears_nothing(&r);
	rig_fini(&r);
}

static void
payload_both_ways(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<iq id='1'/><iq id='2'/>");
	goes_up(&r, STANZA_IQ, "<iq id='1'/>");
	goes_up(&r, STANZA_IQ, "<iq id='2'/>");
	nothing_goes_up(&r);
	gives(&r, "<a/>");
	gives(&r, "<b/>");
	assert_int_equal(bosh_queued(r.b), 8 + 2 * STANZA_COST);
	pump(&r);
	assert_int_equal(bosh_queued(r.b), 0);
	hears(&r, a, BODY("<a/><b/>"));
	/* Nothing held: it waits for the next request. */
	server_sends(&r, "<c/>");
	server_sends(&r, "<d/>");
	hears_nothing(&r);
	unsigned b = asks(&r, FIRST_RID + 2, "", "<up xmlns='u'/>");
	hears(&r, b, BODY("<c/><d/>"));
	goes_up(&r, STANZA_OTHER, "<up xmlns='u'/>");
	hears_nothing(&r);
	rig_fini(&r);
}

/* Never more than hold requests wait; the oldest is released first. */
static void
hold(void **state)
{
	(void) state;
	for (unsigned n = 0; n <= 3; n++) {
		char attributes[300];
		unsigned number[10];
		struct rig r;
		struct bosh_settings config = usual;
		config.hold = 3;
		snprintf(attributes, sizeof attributes, "to='example.org' hold='%u'", n);
		rig_open(&r, config, attributes);
		for (unsigned i = 0; i < 10; i++) {
			number[i] = asks(&r, FIRST_RID + 1 + i, "", "");
			if (i >= n)
				hears(&r, number[i - n], EMPTY);
			hears_nothing(&r);
		}
		/* A stanza takes the oldest of them. */
		server_sends(&r, "<a/>");
		if (n > 0)
			hears(&r, number[10 - n], BODY("<a/>"));
		hears_nothing(&r);
		rig_fini(&r);
	}
}

/* A request with a stanza releases the older one a moment later, if the server's answer does not come first. */
static void
linger(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "<iq/>");
	hears_nothing(&r);
	time_passes(&r, 9, CLOSING_NONE);
	hears_nothing(&r);
	server_sends(&r, "<result/>");
	hears(&r, a, BODY("<result/>"));
	hears_nothing(&r);

	unsigned c = asks(&r, FIRST_RID + 3, "", "<iq/>");
	time_passes(&r, 9, CLOSING_NONE);
	hears_nothing(&r);
	time_passes(&r, 1, CLOSING_NONE);
	hears(&r, b, EMPTY);
	time_passes(&r, 1000, CLOSING_NONE);
	hears_nothing(&r);

	/* One more does not wait that long. */
	unsigned d = asks(&r, FIRST_RID + 4, "", "<iq/>");
	asks(&r, FIRST_RID + 5, "", "<iq/>");
	hears(&r, c, EMPTY);
	hears_nothing(&r);
	time_passes(&r, 10, CLOSING_NONE);
	hears(&r, d, EMPTY);
	hears_nothing(&r);
	rig_fini(&r);
}

/* A polling session is answered at once, but for a moment when it sent something. */
static void
polling(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' wait='10' hold='0'");
	hears(&r, asks(&r, FIRST_RID + 1, "", ""), EMPTY);
	unsigned a = asks(&r, FIRST_RID + 2, "", "<iq/>");
	hears_nothing(&r);
	time_passes(&r, 10, CLOSING_NONE);
	hears(&r, a, EMPTY);
	server_sends(&r, "<a/>");
	hears(&r, asks(&r, FIRST_RID + 3, "", ""), BODY("<a/>"));
	rig_fini(&r);

	rig_init(&r, usual);
	a = asks(&r, FIRST_RID, "to='example.org' wait='0' hold='1'", "");
	assert_int_equal(r.n_answers, 1);
	assert_int_equal(r.answer[0].request, a);
	assert_non_null(strstr(r.answer[0].body, " sid='SID' "));
	r.n_heard = 1;
	hears(&r, asks(&r, FIRST_RID + 1, "", "<iq/>"), EMPTY);
	/* 12: the time without requests is longer than else. */
	time_passes(&r, 449999, CLOSING_NONE);
	time_passes(&r, 1, CLOSING_INACTIVE);
	rig_fini(&r);
}

/* ---- order, repeats, window ---- */

static void
early_requests_wait(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned c = asks(&r, FIRST_RID + 3, "", "<c xmlns='u'/>");
	unsigned b = asks(&r, FIRST_RID + 2, "", "<b xmlns='u'/>");
	nothing_goes_up(&r);
	server_sends(&r, "<x/>");
	hears_nothing(&r);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<b xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<c xmlns='u'/>");
	nothing_goes_up(&r);
	hears(&r, a, BODY("<x/>"));
	hears_nothing(&r);
	server_sends(&r, "<y/>");
	hears(&r, b, BODY("<y/>"));
	server_sends(&r, "<z/>");
	hears(&r, c, BODY("<z/>"));
	rig_fini(&r);
}

static void
repeat_of_answered(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up xmlns='u'/>");
	server_sends(&r, "<a/>");
	hears(&r, a, BODY("<a/>"));
	/* Stanzas that came in since do not change it, and nothing goes up twice. */
	server_sends(&r, "<b/>");
	for (unsigned i = 1; i <= 3; i++) {
		hears(&r, asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>"), BODY("<a/>"));
		assert_int_equal(bosh_replays(r.b), i);
	}
	nothing_goes_up(&r);
	hears_nothing(&r);
	unsigned first = asks(&r, FIRST_RID, GOOD, "");
	hears(&r, first, r.answer[0].body);
	hears(&r, asks(&r, FIRST_RID + 2, "", ""), BODY("<b/>"));
	/* Also those before, while they are kept. */
	hears(&r, asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>"), BODY("<a/>"));
	hears_nothing(&r);
	rig_fini(&r);
}

static void
repeat_of_held(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up xmlns='u'/>");
	time_passes(&r, 30000, CLOSING_NONE);
	unsigned again = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	nothing_goes_up(&r);
	hears(&r, a, RECOVERABLE);
	hears_nothing(&r);
	/* The new one waits its own time. */
	time_passes(&r, 49999, CLOSING_NONE);
	hears_nothing(&r);
	server_sends(&r, "<a/>");
	hears(&r, again, BODY("<a/>"));
	/* The connection of the old one may go without harm. */
	assert_false(bosh_gone(r.b, req(a), r.now));
	rig_fini(&r);
}

static void
repeat_of_early(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned b = asks(&r, FIRST_RID + 2, "", "<b xmlns='u'/>");
	unsigned again = asks(&r, FIRST_RID + 2, "", "<b xmlns='u'/>");
	hears(&r, b, RECOVERABLE);
	hears_nothing(&r);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<b xmlns='u'/>");
	nothing_goes_up(&r);
	server_sends(&r, "<x/>");
	hears(&r, a, BODY("<x/>"));
	server_sends(&r, "<y/>");
	hears(&r, again, BODY("<y/>"));
	rig_fini(&r);
}

/* Two held, the older repeated late: the younger is answered in its time all the same. */
static void
repeat_does_not_delay_others(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	time_passes(&r, 30000, CLOSING_NONE);
	unsigned again = asks(&r, FIRST_RID + 1, "", "");
	hears(&r, a, RECOVERABLE);
	time_passes(&r, 20000, CLOSING_NONE);
	hears(&r, again, EMPTY);
	hears(&r, b, EMPTY);
	rig_fini(&r);
}

static void
forgotten(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	for (unsigned i = 1; i <= 4; i++) {
		unsigned n = asks(&r, FIRST_RID + i, "", "");
		server_sends(&r, "<a/>");
		hears(&r, n, BODY("<a/>"));
	}
	/* As many as there may be requests are kept. */
	hears(&r, asks(&r, FIRST_RID + 4, "", ""), BODY("<a/>"));
	hears(&r, asks(&r, FIRST_RID + 3, "", ""), BODY("<a/>"));
	unsigned held = asks(&r, FIRST_RID + 5, "", "");
	unsigned old = asks_for(&r, CLOSING_RID_FORGOTTEN, FIRST_RID + 2, "", "<up/>");
	hears_nothing(&r);
	nothing_goes_up(&r);
	closes(&r, CLOSING_RID_FORGOTTEN);
	hears(&r, old, TERMINATE_WITH("item-not-found"));
	hears(&r, held, TERMINATE_WITH("other-request"));
	hears_nothing(&r);
	rig_fini(&r);
}

static void
rids_far_below(void **state)
{
	static const uint64_t rids[] = {1, FIRST_RID - 1, FIRST_RID - 5, FIRST_RID - 100};

	(void) state;
	for (size_t i = 0; i < COUNT(rids); i++) {
		struct rig r;
		rig_open(&r, usual, GOOD);
		unsigned n = asks_for(&r, CLOSING_RID_FORGOTTEN, rids[i], "", "");
		closes(&r, CLOSING_RID_FORGOTTEN);
		hears(&r, n, TERMINATE_WITH("item-not-found"));
		rig_fini(&r);
	}
}

/* The window reaches as far as there may be requests, one further for those that pause or terminate (11). */
static void
window(void **state)
{
	static const struct {
		unsigned hold, ahead;
		const char *attributes;
		enum closing want;
	} rows[] = {
		{1, 1, "", CLOSING_NONE},
		{1, 2, "", CLOSING_NONE},
		{1, 3, "", CLOSING_RID_WINDOW},
		{1, 3, "pause='10'", CLOSING_NONE},
		{1, 3, "type='terminate'", CLOSING_NONE},
		{1, 4, "pause='10'", CLOSING_RID_WINDOW},
		{1, 4, "type='terminate'", CLOSING_RID_WINDOW},
		{2, 3, "", CLOSING_NONE},
		{2, 4, "", CLOSING_RID_WINDOW},
		{2, 4, "type='terminate'", CLOSING_NONE},
		{0, 2, "", CLOSING_NONE},
		{0, 3, "", CLOSING_RID_WINDOW},
		{1, 1000000, "", CLOSING_RID_WINDOW},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char attributes[100];
		struct rig r;
		snprintf(attributes, sizeof attributes, "to='example.org' hold='%u'", rows[i].hold);
		rig_open(&r, usual, attributes);
		unsigned n = asks_for(&r, rows[i].want, FIRST_RID + rows[i].ahead, rows[i].attributes, "");
		if (rows[i].want != CLOSING_NONE) {
			hears_nothing(&r);
			closes(&r, rows[i].want);
			hears(&r, n, TERMINATE_WITH("item-not-found"));
		}
		rig_fini(&r);
	}
}

/* All that a session must know at a time: answers kept, two held, early ones up to the last that is allowed. */
static void
everything_is_remembered(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	for (unsigned i = 1; i <= 2; i++) {
		char text[40], want[200];
		snprintf(text, sizeof text, "<a n='%u'/>", i);
		snprintf(want, sizeof want, BODY("%s"), text);
		unsigned n = asks(&r, FIRST_RID + i, "", "");
		server_sends(&r, text);
		hears(&r, n, want);
	}
	asks(&r, FIRST_RID + 3, "", "");
	asks(&r, FIRST_RID + 4, "", "<up n='4' xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up n='4' xmlns='u'/>");
	asks(&r, FIRST_RID + 7, "type='terminate'", "<up n='7' xmlns='u'/>");
	asks(&r, FIRST_RID + 6, "", "<up n='6' xmlns='u'/>");
	hears_nothing(&r);
	hears(&r, asks(&r, FIRST_RID + 2, "", ""), BODY("<a n='2'/>"));
	hears(&r, asks(&r, FIRST_RID + 1, "", ""), BODY("<a n='1'/>"));
	nothing_goes_up(&r);
	asks(&r, FIRST_RID + 5, "", "<up n='5' xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up n='5' xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up n='6' xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up n='7' xmlns='u'/>");
	goes_up(&r, STANZA_CLOSE, "");
	rig_fini(&r);
}

/* 11: more requests than there may be, before even the first is answered. */
static void
overactive(void **state)
{
	enum closing closing = CLOSING_NONE;
	unsigned first, n = 0;
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	first = asks(&r, FIRST_RID, GOOD, "");
	while (closing == CLOSING_NONE && n < 20) {
		char text[200];
		struct body *body;
		snprintf(text, sizeof text, "<body xmlns='" BODY_NS "' rid='%u'/>", FIRST_RID + ++n);
		assert_int_equal(body_read(r.reader, limits, slice_str(text), &body), CLOSING_NONE);
		closing = bosh_request(r.b, body, req(++r.n_requests), r.now);
		pump(&r);
	}
	assert_int_equal(closing, CLOSING_OVERACTIVE);
	assert_true(n > 2);
	hears_nothing(&r);
	closes(&r, CLOSING_OVERACTIVE);
	hears(&r, r.n_requests, TERMINATE_WITH("policy-violation"));
	hears(&r, first, TERMINATE_WITH("other-request"));
	assert_int_equal(r.n_answers, n + 1);
	rig_fini(&r);
}

static void
the_last_rids(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	asks(&r, BODY_RID_MAX - 1, GOOD, "");
	server_opens(&r);
	server_sends(&r, FEATURES);
	assert_int_equal(r.n_answers, 1);
	r.n_heard = 1;
	unsigned n = asks(&r, BODY_RID_MAX, "", "");
	server_sends(&r, "<a/>");
	hears(&r, n, BODY("<a/>"));
	rig_fini(&r);

	rig_init(&r, usual);
	asks(&r, 1, GOOD, "");
	server_opens(&r);
	server_sends(&r, FEATURES);
	r.n_heard = 1;
	n = asks(&r, 2, "", "");
	server_sends(&r, "<a/>");
	hears(&r, n, BODY("<a/>"));
	rig_fini(&r);
}

/* ---- restart, pause, end ---- */

static void
restart(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<auth xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<auth xmlns='u'/>");
	server_sends(&r, "<success xmlns='u'/>");
	hears(&r, a, BODY("<success xmlns='u'/>"));
	/* XEP-0206, 6: a stanza in it is ignored. */
	unsigned b = asks(&r, FIRST_RID + 2, "to='example.org' xmlns:xmpp='" BODY_NS_XMPP "' xmpp:restart='true'",
		"<ignored xmlns='u'/>");
	goes_up(&r, STANZA_OPEN, "");
	nothing_goes_up(&r);
	server_opens(&r);
	server_sends(&r, FEATURES);
	hears(&r, b,
		"<body xmlns='" BODY_NS "' xmlns:xmpp='" BODY_NS_XMPP
		"' xmpp:version='1.0' authid='s&apos;1' xmlns:stream='" XML_NS_STREAMS "'>" FEATURES "</body>");
	server_sends(&r, "<a/>");
	hears(&r, asks(&r, FIRST_RID + 3, "", ""), BODY("<a/>"));
	rig_fini(&r);
}

static void
pause_of_the_session(void **state)
{
	struct rig r;

	(void) state;
	for (unsigned n = 1; n <= 2; n++) {
		char attributes[100];
		snprintf(attributes, sizeof attributes, "to='example.org' hold='%u'", n);
		rig_open(&r, usual, attributes);
		unsigned a = asks(&r, FIRST_RID + 1, "", "");
		unsigned b = asks(&r, FIRST_RID + 2, "pause='200'", "");
		hears(&r, a, EMPTY);
		hears(&r, b, EMPTY);
		hears_nothing(&r);
		/* Longer than the usual inactivity. */
		server_sends(&r, "<a/>");
		time_passes(&r, 199999, CLOSING_NONE);
		hears_nothing(&r);
		unsigned c = asks(&r, FIRST_RID + 3, "", "");
		hears(&r, c, BODY("<a/>"));
		/* From then on it is as usual. */
		time_passes(&r, 149999, CLOSING_NONE);
		time_passes(&r, 1, CLOSING_INACTIVE);
		rig_fini(&r);
	}
}

static void
pause_values(void **state)
{
	static const struct {
		const char *attributes;
		ms_t maxpause, want;
	} rows[] = {
		{"pause='300'", 300000, 300000},
		{"pause='301'", 300000, 300000},
		{"pause='4294967295'", 300000, 300000},
		{"pause='20'", 300000, 20000},
		/* Not offered: a request like any other. */
		{"pause='20'", 0, 50000 + 150000},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bosh_settings config = usual;
		struct rig r;
		config.maxpause = rows[i].maxpause;
		rig_open(&r, config, GOOD);
		asks(&r, FIRST_RID + 1, rows[i].attributes, "");
		time_passes(&r, rows[i].want - 1, CLOSING_NONE);
		time_passes(&r, 1, CLOSING_INACTIVE);
		rig_fini(&r);
	}
}

/* The answer to a pause never has payload, even when there is some (10). */
static void
pause_with_payload(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	server_sends(&r, "<a/>");
	unsigned a = asks(&r, FIRST_RID + 1, "pause='60'", "<up xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up xmlns='u'/>");
	hears(&r, a, EMPTY);
	hears_nothing(&r);
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	hears(&r, b, BODY("<a/>"));
	rig_fini(&r);
}

/* A pause behind a request whose client is gone is still answered at once. */
static void
pause_behind_a_gone_request(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	assert_true(bosh_gone(r.b, req(a), r.now));
	unsigned b = asks(&r, FIRST_RID + 2, "pause='60'", "");
	hears(&r, b, EMPTY);
	hears_nothing(&r);
	rig_fini(&r);
}

static void
terminate(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "type='terminate'", "<presence type='unavailable'/>");
	goes_up(&r, STANZA_PRESENCE, "<presence type='unavailable'/>");
	goes_up(&r, STANZA_CLOSE, "");
	nothing_goes_up(&r);
	/* 13: the end on the oldest, empty bodies on the others. */
	closes(&r, CLOSING_CLIENT_CLOSED);
	hears(&r, a, TERMINATE);
	hears(&r, b, EMPTY);
	hears_nothing(&r);
	rig_fini(&r);

	rig_open(&r, usual, GOOD);
	a = asks(&r, FIRST_RID + 1, "type='terminate'", "");
	goes_up(&r, STANZA_CLOSE, "");
	gives(&r, "<last/>");
	closes(&r, CLOSING_CLIENT_CLOSED);
	hears(&r, a, "<body xmlns='" BODY_NS "' type='terminate'><last/></body>");
	rig_fini(&r);
}

/* A terminate that is early waits for those before it. */
static void
early_terminate(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned b = asks(&r, FIRST_RID + 2, "type='terminate'", "<b xmlns='u'/>");
	nothing_goes_up(&r);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<b xmlns='u'/>");
	goes_up(&r, STANZA_CLOSE, "");
	closes(&r, CLOSING_CLIENT_CLOSED);
	hears(&r, a, TERMINATE);
	hears(&r, b, EMPTY);
	rig_fini(&r);
}

/* 17.2: what is left for the client, then the condition, on the request that is held. */
static void
server_ends_with_held(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	unsigned early = asks(&r, FIRST_RID + 4, "", "");
	gives(&r, "<m/>");
	gives(&r, "<stream:error xmlns:stream='" XML_NS_STREAMS "'><x/></stream:error>");
	closes(&r, CLOSING_SERVER_ERROR);
	hears(&r, a,
		"<body xmlns='" BODY_NS
		"' type='terminate' condition='remote-stream-error' xmlns:stream='" XML_NS_STREAMS
		"'><m/><stream:error xmlns:stream='" XML_NS_STREAMS "'><x/></stream:error></body>");
	hears(&r, b, EMPTY);
	hears(&r, early, EMPTY);
	hears_nothing(&r);
	/* What comes later changes nothing. */
	closes(&r, CLOSING_TOO_BIG);
	server_sends(&r, "<late/>");
	hears_nothing(&r);
	rig_fini(&r);
}

static void
server_ends_without_held(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	gives(&r, "<m/>");
	closes(&r, CLOSING_SERVER_GONE);
	hears_nothing(&r);
	time_passes(&r, 100000, CLOSING_NONE);
	assert_false(bosh_is_done(r.b, r.now));
	unsigned a = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	hears(&r, a, "<body xmlns='" BODY_NS "' type='terminate' condition='remote-connection-failed'><m/></body>");
	nothing_goes_up(&r);
	/* For a while the client may ask for it again. */
	assert_false(bosh_is_done(r.b, r.now));
	time_passes(&r, 1000, CLOSING_NONE);
	unsigned again = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	hears(&r, again, "<body xmlns='" BODY_NS "' type='terminate' condition='remote-connection-failed'><m/></body>");
	time_passes(&r, 10000, CLOSING_NONE);
	assert_true(bosh_is_done(r.b, r.now));
	rig_fini(&r);

	/* A client that never asks. */
	rig_open(&r, usual, GOOD);
	closes(&r, CLOSING_SERVER_GONE);
	assert_false(bosh_is_done(r.b, r.now + 149999));
	assert_true(bosh_is_done(r.b, r.now + 150000));
	rig_fini(&r);
}

static void
end_before_the_creation_answer(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	unsigned a = asks(&r, FIRST_RID, GOOD, "");
	closes(&r, CLOSING_CONNECT_FAILED);
	hears(&r, a, TERMINATE_WITH("remote-connection-failed"));
	assert_true(bosh_is_done(r.b, r.now));
	rig_fini(&r);

	/* Before any request. */
	rig_init(&r, usual);
	closes(&r, CLOSING_SHUTDOWN);
	hears_nothing(&r);
	assert_true(bosh_is_done(r.b, r.now));
	rig_fini(&r);
}

/* Answers given before the end can be asked for again after it. */
static void
epilogue(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	server_sends(&r, "<a/>");
	hears(&r, a, BODY("<a/>"));
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	closes(&r, CLOSING_SERVER_CLOSED);
	hears(&r, b, TERMINATE);
	hears(&r, asks(&r, FIRST_RID + 1, "", ""), BODY("<a/>"));
	hears(&r, asks(&r, FIRST_RID + 2, "", ""), TERMINATE);
	/* For other requests there is no session any more. */
	hears(&r, asks(&r, FIRST_RID + 3, "", ""), TERMINATE_WITH("item-not-found"));
	hears(&r, asks(&r, 5, "", ""), TERMINATE_WITH("item-not-found"));
	assert_false(bosh_is_done(r.b, r.now + 9999));
	assert_true(bosh_is_done(r.b, r.now + 10000));
	nothing_goes_up(&r);
	rig_fini(&r);
}

/* A body that is no body, from somebody who knows the sid: the session ends. */
static void
culprit(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	unsigned bad = ++r.n_requests;
	bosh_refused(r.b, req(bad));
	closes(&r, CLOSING_MALFORMED);
	hears(&r, bad, TERMINATE_WITH("bad-request"));
	hears(&r, a, TERMINATE_WITH("other-request"));
	hears(&r, b, TERMINATE_WITH("other-request"));
	hears_nothing(&r);
	/* One more of them gets its answer too. */
	bad = ++r.n_requests;
	bosh_refused(r.b, req(bad));
	collect(&r);
	hears(&r, bad, TERMINATE_WITH("bad-request"));
	rig_fini(&r);
}

/* Somebody waits behind it on the same connection: what can be answered is, in order; what came early is to come again. */
static void
requests_behind(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	hears_nothing(&r);
	bosh_hurry(r.b, req(b), r.now);
	pump(&r);
	hears(&r, a, EMPTY);
	hears(&r, b, EMPTY);
	unsigned early = asks(&r, FIRST_RID + 4, "", "<four xmlns='u'/>");
	bosh_hurry(r.b, req(early), r.now);
	pump(&r);
	hears(&r, early, RECOVERABLE);
	asks(&r, FIRST_RID + 3, "", "<three xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<three xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<four xmlns='u'/>");
	bosh_hurry(r.b, req(999), r.now);
	pump(&r);
	rig_fini(&r);
}

/* 17.1: what a client without a version is answered with. */
static void
statuses(void **state)
{
	static const struct {
		const char *attributes;
		enum closing reason;
		unsigned want;
	} rows[] = {
		{"to='example.org'", CLOSING_RID_WINDOW, 404},
		{"to='example.org'", CLOSING_KEY, 404},
		{"to='example.org'", CLOSING_OVERACTIVE, 403},
		{"to='example.org'", CLOSING_MALFORMED, 400},
		{"to='example.org'", CLOSING_SERVER_GONE, 200},
		{"to='example.org'", CLOSING_CLIENT_CLOSED, 200},
		{"to='example.org' ver='1.6'", CLOSING_RID_WINDOW, 200},
		{"to='example.org' ver='1.6'", CLOSING_MALFORMED, 200},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bosh_answer answer;
		struct rig r;
		rig_open(&r, usual, rows[i].attributes);
		asks(&r, FIRST_RID + 1, "", "");
		bosh_close(r.b, rows[i].reason, r.now);
		assert_true(bosh_next_answer(r.b, &answer));
		assert_int_equal(answer.status, rows[i].want);
		rig_fini(&r);
	}
}

/* ---- connections that are gone ---- */

static void
payload_is_not_put_on_a_gone_request(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<up xmlns='u'/>");
	assert_true(bosh_gone(r.b, req(a), r.now));
	server_sends(&r, "<m/>");
	hears_nothing(&r);
	/* The next rid gets it ... */
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	hears(&r, b, BODY("<m/>"));
	/* ... and the lost one an empty answer, when it is asked for again. */
	unsigned again = asks(&r, FIRST_RID + 1, "", "<up xmlns='u'/>");
	hears(&r, again, EMPTY);
	nothing_goes_up(&r);
	hears_nothing(&r);
	rig_fini(&r);
}

static void
repeat_of_a_gone_request(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	assert_true(bosh_gone(r.b, req(a), r.now));
	server_sends(&r, "<m/>");
	unsigned again = asks(&r, FIRST_RID + 1, "", "");
	/* Nothing is said on the connection that is gone. */
	hears(&r, again, BODY("<m/>"));
	hears_nothing(&r);
	assert_false(bosh_gone(r.b, req(a), r.now));
	assert_false(bosh_gone(r.b, req(999), r.now));
	rig_fini(&r);
}

/* The news comes late: the answer was given, but not written. */
static void
answer_that_nobody_has(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	gives(&r, "<stream:features/>");
	server_sends(&r, "<m/>");
	hears(&r, a, "<body xmlns='" BODY_NS "' xmlns:stream='" XML_NS_STREAMS "'><stream:features/><m/></body>");
	assert_true(bosh_kept(r.b) > 0);
	assert_int_equal(bosh_queued(r.b), 0);
	assert_true(bosh_gone(r.b, req(a), r.now));
	assert_false(bosh_gone(r.b, req(a), r.now));
	assert_true(bosh_queued(r.b) > 0);
	server_sends(&r, "<n/>");
	hears_nothing(&r);
	/* The next rid gets it, as it was and before what came since; then the client is there again. */
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	hears(&r, b, "<body xmlns='" BODY_NS "' xmlns:stream='" XML_NS_STREAMS "'><stream:features/><m/><n/></body>");
	unsigned again = asks(&r, FIRST_RID + 1, "", "");
	hears(&r, again, EMPTY);
	assert_false(bosh_gone(r.b, req(a), r.now));
	rig_fini(&r);
}

/* The client was faster than the news: it has asked again. */
static void
answer_asked_for_before_the_news(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	server_sends(&r, "<m/>");
	hears(&r, a, BODY("<m/>"));
	unsigned again = asks(&r, FIRST_RID + 1, "", "");
	hears(&r, again, BODY("<m/>"));
	assert_false(bosh_gone(r.b, req(a), r.now));
	/* Nor does it matter what becomes of the copy: for all that is known, the first one may have been read. */
	assert_false(bosh_gone(r.b, req(again), r.now));
	asks(&r, FIRST_RID + 2, "", "");
	hears_nothing(&r);
	rig_fini(&r);
}

/* Nobody ever learnt the sid. */
static void
creation_that_nobody_has(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	unsigned a = asks(&r, FIRST_RID, GOOD, "");
	server_opens(&r);
	server_sends(&r, "<f/>");
	assert_int_equal(r.answer[0].request, a);
	r.n_heard++;
	assert_true(bosh_gone(r.b, req(a), r.now));
	time_passes(&r, 1, CLOSING_INACTIVE);
	rig_fini(&r);
}

static void
gone_early_request(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned b = asks(&r, FIRST_RID + 2, "", "<b xmlns='u'/>");
	assert_true(bosh_gone(r.b, req(b), r.now));
	unsigned a = asks(&r, FIRST_RID + 1, "", "<a xmlns='u'/>");
	/* Its payload counts. */
	goes_up(&r, STANZA_OTHER, "<a xmlns='u'/>");
	goes_up(&r, STANZA_OTHER, "<b xmlns='u'/>");
	server_sends(&r, "<x/>");
	hears(&r, a, BODY("<x/>"));
	server_sends(&r, "<y/>");
	hears_nothing(&r);
	unsigned again = asks(&r, FIRST_RID + 2, "", "<b xmlns='u'/>");
	hears(&r, again, BODY("<y/>"));
	nothing_goes_up(&r);
	rig_fini(&r);
}

/* Two held, the older one gone: the younger does not wait longer for it. */
static void
wait_behind_a_gone_request(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	bosh_gone(r.b, req(a), r.now);
	time_passes(&r, 49999, CLOSING_NONE);
	hears_nothing(&r);
	time_passes(&r, 1, CLOSING_NONE);
	hears(&r, b, EMPTY);
	hears_nothing(&r);
	rig_fini(&r);
}

static void
end_with_gone_requests(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, "to='example.org' hold='2'");
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	unsigned b = asks(&r, FIRST_RID + 2, "", "");
	bosh_gone(r.b, req(a), r.now);
	gives(&r, "<m/>");
	closes(&r, CLOSING_SERVER_CLOSED);
	hears(&r, b, "<body xmlns='" BODY_NS "' type='terminate'><m/></body>");
	hears_nothing(&r);
	rig_fini(&r);

	rig_open(&r, usual, GOOD);
	a = asks(&r, FIRST_RID + 1, "", "");
	bosh_gone(r.b, req(a), r.now);
	closes(&r, CLOSING_SERVER_CLOSED);
	hears_nothing(&r);
	unsigned again = asks(&r, FIRST_RID + 1, "", "");
	hears(&r, again, TERMINATE);
	rig_fini(&r);
}

static void
gone_creation(void **state)
{
	struct rig r;

	(void) state;
	rig_init(&r, usual);
	unsigned a = asks(&r, FIRST_RID, GOOD, "");
	assert_true(bosh_gone(r.b, req(a), r.now));
	/* Nobody knows the sid, so nobody will come. */
	time_passes(&r, 1, CLOSING_INACTIVE);
	closes(&r, CLOSING_INACTIVE);
	hears_nothing(&r);
	assert_true(bosh_is_done(r.b, r.now));
	rig_fini(&r);
}

/* ---- inactivity ---- */

static void
inactivity(void **state)
{
	struct rig r;

	(void) state;
	/* After the last answer. */
	rig_open(&r, usual, GOOD);
	time_passes(&r, 149999, CLOSING_NONE);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	time_passes(&r, 50000, CLOSING_NONE);
	hears(&r, a, EMPTY);
	time_passes(&r, 149999, CLOSING_NONE);
	time_passes(&r, 1, CLOSING_INACTIVE);
	closes(&r, CLOSING_INACTIVE);
	hears_nothing(&r);
	assert_true(bosh_is_done(r.b, r.now));
	/* Whoever comes now finds no session. */
	unsigned late = asks(&r, FIRST_RID + 2, "", "");
	hears(&r, late, TERMINATE_WITH("item-not-found"));
	rig_fini(&r);

	/* After the last held connection was lost. */
	rig_open(&r, usual, GOOD);
	a = asks(&r, FIRST_RID + 1, "", "");
	time_passes(&r, 10000, CLOSING_NONE);
	bosh_gone(r.b, req(a), r.now);
	time_passes(&r, 149999, CLOSING_NONE);
	time_passes(&r, 1, CLOSING_INACTIVE);
	rig_fini(&r);
}

/* 10: it counts from the last response, and a repeated answer is one. */
static void
a_repeat_is_a_sign_of_life(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	unsigned a = asks(&r, FIRST_RID + 1, "", "");
	server_sends(&r, "<a/>");
	hears(&r, a, BODY("<a/>"));
	time_passes(&r, 140000, CLOSING_NONE);
	hears(&r, asks(&r, FIRST_RID + 1, "", ""), BODY("<a/>"));
	time_passes(&r, 149999, CLOSING_NONE);
	time_passes(&r, 1, CLOSING_INACTIVE);
	rig_fini(&r);
}

/* ---- what the client is known to have ---- */

static void
has(struct rig *r, uint64_t stanzas, uint64_t bytes)
{
	struct stanza_tally confirmed = bosh_confirmed(r->b);

	assert_int_equal(confirmed.stanzas, stanzas);
	assert_int_equal(confirmed.bytes, bytes);
}

#define N_FEATURES (sizeof FEATURES - 1) /* the rig gives them as a message */

/* "requests" is 2: who sends the third has the answer to the first. */
static void
confirmed_by_new_requests(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	has(&r, 0, 0);
	/* Who knows the sid has read the answer it stands in. */
	asks(&r, FIRST_RID + 1, "", "");
	has(&r, 1, N_FEATURES);
	server_sends(&r, "<m/>");
	asks(&r, FIRST_RID + 2, "", "");
	has(&r, 1, N_FEATURES);
	gives(&r, "<m>2</m>");
	server_sends(&r, "<m>33</m>");
	/* Neither what is written nor a repeat proves anything. */
	asks(&r, FIRST_RID + 2, "", "");
	has(&r, 1, N_FEATURES);
	asks(&r, FIRST_RID + 3, "", "");
	has(&r, 2, N_FEATURES + 4);
	/* A pause may be sent beside them. */
	asks(&r, FIRST_RID + 4, "pause='20'", "");
	has(&r, 2, N_FEATURES + 4);
	asks(&r, FIRST_RID + 5, "", "");
	has(&r, 4, N_FEATURES + 4 + 8 + 9);
	server_sends(&r, "<m/>");
	/* One that comes too early counts when it is its turn. */
	asks(&r, FIRST_RID + 7, "", "");
	has(&r, 4, N_FEATURES + 4 + 8 + 9);
	asks(&r, FIRST_RID + 6, "", "");
	has(&r, 5, N_FEATURES + 4 + 8 + 9 + 4);
	rig_fini(&r);
}

/* A client that acknowledges says what it has. */
static void
confirmed_by_acks(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD " ack='1'");
	asks(&r, FIRST_RID + 1, "", "");
	has(&r, 1, N_FEATURES);
	server_sends(&r, "<m/>");
	/* "... if it has received responses to all its previous requests" there is none (9.2). */
	asks(&r, FIRST_RID + 2, "ack='1000'", "");
	has(&r, 1, N_FEATURES);
	server_sends(&r, "<m>2</m>");
	asks(&r, FIRST_RID + 3, "", "");
	has(&r, 3, N_FEATURES + 4 + 8);
	/* It cannot have what was not said. */
	asks(&r, FIRST_RID + 4, "ack='1003'", "");
	server_sends(&r, "<m/>");
	asks(&r, FIRST_RID + 5, "ack='1009'", "");
	has(&r, 3, N_FEATURES + 4 + 8);
	rig_fini(&r);
}

/* A page that is loaded anew does not know what was on its way to the one before. */
static void
confirmed_behind_a_reload(void **state)
{
	struct rig r;

	(void) state;
	rig_open(&r, usual, GOOD);
	asks(&r, FIRST_RID + 1, "", "");
	server_sends(&r, "<m/>");
	unsigned a = asks(&r, FIRST_RID + 2, "", "");
	has(&r, 1, N_FEATURES);
	bosh_gone(r.b, req(a), r.now);
	asks(&r, FIRST_RID + 3, "", "");
	server_sends(&r, "<m>2</m>");
	/* Its requests may be five rids apart. */
	for (unsigned i = 4; i < 8; i++)
		asks(&r, FIRST_RID + i, "", "");
	has(&r, 1, N_FEATURES);
	asks(&r, FIRST_RID + 8, "", "");
	has(&r, 2, N_FEATURES + 8);
	rig_fini(&r);

	/* One that repeats the request is the same page. */
	rig_open(&r, usual, GOOD);
	asks(&r, FIRST_RID + 1, "", "");
	server_sends(&r, "<m/>");
	a = asks(&r, FIRST_RID + 2, "", "");
	bosh_gone(r.b, req(a), r.now);
	asks(&r, FIRST_RID + 2, "", "");
	asks(&r, FIRST_RID + 3, "", "");
	has(&r, 2, N_FEATURES + 4);
	rig_fini(&r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation_answer),
		cmocka_unit_test(creation_values),
		cmocka_unit_test(creation_refused),
		cmocka_unit_test(content_types),
		cmocka_unit_test(features_come_late),
		cmocka_unit_test(server_of_old),
		cmocka_unit_test(creation_with_other_attributes),
		cmocka_unit_test(wait_expires),
		cmocka_unit_test(payload_both_ways),
		cmocka_unit_test(hold),
		cmocka_unit_test(linger),
		cmocka_unit_test(polling),
		cmocka_unit_test(early_requests_wait),
		cmocka_unit_test(repeat_of_answered),
		cmocka_unit_test(repeat_of_held),
		cmocka_unit_test(repeat_of_early),
		cmocka_unit_test(repeat_does_not_delay_others),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(rids_far_below),
		cmocka_unit_test(window),
		cmocka_unit_test(everything_is_remembered),
		cmocka_unit_test(overactive),
		cmocka_unit_test(the_last_rids),
		cmocka_unit_test(restart),
		cmocka_unit_test(pause_of_the_session),
		cmocka_unit_test(pause_values),
		cmocka_unit_test(pause_with_payload),
		cmocka_unit_test(pause_behind_a_gone_request),
		cmocka_unit_test(terminate),
		cmocka_unit_test(early_terminate),
		cmocka_unit_test(server_ends_with_held),
		cmocka_unit_test(server_ends_without_held),
		cmocka_unit_test(end_before_the_creation_answer),
		cmocka_unit_test(epilogue),
		cmocka_unit_test(culprit),
		cmocka_unit_test(requests_behind),
		cmocka_unit_test(statuses),
		cmocka_unit_test(payload_is_not_put_on_a_gone_request),
		cmocka_unit_test(repeat_of_a_gone_request),
		cmocka_unit_test(answer_that_nobody_has),
		cmocka_unit_test(answer_asked_for_before_the_news),
		cmocka_unit_test(creation_that_nobody_has),
		cmocka_unit_test(gone_early_request),
		cmocka_unit_test(wait_behind_a_gone_request),
		cmocka_unit_test(end_with_gone_requests),
		cmocka_unit_test(gone_creation),
		cmocka_unit_test(inactivity),
		cmocka_unit_test(a_repeat_is_a_sign_of_life),
		cmocka_unit_test(confirmed_by_new_requests),
		cmocka_unit_test(confirmed_by_acks),
		cmocka_unit_test(confirmed_behind_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
