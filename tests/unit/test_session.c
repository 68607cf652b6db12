/*
 * What scripts cannot show because nobody would think of it: long random
 * lives of sessions.  Whatever the order of events, nothing is lost, nothing
 * comes twice, everybody is answered, and nothing is left.
 */
#include "unit.h"

#include "runner/world.h"

#define CONF \
	"{\"domains\": {\"example.org\": {\"connect\": \"xmpp://127.0.0.1:5222\"}}," \
	" \"bosh\": {\"polling\": 0}, \"limits\": {\"stanza\": 10000, \"queue\": 20000}}"
#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
	"id='s1' from='example.org' version='1.0'><stream:features/>"

/* A faultless world, or the test is over. */
static void
check(struct world *w, unsigned seed)
{
	if (w->fault.n == 0)
		return;
	for (unsigned i = w->n_events > WORLD_EVENTS ? w->n_events - WORLD_EVENTS : 0; i < w->n_events; i++)
		print_error("  %s\n", w->event[i % WORLD_EVENTS]);
	print_error("seed %u: %.*s\n", seed, SLICE_ARG(buf_slice(&w->fault)));
	fail();
}

static void
begin(struct world *w, unsigned n_workers)
{
	memset(w, 0, sizeof *w);
	assert_true(world_init(w, SLICE(CONF), n_workers));
}

/* The numbers in "<d n='1'/><d n='2'/>", which must go on from *next. */
static void
count_numbers(struct slice bytes, const char *what, unsigned *next, unsigned seed)
{
	const char *at = bytes.p, *end = bytes.p + bytes.n;

	while ((at = memmem(at, (size_t) (end - at), what, strlen(what))) != NULL) {
		unsigned n = (unsigned) strtoul(at + strlen(what), NULL, 10);
		if (n != *next) {
			print_error("seed %u: %s%u' where %u was to come\n", seed, what, n, *next);
			fail();
		}
		++*next;
		at++;
	}
}

static void
send_down(struct world *w, struct client *c, struct dice *dice, unsigned *sent)
{
	struct buf b;
	size_t cut;

	buf_init(&b, BUF_UNLIMITED);
	for (unsigned n = 1 + dice_roll(dice, 3); n > 0; n--)
		buf_printf(&b, "<message><d xmlns='urn:d' n='%u'/>%*s</message>", (*sent)++, (int) dice_roll(dice, 100),
			"");
	/* In one piece or two. */
	cut = dice_roll(dice, (unsigned) b.n + 1);
	if (cut > 0)
		world_upstream(w, c, slice_of(buf_slice(&b).p, cut));
	if (cut < b.n)
		world_upstream(w, c, slice_of(buf_slice(&b).p + cut, b.n - cut));
	buf_fini(&b);
}

/* BOSH: a client that keeps the rules, over a network that does not */

#define MAX_RIDS 2000

struct bosh_client {
	struct world *w;
	struct client *c;
	struct dice *dice;
	unsigned requests; /* it may have open */
	bool has_acks;
	uint64_t next;            /* never sent */
	struct buf got[MAX_RIDS]; /* answers that really arrived, by rid */
	bool has_got[MAX_RIDS];
	size_t looked_at; /* of the client's requests: all before are done with */
	unsigned ups;
};

static uint64_t
oldest(const struct bosh_client *b)
{
	uint64_t rid = 0;

	while (rid < b->next && b->has_got[rid])
		rid++;
	return rid;
}

/* The tag of a request; its attribute "ack" is not needed when it has all answers (XEP-0124, 9.2). */
static void
begin_body(const struct bosh_client *b, struct buf *body, uint64_t rid)
{
	buf_init(body, BUF_UNLIMITED);
	buf_printf(body, "<body xmlns='" BODY_NS "' rid='%u' sid='%s'", 1000 + (unsigned) rid, b->c->sid);
	if (b->has_acks && oldest(b) < rid)
		buf_printf(body, " ack='%u'", 1000 + (unsigned) oldest(b) - 1);
	buf_append_char(body, '>');
}

static void
post_next(struct bosh_client *b, uint64_t rid)
{
	struct buf body;

	begin_body(b, &body, rid);
	for (unsigned n = dice_roll(b->dice, 3); n > 0; n--)
		buf_printf(&body, "<u xmlns='urn:u' rid='%u' n='%u'/>", (unsigned) rid, b->ups++);
	buf_append_str(&body, "</body>");
	world_post(b->w, b->c, dice_roll(b->dice, b->w->n_workers), 1000 + rid, buf_slice(&body));
	buf_fini(&body);
}

/* The next one, or the next two in the wrong order. */
static void
post_new(struct bosh_client *b)
{
	uint64_t room = oldest(b) + b->requests - b->next;

	if (b->next + 2 >= MAX_RIDS || room == 0)
		return;
	if (room >= 2 && dice_roll(b->dice, 4) == 0) {
		unsigned before = b->ups;
		struct buf first;
		begin_body(b, &first, b->next);
		buf_printf(&first, "<u xmlns='urn:u' rid='%u' n='%u'/></body>", (unsigned) b->next, before);
		b->ups++;
		post_next(b, b->next + 1);
		world_post(b->w, b->c, 0, 1000 + b->next, buf_slice(&first));
		buf_fini(&first);
		b->next += 2;
		return;
	}
	post_next(b, b->next++);
}

static struct request *
last_of(const struct bosh_client *b, uint64_t rid)
{
	for (size_t i = b->c->n_requests; i > 0; i--)
		if (b->c->request[i - 1].rid == 1000 + rid)
			return &b->c->request[i - 1];
	return NULL;
}

static void
post_again(struct bosh_client *b, uint64_t rid)
{
	struct buf copy;

	buf_init(&copy, BUF_UNLIMITED);
	buf_append(&copy, buf_slice(&last_of(b, rid)->body));
	world_post(b->w, b->c, dice_roll(b->dice, b->w->n_workers), 1000 + rid, buf_slice(&copy));
	buf_fini(&copy);
}

/* Answers arrive, or are lost on their way. */
static void
receive(struct bosh_client *b, bool is_lossy)
{
	for (size_t i = b->looked_at; i < b->c->n_requests; i++) {
		struct request *r = &b->c->request[i];
		struct slice answer = buf_slice(&r->answer);
		uint64_t rid = r->rid - 1000;
		if (r->state != REQUEST_ANSWERED)
			continue;
		r->state = REQUEST_HEARD;
		if (memmem(answer.p, answer.n, "type='error'", 12) != NULL)
			continue;
		assert_null(memmem(answer.p, answer.n, "type='terminate'", 16));
		if (is_lossy && dice_roll(b->dice, 8) == 0)
			continue;
		/* Whichever copy arrives, it is the same. */
		assert_true(!b->has_got[rid] || slice_eq(buf_slice(&b->got[rid]), answer));
		if (!b->has_got[rid])
			buf_append(&b->got[rid], answer);
		b->has_got[rid] = true;
	}
	while (b->looked_at < b->c->n_requests && b->c->request[b->looked_at].state >= REQUEST_HEARD)
		b->looked_at++;
}

/* Is a request with this rid still to be answered? */
static bool
is_open(const struct bosh_client *b, uint64_t rid)
{
	for (size_t i = b->looked_at; i < b->c->n_requests; i++)
		if (b->c->request[i].rid == 1000 + rid && b->c->request[i].state == REQUEST_OPEN)
			return true;
	return false;
}

static void
bosh_step(struct bosh_client *b, unsigned *downs)
{
	uint64_t rid = oldest(b);

	switch (dice_roll(b->dice, 9)) {
	case 0:
	case 1:
	case 2:
		post_new(b);
		break;
	case 3:
		if (!b->c->server.is_paused)
			send_down(b->w, b->c, b->dice, downs);
		break;
	case 4:
		/* A connection breaks: with a request on it. */
		rid += dice_roll(b->dice, b->requests);
		if (rid < b->next && last_of(b, rid)->state == REQUEST_OPEN)
			world_lose(b->w, b->c, last_of(b, rid));
		break;
	case 5:
		/* The client asks again, whether it has to or not. */
		rid += dice_roll(b->dice, b->requests);
		if (rid < b->next && !b->has_got[rid])
			post_again(b, rid);
		break;
	case 6:
		if (rid < b->next && !is_open(b, rid))
			post_again(b, rid);
		break;
	case 7:
		world_time(b->w, (ms_t) dice_roll(b->dice, 40));
		break;
	default:
		world_server_block(b->w, b->c, dice_roll(b->dice, 2), dice_roll(b->dice, 60));
	}
	receive(b, true);
}

static unsigned
count_messages(struct slice bytes)
{
	unsigned n = 0;

	for (const char *at = bytes.p; (at = memmem(at, (size_t) (bytes.p + bytes.n - at), "<message", 8)) != NULL;
		at++)
		n++;
	return n;
}

/* What is taken for confirmed has arrived; returns how much it is. */
static uint64_t
check_confirmed(const struct bosh_client *b)
{
	uint64_t confirmed = b->c->server.session->confirmed.stanzas, arrived = 0;

	for (uint64_t rid = 0; rid < oldest(b); rid++)
		arrived += count_messages(buf_slice(&b->got[rid]));
	assert_true(confirmed <= arrived);
	return confirmed;
}

/* The network is good from now on: all that is on its way arrives. */
static void
bosh_finish(struct bosh_client *b)
{
	uint64_t until = b->next + 7; /* more than a page that was loaded anew may have open */

	world_server_block(b->w, b->c, false, 0);
	for (unsigned turns = 0; turns < 200 && (b->next < until || oldest(b) < b->next); turns++) {
		uint64_t rid = oldest(b);
		if (rid < b->next && !is_open(b, rid))
			post_again(b, rid);
		else if (b->next < until)
			post_new(b);
		receive(b, false);
		world_time(b->w, 6000);
		receive(b, false);
	}
	assert_int_equal(oldest(b), b->next);
}

/* Returns how much was confirmed in the end, for each of a hundred messages. */
static uint64_t
bosh_life(unsigned seed, unsigned hold, bool has_acks)
{
	static struct bosh_client b;
	static struct world w;
	struct dice dice = {seed};
	unsigned downs = 0, seen = 0;
	uint64_t confirmed;
	struct buf body;

	begin(&w, 2);
	memset(&b, 0, sizeof b);
	b.w = &w;
	b.dice = &dice;
	b.c = world_add_client(&w, SLICE("a"), false);
	b.requests = hold + 1;
	b.has_acks = has_acks;
	for (unsigned i = 0; i < MAX_RIDS; i++)
		buf_init(&b.got[i], BUF_UNLIMITED);
	buf_init(&body, BUF_UNLIMITED);
	buf_printf(&body,
		"<body xmlns='" BODY_NS "' rid='1000' to='example.org' wait='5' hold='%u'%s xmlns:x='" BODY_NS_XMPP
		"' x:version='1.0'/>",
		hold, has_acks ? " ack='1'" : "");
	world_post(&w, b.c, dice_roll(&dice, 2), 1000, buf_slice(&body));
	buf_fini(&body);
	b.next = 1;
	world_connect(&w, b.c, false);
	world_upstream(&w, b.c, SLICE(HEADER));
	receive(&b, false);
	for (unsigned step = 0; step < 400; step++) {
		bosh_step(&b, &downs);
		check(&w, seed);
		check_confirmed(&b);
	}
	bosh_finish(&b);
	check(&w, seed);
	confirmed = check_confirmed(&b);

	for (uint64_t rid = 0; rid < b.next; rid++)
		count_numbers(buf_slice(&b.got[rid]), "<d xmlns='urn:d' n='", &seen, seed);
	assert_int_equal(seen, downs);
	world_check_server(&w, b.c);
	check(&w, seed);
	for (unsigned i = 0; i < MAX_RIDS; i++)
		buf_fini(&b.got[i]);
	seen = 0;
	count_numbers(buf_slice(&b.c->server.got), "' n='", &seen, seed);
	assert_int_equal(seen, b.ups);
	world_fini(&w);
	return confirmed * 100 / (downs + 1);
}

static void
bosh_lives(void **state)
{
	(void) state;
	/* Where so much is lost, not everything can be proven; most is. */
	for (unsigned seed = 1; seed <= 80; seed++)
		assert_true(bosh_life(seed, 1 + seed % 2, seed % 4 > 1) > 35);
}

/* WebSocket: both sides slow at times */

static void
websocket_step(struct world *w, struct client *c, struct dice *dice, unsigned *ups, unsigned *downs)
{
	char text[256];

	switch (dice_roll(dice, 6)) {
	case 0:
	case 1:
		snprintf(text, sizeof text, "<u xmlns='urn:u' n='%u'>%*s</u>", *ups, (int) dice_roll(dice, 100), "");
		if (!c->is_paused) {
			++*ups;
			world_say(w, c, slice_str(text));
		}
		break;
	case 2:
		if (!c->server.is_paused)
			send_down(w, c, dice, downs);
		break;
	case 3:
		world_client_block(w, c, dice_roll(dice, 8) > 0, dice_roll(dice, 4));
		break;
	case 4:
		world_server_block(w, c, dice_roll(dice, 8) > 0, dice_roll(dice, 300));
		break;
	default:
		world_time(w, (ms_t) dice_roll(dice, 5000));
	}
}

static void
websocket_life(unsigned seed)
{
	static struct world w;
	struct dice dice = {seed};
	unsigned ups = 0, downs = 0, seen = 0;
	struct client *c;

	begin(&w, 1);
	c = world_add_client(&w, SLICE("w"), true);
	world_say(&w, c, SLICE("<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>"));
	world_connect(&w, c, false);
	world_upstream(&w, c, SLICE(HEADER));
	for (unsigned step = 0; step < 1500; step++) {
		websocket_step(&w, c, &dice, &ups, &downs);
		check(&w, seed);
	}
	world_client_block(&w, c, false, 0);
	world_server_block(&w, c, false, 0);
	check(&w, seed);
	assert_false(c->is_paused);
	assert_false(c->server.is_paused);
	for (size_t i = 0; i < c->n_messages; i++)
		count_numbers(buf_slice(&c->message[i]), "<d xmlns='urn:d' n='", &seen, seed);
	assert_int_equal(seen, downs);
	seen = 0;
	count_numbers(buf_slice(&c->server.got), "<u xmlns='urn:u' n='", &seen, seed);
	assert_int_equal(seen, ups);
	assert_int_equal(c->server.session->confirmed.stanzas, downs);
	assert_true(ups > 100 && downs > 100);
	world_fini(&w);
}

static void
websocket_lives(void **state)
{
	(void) state;
	for (unsigned seed = 1; seed <= 30; seed++)
		websocket_life(seed);
}

/* Nobody keeps any rule */

static const char *const bodies[] = {
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'/>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'/>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'><a/><b xmlns='urn:b'/></body>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s' pause='20'/>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s' pause='0'><a/></body>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s' type='terminate'><a/></body>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s' xmlns:x='" BODY_NS_XMPP "' x:restart='true'/>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'><stream xmlns='" XML_NS_STREAMS "'/></body>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'>text</body>",
	"<body xmlns='" BODY_NS "' rid='%u' sid='%s'><a></body>",
};
static const char *const messages[] = {
	"<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>",
	"<open xmlns='" WEBSOCKET_NS "' to='example.org' version='1.0'/>",
	"<open xmlns='" WEBSOCKET_NS "' to='example.net' version='1.0'/>",
	"<close xmlns='" WEBSOCKET_NS "'/>",
	"<message xmlns='jabber:client'/>",
	"<message xmlns='jabber:client'/>",
	"<message xmlns='jabber:client'/>",
	"<features xmlns='" XML_NS_STREAMS "'/>",
	"<a><b></a>",
};
static const char *const speeches[] = {
	HEADER,
	HEADER,
	"<message><body>hi</body></message><iq/>",
	"<message/>",
	"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
	"<message><body>hi</b",
	"ody></message>",
	"</stream:stream>",
	"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
	" ",
};

static void
wild_bosh(struct world *w, struct client *c, struct dice *dice)
{
	char text[512];
	unsigned rid = 1001 + (unsigned) c->n_requests / 2 + dice_roll(dice, 4) - dice_roll(dice, 2);

	if (dice_roll(dice, 5) == 0 && c->n_requests > 0) {
		struct request *r = &c->request[dice_roll(dice, (unsigned) c->n_requests)];
		if (r->state == REQUEST_OPEN)
			world_lose(w, c, r);
		return;
	}
	snprintf(text, sizeof text, bodies[dice_roll(dice, COUNT(bodies))], rid, c->sid);
	world_post(w, c, dice_roll(dice, w->n_workers), rid, slice_str(text));
}

static void
wild_websocket(struct world *w, struct client *c, struct dice *dice)
{
	if (c->is_gone)
		return;
	if (c->is_hung_up || dice_roll(dice, 20) == 0)
		world_client_gone(w, c);
	else if (dice_roll(dice, 4) == 0)
		world_client_block(w, c, dice_roll(dice, 2), dice_roll(dice, 3));
	else if (!c->is_paused)
		world_say(w, c, slice_str(messages[dice_roll(dice, COUNT(messages))]));
}

static void
wild_server(struct world *w, struct client *c, struct dice *dice)
{
	if (c->server.state == REMOTE_ASKED) {
		if (dice_roll(dice, 8) == 0)
			world_upstream_gone(w, c);
		else
			world_connect(w, c, dice_roll(dice, 2));
	} else if (c->server.state == REMOTE_CONNECTED) {
		if (dice_roll(dice, 30) == 0)
			world_upstream_gone(w, c);
		else if (dice_roll(dice, 4) == 0)
			world_server_block(w, c, dice_roll(dice, 2), dice_roll(dice, 100));
		else if (!c->server.is_paused)
			world_upstream(w, c, slice_str(speeches[dice_roll(dice, COUNT(speeches))]));
	}
}

static void
wild_end(struct world *w, unsigned seed)
{
	world_shutdown(w);
	for (unsigned turn = 0; turn < 20; turn++) {
		world_time(w, 20000);
		for (unsigned i = 0; i < w->n_clients; i++)
			if (w->client[i].is_hung_up && !w->client[i].is_gone)
				world_client_gone(w, &w->client[i]);
		check(w, seed);
	}
	assert_int_equal(world_sessions(w), 0);
	for (unsigned i = 0; i < w->n_clients; i++)
		for (size_t j = 0; j < w->client[i].n_requests; j++)
			assert_int_not_equal(w->client[i].request[j].state, REQUEST_OPEN);
}

static void
wild_life(unsigned seed)
{
	static const char creation[] = "<body xmlns='" BODY_NS "' rid='1000' to='example.org' hold='2'/>";
	static struct world w;
	struct dice dice = {seed};
	char name[] = "a";

	begin(&w, 2);
	for (; name[0] < 'a' + WORLD_CLIENTS; name[0]++) {
		struct client *c = world_add_client(&w, slice_str(name), name[0] % 2);
		if (!c->is_websocket)
			world_post(&w, c, dice_roll(&dice, 2), 1000, slice_str(creation));
	}
	for (unsigned step = 0; step < 400; step++) {
		struct client *c = &w.client[dice_roll(&dice, WORLD_CLIENTS)];
		unsigned what = dice_roll(&dice, 16);
		if (what == 0)
			world_time(&w, (ms_t) dice_roll(&dice, 2000));
		else if (what < 8)
			wild_server(&w, c, &dice);
		else if (c->is_websocket)
			wild_websocket(&w, c, &dice);
		else
			wild_bosh(&w, c, &dice);
		check(&w, seed);
	}
	wild_end(&w, seed);
	world_fini(&w);
}

static void
wild_lives(void **state)
{
	(void) state;
	for (unsigned seed = 1; seed <= 100; seed++)
		wild_life(seed);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bosh_lives),
		cmocka_unit_test(websocket_lives),
		cmocka_unit_test(wild_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
