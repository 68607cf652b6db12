/* Both fronts offer the same: whoever is behind them need not ask which one it is. */
#include "readers.h"
#include "unit.h"

#include "session/front.h"

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {100000, 100};

/* A front whose client has opened its stream for example.org and sent <a xmlns='urn:a'/>. */
static void
open_front(struct front *f, bool is_bosh, void **reader)
{
	static const char creation[] = "<body xmlns='" BODY_NS "' rid='1' to='example.org'><a xmlns='urn:a'/></body>";
	struct bosh_config config = {.wait = 1000, .inactivity = 5000, .hold = 1};
	struct req_id req = {{0, 0}, 1, 1};
	struct body *body;

	*f = (struct front){NULL, NULL};
	if (is_bosh) {
		*reader = body_reader_new(readers()->documents);
		f->bosh = bosh_new(&config, SLICE("sid"));
		assert_int_equal(body_read(*reader, limits, slice_str(creation), &body), CLOSING_NONE);
		assert_int_equal(bosh_request(f->bosh, body, req, 100), CLOSING_NONE);
		return;
	}
	*reader = websocket_reader_new(readers()->documents);
	f->websocket = websocket_new(SLICE("own"), &silent);
	assert_int_equal(websocket_message(f->websocket, *reader, limits,
				 SLICE("<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>")),
		CLOSING_NONE);
	assert_int_equal(websocket_message(f->websocket, *reader, limits, SLICE("<a xmlns='urn:a'/>")), CLOSING_NONE);
}

static void
close_front(struct front *f, bool is_bosh, void *reader)
{
	front_free(f);
	assert_null(f->bosh);
	assert_null(f->websocket);
	if (is_bosh)
		body_reader_free(reader);
	else
		websocket_reader_free(reader);
}

static void
up(struct front *f)
{
	struct stanza *st;

	assert_true(front_queued_up(f) > 0);
	st = front_next_up(f);
	assert_int_equal(st->kind, STANZA_OPEN);
	stanza_free(st);
	assert_text(front_header(f)->to, "example.org");
	st = front_next_up(f);
	assert_slice(stanza_slice(st), "<a xmlns='urn:a'/>");
	stanza_free(st);
	assert_null(front_next_up(f));
	assert_int_equal(front_queued_up(f), 0);
}

static void
down(struct front *f)
{
	struct stream_header header = {.from = "example.org", .id = "s1", .version = "1.0"};
	struct stanza *st = stanza_copy(SLICE("<b xmlns='urn:b'/>"), STANZA_OTHER);
	size_t before;

	front_opened(f, &header);
	before = front_queued(f);
	front_give(f, &st);
	assert_null(st);
	assert_true(front_queued(f) >= before + 18 + STANZA_COST);
}

static void
end(struct front *f, bool is_bosh)
{
	assert_false(front_is_done(f, 100));
	assert_int_equal(front_expire(f, 100), CLOSING_NONE);
	front_close(f, CLOSING_SERVER_GONE, 200);
	front_close(f, CLOSING_HOST_UNKNOWN, 300); /* the first reason counts */
	assert_false(front_is_done(f, 200));
	if (!is_bosh) {
		unsigned code = 0;
		while (websocket_first_out(f->websocket) != NULL)
			websocket_sent(f->websocket, 200);
		assert_true(websocket_next_hangup(f->websocket, 200, &code));
		assert_int_equal(code, 1001);
		websocket_gone(f->websocket);
	}
	assert_true(front_is_done(f, is_bosh ? 60000 : 200));
	assert_int_equal(front_expire(f, 60000), CLOSING_NONE);
	assert_true(front_deadline(f) == MS_NEVER);
}

static void
both(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct front f;
		void *reader;

		open_front(&f, is_bosh, &reader);
		assert_string_equal(front_name(&f), is_bosh ? "bosh" : "websocket");
		up(&f);
		down(&f);
		end(&f, is_bosh);
		close_front(&f, is_bosh, reader);
	}
}

/* What nobody took is freed with the front. */
static void
leftovers(void **state)
{
	(void) state;
	for (int is_bosh = 0; is_bosh < 2; is_bosh++) {
		struct front f;
		void *reader;

		open_front(&f, is_bosh, &reader);
		down(&f);
		close_front(&f, is_bosh, reader);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both),
		cmocka_unit_test(leftovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
