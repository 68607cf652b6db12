/* Both fronts offer the same: whoever is behind them need not ask which one it is. */
#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "conf/conf_read.h"
#include "session/front_bosh.h"
#include "session/front_websocket.h"

static const struct xml_limits limits = {100000, 100};
static const struct trace silent = {.log = NULL};

/* What a client got. */
struct record {
	char text[1000];
	unsigned answers, code;
	bool is_blocked, is_hung_up, is_cut;
};

static void
note(struct record *r, struct slice bytes)
{
	size_t n = strlen(r->text);

	snprintf(r->text + n, sizeof r->text - n, "%.*s", SLICE_ARG(bytes));
	r->answers++;
}

static void
on_reply(void *arg, const struct reply *reply)
{
	assert_int_equal(reply->status, 200);
	assert_int_equal(reply->content, CONTENT_TEXT_XML);
	note(arg, reply->body);
}

static void
on_cut(void *arg, struct req_id req)
{
	(void) req;
	((struct record *) arg)->is_cut = true;
}

static bool
on_send(void *arg, struct session *s, struct stanza *st)
{
	struct record *r = arg;

	(void) s;
	if (!r->is_blocked)
		note(r, stanza_slice(st));
	return !r->is_blocked;
}

static void
on_hangup(void *arg, struct session *s, unsigned code)
{
	struct record *r = arg;

	(void) s;
	r->is_hung_up = true;
	r->code = code;
}

static void
fake_random(void *arg, void *bytes, size_t n)
{
	(void) arg;
	memset(bytes, 7, n);
}

static bool
same(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	snprintf(out, room, "%.*s", SLICE_ARG(domain));
	return true;
}

static const struct hooks hooks = {.random = fake_random, .to_ascii = same};

struct fixture {
	struct front front;
	const struct transport *offers;
	struct record record;
	struct outlet outlet;
	struct conf *conf;
	struct body_reader *bodies;
	struct websocket_reader *messages;
	bool is_bosh;
};

/* A request of a BOSH client. */
static void
posts(struct fixture *f, uint32_t number, const char *text, ms_t now)
{
	struct req_id req = {{0, 0}, number, 1};
	struct body *body;

	assert_int_equal(body_read(f->bodies, limits, slice_str(text), &body), CLOSING_NONE);
	assert_int_equal(bosh_request(front_bosh(&f->front), body, req, now), CLOSING_NONE);
}

static void
says(struct fixture *f, const char *text)
{
	struct websocket *w = front_websocket(&f->front);

	assert_int_equal(websocket_message(w, f->messages, limits, slice_str(text)), CLOSING_NONE);
}

/* A front whose client has opened its stream for example.org and sent <a xmlns='urn:a'/>. */
static void
begin(struct fixture *f, bool is_bosh)
{
	struct buf errors;

	memset(f, 0, sizeof *f);
	f->is_bosh = is_bosh;
	f->outlet = (struct outlet){
		.answers = &f->record,
		.arg = &f->record,
		.reply = on_reply,
		.cut = on_cut,
		.send = on_send,
		.hangup = on_hangup,
	};
	buf_init(&errors, 4096);
	assert_int_equal(
		conf_read(&f->conf, SLICE("{\"domains\": {\"example.org\": {\"connect\": \"xmpp://127.0.0.1\"}}}"),
			"conf", NULL, &errors),
		0);
	buf_fini(&errors);
	f->bodies = body_reader_new(readers()->documents);
	f->messages = websocket_reader_new(readers()->documents);
	if (is_bosh) {
		front_bosh_init(&f->front, f->conf, &hooks, "sid", &silent);
		posts(f, 1, "<body xmlns='" BODY_NS "' rid='1' to='example.org'><a xmlns='urn:a'/></body>", 100);
	} else {
		front_websocket_init(&f->front, &hooks, &silent);
		says(f, "<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>");
		says(f, "<a xmlns='urn:a'/>");
	}
	f->offers = f->front.transport;
}

static void
end(struct fixture *f)
{
	f->offers->free(&f->front);
	body_reader_free(f->bodies);
	websocket_reader_free(f->messages);
	conf_unref(f->conf);
}

static void
flush(struct fixture *f, ms_t now)
{
	f->offers->flush(&f->front, &f->outlet, NULL, now);
}

static void
up(struct fixture *f)
{
	struct stanza *st;

	assert_true(f->offers->queued_up(&f->front) > 0);
	st = f->offers->next_up(&f->front);
	assert_int_equal(st->kind, STANZA_OPEN);
	stanza_free(st);
	assert_text(f->offers->header(&f->front)->to, "example.org");
	assert_int_equal(f->offers->served(&f->front), CLOSING_NONE);
	st = f->offers->next_up(&f->front);
	assert_slice(stanza_slice(st), "<a xmlns='urn:a'/>");
	stanza_free(st);
	assert_null(f->offers->next_up(&f->front));
	assert_int_equal(f->offers->queued_up(&f->front), 0);
}

static void
down(struct fixture *f)
{
	struct stream_header header = {.from = "example.org", .id = "s1", .version = "1.0"};
	struct stanza *st = stanza_copy(SLICE("<b xmlns='urn:b'/>"), STANZA_MESSAGE);
	size_t before;

	f->offers->opened(&f->front, &header);
	before = f->offers->queued(&f->front);
	f->offers->give(&f->front, &st);
	assert_null(st);
	assert_true(f->offers->queued(&f->front) >= before + 18 + STANZA_COST);
}

/* The client gets what was given. */
static void
arrives(struct fixture *f)
{
	flush(f, 100);
	assert_non_null(strstr(f->record.text, "<b xmlns='urn:b'/>"));
	assert_int_equal(f->offers->queued(&f->front), 0);
	/* For BOSH that proves nothing yet. */
	assert_int_equal(f->offers->confirmed(&f->front).stanzas, f->is_bosh ? 0 : 1);
	assert_int_equal(f->offers->confirmed(&f->front).bytes, f->is_bosh ? 0 : 18);
	assert_null(f->offers->next_undelivered(&f->front));
	flush(f, 100);
	assert_int_equal(f->record.answers, f->is_bosh ? 1 : 2);
}

static void
closes(struct fixture *f)
{
	assert_false(f->offers->is_done(&f->front, 100));
	assert_int_equal(f->offers->expire(&f->front, 100), CLOSING_NONE);
	f->offers->close(&f->front, CLOSING_SERVER_GONE, 200);
	f->offers->close(&f->front, CLOSING_HOST_UNKNOWN, 300); /* the first reason counts */
	assert_false(f->offers->is_told(&f->front));
	if (f->is_bosh)
		posts(f, 2, "<body xmlns='" BODY_NS "' rid='2' sid='sid'/>", 300);
	flush(f, 300);
	assert_non_null(strstr(f->record.text, "remote-connection-failed"));
	assert_true(f->offers->deadline(&f->front) < MS_NEVER);
	assert_false(f->offers->is_done(&f->front, 300));
	if (!f->is_bosh) {
		assert_int_equal(f->record.code, 1001);
		websocket_gone(front_websocket(&f->front));
	}
	assert_true(f->offers->is_told(&f->front));
	assert_int_equal(f->offers->expire(&f->front, 60000), CLOSING_NONE);
	assert_true(f->offers->is_done(&f->front, 60000));
	assert_true(f->offers->deadline(&f->front) == MS_NEVER);
	assert_int_equal(f->record.is_hung_up, !f->is_bosh);
}

static void
both(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct fixture f;

		begin(&f, is_bosh);
		assert_string_equal(f.offers->name, is_bosh ? "bosh" : "websocket");
		assert_int_equal(f.offers->can_pause, !is_bosh);
		assert_int_equal(f.offers->waits_for_server, !is_bosh);
		up(&f);
		down(&f);
		arrives(&f);
		assert_int_equal(f.offers->kept(&f.front) > 0, is_bosh);
		closes(&f);
		end(&f);
	}
}

/* What is complete needs no question whether something is there. */
static void
complete(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct fixture f;
		size_t at = offsetof(struct transport, outer_limit);

		begin(&f, is_bosh);
		for (; at < sizeof(struct transport); at += sizeof(void (*)(void))) {
			void (*function)(void);
			memcpy(&function, (const char *) f.offers + at, sizeof function);
			assert_non_null(function);
		}
		end(&f);
	}
}

/* The largest element is what the configuration allows, less what is around it. */
static void
outer_limits(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct fixture f;
		size_t configured;

		begin(&f, is_bosh);
		configured = is_bosh ? f.conf->bosh.max_body : f.conf->websocket.max_message;
		assert_int_equal(f.offers->outer_limit(f.conf), is_bosh ? configured - 512 : configured);
		end(&f);
	}
}

/* A client that takes nothing keeps what it was given; one that never does is cut off in the end. */
static void
blocked(void **state)
{
	struct fixture f;

	(void) state;
	begin(&f, false);
	up(&f);
	down(&f);
	f.record.is_blocked = true;
	flush(&f, 100);
	assert_true(f.offers->queued(&f.front) > 0);
	f.offers->close(&f.front, CLOSING_SHUTDOWN, 200);
	flush(&f, 200);
	assert_false(f.record.is_hung_up);
	flush(&f, f.offers->deadline(&f.front));
	assert_true(f.record.is_hung_up);
	assert_int_equal(f.record.code, 0);
	end(&f);
}

/* What nobody took is freed with the front. */
static void
leftovers(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct fixture f;

		begin(&f, is_bosh);
		down(&f);
		end(&f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both),
		cmocka_unit_test(complete),
		cmocka_unit_test(outer_limits),
		cmocka_unit_test(blocked),
		cmocka_unit_test(leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
