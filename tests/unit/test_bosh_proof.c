/*
 * What a BOSH client is taken to have (proof.c), with
 * models of clients that there are, on networks that lose requests and answers,
 * with and without a word: never more than the model has, and in the end all of
 * it.  Pages are loaded anew; what the old one may not have read comes again.
 *
 *      Strophe    at most two requests, less than "requests" apart; after a page was loaded anew less than five
 *      stanza     two connections in turn, with a hold of two
 *      hold 2     three requests
 *
 * Left out is what cannot be told: a new page whose first request overtakes the
 * news that the old one has left, or which comes while no request was held, so
 * that there is none to miss.
 */
#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "proto/bosh/bosh.h"

#define FIRST_RID 1000
#define RESTORED_WINDOW 5

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {100000, 20};

struct model {
	const char *name;
	unsigned hold, max_open, window;
	bool reloads;
};

enum { MAX_QUEUE = 8, MAX_STANZAS = 4096, MAX_UNREAD = 4096 };

enum way {
	WAY_UNSENT,
	WAY_FLYING,
	WAY_THERE, /* at the server */
};

struct ask {
	uint64_t rid;
	unsigned number; /* of this copy of the request */
	enum way way;
	bool has_been_there;
};

struct world {
	const struct model *model;
	struct bosh *b;
	struct body_reader *reader;
	struct dice dice;
	ms_t now;
	unsigned window, n_numbers;
	uint64_t next, arrived; /* rid of the next request; the highest that has arrived */
	struct ask queue[MAX_QUEUE];
	unsigned n_queue;
	unsigned unread[MAX_UNREAD], n_unread; /* copies whose answer nobody read, and whose news is on its way ... */
	unsigned silent[MAX_UNREAD], n_silent; /* ... or does not come while the page is there */
	unsigned given, received[MAX_STANZAS], reloads, losses;
	bool is_calm;
};

static struct req_id
req(unsigned number)
{
	return (struct req_id){.slot = number, .use = 1};
}

static void
receive(struct world *w, struct slice body)
{
	char *text = strndup(body.p, body.n), *p = text;

	while ((p = strstr(p, "<m n='")) != NULL)
		w->received[strtoul(p += 6, NULL, 10)]++;
	free(text);
}

static void
take_out(struct world *w, unsigned i)
{
	memmove(&w->queue[i], &w->queue[i + 1], (w->n_queue - i - 1) * sizeof *w->queue);
	w->n_queue--;
}

static void
on_answer(struct world *w, const struct bosh_answer *a)
{
	unsigned fate = w->is_calm ? 9 : dice_roll(&w->dice, 10);

	assert_null(memmem(a->body.p, a->body.n, "terminate", 9));
	for (unsigned i = 0; i < w->n_queue; i++) {
		if (w->queue[i].number != a->req.slot || w->queue[i].way != WAY_THERE)
			continue;
		if (fate > 2) {
			receive(w, a->body);
			take_out(w, i);
			return;
		}
		w->losses++;
		w->queue[i].way = WAY_UNSENT;
		if (fate == 0)
			w->unread[w->n_unread++] = a->req.slot;
		else
			w->silent[w->n_silent++] = a->req.slot;
		assert_true(w->n_unread < MAX_UNREAD && w->n_silent < MAX_UNREAD);
		return;
	}
}

/* What is taken to be with the client is: the first ones, so many. */
static void
settle(struct world *w)
{
	struct bosh_answer a;
	uint64_t confirmed;

	bosh_flush(w->b, w->now);
	while (bosh_next_answer(w->b, &a))
		on_answer(w, &a);
	confirmed = bosh_confirmed(w->b).returnable;
	assert_true(confirmed <= w->given);
	for (uint64_t i = 0; i < confirmed; i++) {
		if (w->received[i] == 0)
			print_error("%s: %u is confirmed, of %u\n", w->model->name, (unsigned) i, w->given);
		assert_true(w->received[i] > 0);
	}
}

static void
arrive(struct world *w, unsigned i)
{
	struct ask *q = &w->queue[i];
	struct body *body;
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<body xmlns='" BODY_NS "' sid='SID' rid='%llu'/>", (unsigned long long) q->rid);
	assert_int_equal(body_read(w->reader, limits, buf_slice(&text), &body), CLOSING_NONE);
	buf_fini(&text);
	q->way = WAY_THERE;
	q->has_been_there = true;
	if (q->rid > w->arrived)
		w->arrived = q->rid;
	assert_int_equal(bosh_request(w->b, body, req(q->number), w->now), CLOSING_NONE);
	settle(w);
}

/* The client has something to say, or nothing open; what may be sent is. */
static void
act(struct world *w)
{
	unsigned wanted = w->n_queue == 0 ? 1 : dice_roll(&w->dice, 3);

	for (; wanted > 0 && w->n_queue < w->model->max_open; wanted--)
		w->queue[w->n_queue++] = (struct ask){.rid = w->next++};
	for (unsigned i = 0; i < w->n_queue && i < w->model->max_open; i++) {
		struct ask *q = &w->queue[i];
		if (q->way != WAY_UNSENT || q->rid - w->queue[0].rid >= w->window)
			continue;
		q->number = ++w->n_numbers;
		q->way = WAY_FLYING;
	}
}

/* Requests of one client overtake each other. */
static void
arrive_some(struct world *w)
{
	unsigned i = w->n_queue > 0 ? dice_roll(&w->dice, w->n_queue) : 0;

	if (w->n_queue == 0 || w->queue[i].way != WAY_FLYING)
		return;
	if (!w->is_calm && dice_roll(&w->dice, 8) == 0)
		w->queue[i].way = WAY_UNSENT;
	else
		arrive(w, i);
}

/* The connection of a request that is held breaks; we hear of it, or not. */
static void
break_one(struct world *w)
{
	unsigned i = w->n_queue > 0 ? dice_roll(&w->dice, w->n_queue) : 0;

	if (w->n_queue == 0 || w->queue[i].way != WAY_THERE)
		return;
	w->losses++;
	w->queue[i].way = WAY_UNSENT;
	if (dice_roll(&w->dice, 3) > 0)
		bosh_gone(w->b, req(w->queue[i].number), w->now);
	else
		w->silent[w->n_silent++] = w->queue[i].number;
	settle(w);
}

static void
hear_of_unread(struct world *w)
{
	if (w->n_unread == 0)
		return;
	bosh_gone(w->b, req(w->unread[--w->n_unread]), w->now);
	settle(w);
}

/* All connections of the old page are known to be gone when the new one comes. */
static void
reload(struct world *w)
{
	bool is_held = false;

	/* Where a rid is missing the next page could not go on. */
	for (unsigned i = 0; i < w->n_queue; i++) {
		if (!w->queue[i].has_been_there && w->queue[i].rid < w->arrived)
			return;
		is_held = is_held || w->queue[i].way == WAY_THERE;
	}
	if (!is_held)
		return;
	w->reloads++;
	for (unsigned i = 0; i < w->n_queue; i++)
		if (w->queue[i].way == WAY_THERE)
			bosh_gone(w->b, req(w->queue[i].number), w->now);
	while (w->n_unread > 0)
		bosh_gone(w->b, req(w->unread[--w->n_unread]), w->now);
	while (w->n_silent > 0)
		bosh_gone(w->b, req(w->silent[--w->n_silent]), w->now);
	w->n_queue = 0;
	w->next = w->arrived + 1;
	w->window = RESTORED_WINDOW;
	settle(w);
}

static void
give(struct world *w)
{
	struct stanza *st;
	char text[40];

	if (w->given == MAX_STANZAS)
		return;
	snprintf(text, sizeof text, "<m n='%u'/>", w->given++);
	st = stanza_copy(slice_str(text), STANZA_MESSAGE);
	st->is_returnable = true;
	bosh_give(w->b, &st);
	settle(w);
}

static void
pass_time(struct world *w, ms_t ms)
{
	ms_t end = w->now + ms;

	while (bosh_deadline(w->b) <= end) {
		w->now = bosh_deadline(w->b);
		assert_int_equal(bosh_expire(w->b, w->now), CLOSING_NONE);
		settle(w);
	}
	w->now = end;
}

static void
step(struct world *w)
{
	switch (dice_roll(&w->dice, 12)) {
	case 0:
	case 1:
	case 2:
		act(w);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		arrive_some(w);
		break;
	case 7:
		break_one(w);
		break;
	case 8:
		hear_of_unread(w);
		break;
	case 9:
		give(w);
		break;
	case 10:
		pass_time(w, dice_roll(&w->dice, 2) == 0 ? 20 : 2000);
		break;
	default:
		if (w->model->reloads && dice_roll(&w->dice, 10) == 0)
			reload(w);
	}
}

static void
begin(struct world *w, const struct model *model, uint64_t seed)
{
	static const struct bosh_settings settings = {
		.wait = 50000, .inactivity = INT64_C(1) << 50, .maxpause = 0, .hold = 2};
	struct bosh_answer a;
	struct body *body;
	struct buf text;
	struct stanza *features = stanza_copy(SLICE("<f/>"), STANZA_FEATURES);

	*w = (struct world){
		.model = model, .dice = {seed}, .now = 1000000, .next = FIRST_RID + 1, .arrived = FIRST_RID};
	w->window = model->window;
	w->b = bosh_new(&settings, NULL, SLICE("SID"), &silent);
	w->reader = body_reader_new(readers()->documents);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<body xmlns='" BODY_NS "' rid='%u' to='example.org' hold='%u'/>", FIRST_RID, model->hold);
	assert_int_equal(body_read(w->reader, limits, buf_slice(&text), &body), CLOSING_NONE);
	buf_fini(&text);
	assert_int_equal(bosh_request(w->b, body, req(++w->n_numbers), w->now), CLOSING_NONE);
	stanza_free(bosh_next_up(w->b));
	bosh_give(w->b, &features);
	bosh_flush(w->b, w->now);
	assert_true(bosh_next_answer(w->b, &a));
	bosh_seek(w->b, SEEK_CALMLY);
}

static void
live(const struct model *model, uint64_t seed, unsigned *losses, unsigned *reloads)
{
	static struct world w;

	begin(&w, model, seed);
	for (unsigned i = 0; i < 3000; i++)
		step(&w);
	/* On a network that is good again all is proven, within some releases, without the client having anything to say. */
	w.is_calm = true;
	while (w.n_unread > 0)
		hear_of_unread(&w);
	for (unsigned turn = 0; bosh_confirmed(w.b).returnable < w.given; turn++) {
		assert_true(turn < 40);
		for (unsigned i = 0; i < 20; i++) {
			act(&w);
			arrive_some(&w);
		}
		pass_time(&w, 2000);
	}
	for (unsigned i = 0; i < w.given; i++)
		assert_true(w.received[i] == 1 || (w.received[i] > 1 && w.reloads > 0));
	*losses += w.losses;
	*reloads += w.reloads;
	bosh_free(w.b);
	body_reader_free(w.reader);
}

static void
models(void **state)
{
	static const struct model all[] = {
		{"Strophe", 1, 2, 2, false},
		{"Strophe, pages loaded anew", 1, 2, 2, true},
		{"stanza", 2, 2, 2, false},
		{"stanza, pages loaded anew", 2, 2, 2, true},
		{"hold 2", 2, 3, 3, false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(all); i++) {
		unsigned losses = 0, reloads = 0;
		for (uint64_t seed = 1; seed <= 60; seed++)
			live(&all[i], seed * 1000, &losses, &reloads);
		assert_true(losses > 1000);
		assert_true(reloads > 100 || !all[i].reloads);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
