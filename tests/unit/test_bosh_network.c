/*
 * The rules of bosh.h under random circumstances: requests that overtake each
 * other, connections that break with or without notice or before the answer
 * that is given to them, repeats, stanzas and time in any order, with keys and
 * acknowledgements or without.  Whatever happens, each stanza arrives once and
 * in order.
 */
#include "readers.h"
#include "unit.h"

#include "base/buf.h"
#include "proto/bosh/bosh.h"
#include "sha1.h"

#define EMPTY "<body xmlns='" BODY_NS "'/>"
#define RECOVERABLE "<body xmlns='" BODY_NS "' type='error'"
#define KEYS 40 /* of one sequence */
#define FIRST_RID 1000
#define START 1000000
#define WAIT 5000

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {100000, 20};

static struct req_id
req(unsigned number)
{
	return (struct req_id){.slot = number, .use = 1};
}

/* How often the rare things happened. */
struct counts {
	unsigned replays, recovered, given_up, lost, early, up, down, acks, reports, unread, taken_back;
};

enum { MAX_OPEN = 64, MAX_RIDS = 4096 };

/* A request on its way or at the server. */
struct travel {
	unsigned number;
	uint64_t rid;
	bool has_arrived, is_lost, is_gone, is_superseded;
	bool is_unread; /* it has an answer that nobody reads, and the news of that is on its way */
	ms_t arrived;
	uint64_t heard; /* what it acknowledges */
};

/* A client that keeps to the rules on a network that does not. */
struct world {
	struct bosh *b;
	struct body_reader *reader;
	struct dice dice;
	ms_t now;
	unsigned hold, requests, n_requests;
	bool has_keys, has_acks;
	uint64_t heard; /* the client has said that it has all answers up to this one */
	struct travel travel[MAX_OPEN];
	unsigned n_travel;
	uint64_t base, next, arrived_next,
		last_answered; /* rids: all below base are processed; next to send; first not at the server */
	struct {
		unsigned first_up, n_up;
		uint64_t heard;
		bool has_arrived, is_received;
		bool is_given, is_gone,
			is_doubtful; /* as an answer; and it is known to be unread; or cannot be known */
		char *bytes;
	} rid[MAX_RIDS];
	unsigned up_made, up_seen, down_made, down_seen;
	struct counts *counts;
};

static void
travel_end(struct world *w, unsigned i)
{
	w->travel[i] = w->travel[--w->n_travel];
}

static bool
travel_is_live(const struct travel *t)
{
	return t->has_arrived && !t->is_gone && !t->is_superseded && !t->is_unread;
}

/* The client works off answers in the order of the rids (14.2). */
static void
process_answers(struct world *w)
{
	while (w->base < w->next && w->rid[w->base % MAX_RIDS].is_received) {
		const char *p = w->rid[w->base % MAX_RIDS].bytes;
		while ((p = strstr(p, "<s n='")) != NULL) {
			p += strlen("<s n='");
			assert_int_equal(strtoul(p, NULL, 10), w->down_seen);
			w->down_seen++;
		}
		for (unsigned i = w->n_travel; i > 0; i--)
			if (w->travel[i - 1].rid == w->base && !w->travel[i - 1].has_arrived)
				travel_end(w, i - 1);
		w->base++;
	}
}

/* 9.1: the highest rid that came, all before it being there too, if it is not this one; 9.2: only what was lost. */
static void
check_acks(struct world *w, uint64_t rid, const char *bytes)
{
	const char *ack = strstr(bytes, " ack='"), *report = strstr(bytes, " report='");

	if (ack == NULL)
		assert_true(!w->has_acks || w->arrived_next == rid + 1);
	else
		assert_true(strtoull(ack + 6, NULL, 10) == w->arrived_next - 1 && w->arrived_next - 1 > rid);
	w->counts->acks += ack != NULL;
	if (report == NULL)
		return;
	rid = strtoull(report + 9, NULL, 10);
	w->counts->reports++;
	assert_true(w->has_acks && rid > w->heard && rid <= w->last_answered);
	assert_true(strtoull(strstr(report, " time='") + 7, NULL, 10) >= 2000);
}

/* What was said to a rid is said again, unless it is known that nobody has read it. */
static void
keep_answer(struct world *w, uint64_t rid, char *bytes, bool is_replay)
{
	char *before = w->rid[rid % MAX_RIDS].bytes;

	if (before != NULL && strcmp(before, bytes) == 0) {
		free(bytes);
		return;
	}
	if (before != NULL) {
		assert_true(w->rid[rid % MAX_RIDS].is_gone && strstr(before, "<s ") != NULL);
		w->counts->taken_back++;
	}
	/* Answered when nobody was there to hear it: then it had no payload. */
	if (is_replay && !w->has_acks)
		assert_string_equal(bytes, EMPTY);
	if (is_replay)
		assert_null(strstr(bytes, "<s "));
	if (!is_replay)
		check_acks(w, rid, bytes);
	free(before);
	w->rid[rid % MAX_RIDS].bytes = bytes;
}

/* Was it read?  If not, the news of that may come later. */
static void
give_answer(struct world *w, unsigned i)
{
	struct travel *t = &w->travel[i];
	unsigned slot = t->rid % MAX_RIDS;

	if (w->rid[slot].is_given && !w->rid[slot].is_gone)
		w->rid[slot].is_doubtful = true;
	w->rid[slot].is_given = true;
	w->rid[slot].is_gone = false;
	if (dice_roll(&w->dice, 6) == 0 && w->n_travel < MAX_OPEN / 2) {
		t->is_unread = true;
		w->counts->unread++;
		return;
	}
	if (!t->is_lost && dice_roll(&w->dice, 10) > 0)
		w->rid[slot].is_received = true;
	travel_end(w, i);
}

static void
one_answer(struct world *w, const struct bosh_answer *a, bool is_replay)
{
	unsigned i = 0;
	struct travel *t;
	char *bytes = strndup(a->body.p, a->body.n);

	while (i < w->n_travel && w->travel[i].number != a->req.slot)
		i++;
	/* Each request is answered once, and not after its connection was reported gone. */
	assert_true(i < w->n_travel);
	t = &w->travel[i];
	assert_true(t->has_arrived && !t->is_gone && !t->is_unread);
	if (strncmp(bytes, RECOVERABLE, strlen(RECOVERABLE)) == 0) {
		/* Another copy of it waits now, or one before it has not come in time. */
		assert_true(t->is_superseded || (t->rid > w->arrived_next && w->now == t->arrived + WAIT));
		w->counts->recovered += t->is_superseded;
		w->counts->given_up += !t->is_superseded;
		free(bytes);
		travel_end(w, i);
		return;
	}
	assert_false(t->is_superseded);
	if (!is_replay) {
		assert_true(t->rid > w->last_answered || w->rid[t->rid % MAX_RIDS].is_gone);
		assert_true(t->rid < w->arrived_next);
		w->last_answered = t->rid;
	}
	keep_answer(w, t->rid, bytes, is_replay);
	give_answer(w, i);
	process_answers(w);
}

static void
settle(struct world *w, bool is_replay)
{
	struct bosh_answer a;
	struct stanza *st;
	unsigned live = 0;

	while ((st = bosh_next_up(w->b)) != NULL) {
		char want[40];
		snprintf(want, sizeof want, "<u n='%u'/>", w->up_seen++);
		assert_slice(stanza_slice(st), want);
		stanza_free(st);
	}
	bosh_flush(w->b, w->now);
	while (bosh_next_answer(w->b, &a)) {
		one_answer(w, &a, is_replay);
		is_replay = false;
	}
	/* Held are those in order; one more while the server may answer. */
	for (unsigned i = 0; i < w->n_travel; i++) {
		const struct travel *t = &w->travel[i];
		if (!travel_is_live(t))
			continue;
		/* Nobody waits longer, also not those that came early. */
		assert_true(w->now < t->arrived + WAIT);
		live += t->rid < w->arrived_next;
	}
	assert_true(live <= w->hold + 1);
	/* A deadline that is past would keep the timer running. */
	assert_true(bosh_deadline(w->b) > w->now);
}

/* The n-th request shows K(KEYS - n); at the end of a sequence the next one begins (15.5). */
static void
append_keys(struct buf *text, uint64_t rid)
{
	uint64_t n = rid - FIRST_RID;
	char key[SHA1_HEX], seed[20];

	snprintf(seed, sizeof seed, "seed %u", (unsigned) ((n > 0 ? n - 1 : 0) / (KEYS - 1)));
	if (n > 0) {
		sha1_key(seed, KEYS - 1 - (unsigned) (n - 1) % (KEYS - 1), key);
		buf_printf(text, " key='%s'", key);
	}
	if (n % (KEYS - 1) == 0) {
		snprintf(seed, sizeof seed, "seed %u", (unsigned) (n / (KEYS - 1)));
		sha1_key(seed, KEYS, key);
		buf_printf(text, " newkey='%s'", key);
	}
}

static void
arrive(struct world *w, unsigned i)
{
	struct travel *t = &w->travel[i];
	unsigned replays = bosh_replays(w->b);
	struct body *body;
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<body xmlns='" BODY_NS "' rid='%llu'", (unsigned long long) t->rid);
	if (w->has_keys)
		append_keys(&text, t->rid);
	if (w->has_acks && t->heard + 1 != t->rid)
		buf_printf(&text, " ack='%llu'", (unsigned long long) t->heard);
	buf_append_char(&text, '>');
	for (unsigned k = 0; k < w->rid[t->rid % MAX_RIDS].n_up; k++)
		buf_printf(&text, "<u n='%u'/>", w->rid[t->rid % MAX_RIDS].first_up + k);
	buf_append_str(&text, "</body>");
	assert_int_equal(body_read(w->reader, limits, buf_slice(&text), &body), CLOSING_NONE);
	buf_fini(&text);
	for (unsigned k = 0; k < w->n_travel; k++)
		if (w->travel[k].rid == t->rid && w->travel[k].has_arrived)
			w->travel[k].is_superseded = true;
	t->has_arrived = true;
	t->arrived = w->now;
	w->counts->early += t->rid > w->arrived_next;
	w->rid[t->rid % MAX_RIDS].has_arrived = true;
	while (w->rid[w->arrived_next % MAX_RIDS].has_arrived && w->arrived_next < w->next) {
		if (w->rid[w->arrived_next % MAX_RIDS].heard > w->heard)
			w->heard = w->rid[w->arrived_next % MAX_RIDS].heard;
		w->arrived_next++;
	}
	assert_int_equal(bosh_request(w->b, body, req(t->number), w->now), CLOSING_NONE);
	settle(w, bosh_replays(w->b) > replays);
	/* What lost its connection and was replaced is nobody's any more. */
	for (unsigned k = w->n_travel; k > 0; k--)
		if (w->travel[k - 1].is_gone && w->travel[k - 1].is_superseded)
			travel_end(w, k - 1);
}

static void
send_request(struct world *w, uint64_t rid)
{
	assert_true(w->n_travel < MAX_OPEN);
	/* A repeat is an exact copy: it says what the first one said. */
	if (w->rid[rid % MAX_RIDS].heard == 0)
		w->rid[rid % MAX_RIDS].heard = w->base - 1;
	w->travel[w->n_travel++] =
		(struct travel){.number = ++w->n_requests, .rid = rid, .heard = w->rid[rid % MAX_RIDS].heard};
}

static void
new_request(struct world *w)
{
	unsigned slot = w->next % MAX_RIDS;

	if (w->next - w->base >= w->requests || w->n_travel + 2 >= MAX_OPEN)
		return;
	free(w->rid[slot].bytes);
	w->rid[slot].bytes = NULL;
	w->rid[slot].has_arrived = w->rid[slot].is_received = false;
	w->rid[slot].is_given = w->rid[slot].is_gone = w->rid[slot].is_doubtful = false;
	w->rid[slot].heard = 0;
	w->rid[slot].first_up = w->up_made;
	w->rid[slot].n_up = dice_roll(&w->dice, 3);
	w->up_made += w->rid[slot].n_up;
	send_request(w, w->next++);
}

/* The client asks again for what it has no answer to, sometimes although it still waits. */
static void
repeat_request(struct world *w)
{
	for (uint64_t rid = w->base; rid < w->next; rid++) {
		bool is_waiting = false;
		if (w->rid[rid % MAX_RIDS].is_received)
			continue;
		for (unsigned i = 0; i < w->n_travel; i++)
			is_waiting = is_waiting ||
				(w->travel[i].rid == rid && !w->travel[i].is_lost && !w->travel[i].is_superseded &&
					!w->travel[i].is_unread);
		if (!is_waiting || (dice_roll(&w->dice, 30) == 0 && w->n_travel < MAX_OPEN / 2))
			send_request(w, rid);
	}
}

/* The news that an answer was not read. */
static void
unread(struct world *w, unsigned i)
{
	struct travel t = w->travel[i];
	unsigned slot = t.rid % MAX_RIDS;

	travel_end(w, i);
	if (bosh_gone(w->b, req(t.number), w->now)) {
		assert_true(!t.is_superseded && !w->rid[slot].is_doubtful);
		w->rid[slot].is_gone = true;
	}
	settle(w, false);
}

static void
lose_connection(struct world *w, unsigned i)
{
	struct travel *t = &w->travel[i];

	if (t->is_unread) {
		unread(w, i);
		return;
	}
	w->counts->lost++;
	if (!t->has_arrived) {
		travel_end(w, i);
		return;
	}
	t->is_lost = true;
	/* The server may notice, or not. */
	if (!t->is_gone && dice_roll(&w->dice, 2) == 0) {
		assert_int_equal(bosh_gone(w->b, req(t->number), w->now), !t->is_superseded);
		t->is_gone = true;
		settle(w, false);
	}
}

static void
world_time(struct world *w, ms_t ms)
{
	ms_t end = w->now + ms;

	while (bosh_deadline(w->b) <= end) {
		w->now = bosh_deadline(w->b);
		assert_int_equal(bosh_expire(w->b, w->now), CLOSING_NONE);
		settle(w, false);
	}
	w->now = end;
	settle(w, false);
	if (ms >= 10) {
		unsigned live = 0;
		for (unsigned i = 0; i < w->n_travel; i++)
			live += travel_is_live(&w->travel[i]) && w->travel[i].rid < w->arrived_next;
		assert_true(live <= w->hold);
	}
}

static void
give_some(struct world *w)
{
	for (unsigned n = 1 + dice_roll(&w->dice, 3); n > 0; n--) {
		char text[40];
		struct stanza *st;
		snprintf(text, sizeof text, "<s n='%u'/>", w->down_made++);
		st = stanza_copy(slice_str(text), STANZA_MESSAGE);
		bosh_give(w->b, &st);
	}
	settle(w, false);
}

static void
random_step(struct world *w)
{
	unsigned i = w->n_travel > 0 ? dice_roll(&w->dice, w->n_travel) : 0;

	switch (dice_roll(&w->dice, 12)) {
	case 0:
	case 1:
	case 2:
		new_request(w);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		if (w->n_travel > 0 && !w->travel[i].has_arrived)
			arrive(w, i);
		break;
	case 7:
		if (w->n_travel > 0 && dice_roll(&w->dice, 2) == 0)
			lose_connection(w, i);
		break;
	case 8:
		repeat_request(w);
		break;
	case 9:
	case 10:
		give_some(w);
		break;
	default:
		world_time(w, dice_roll(&w->dice, 3) == 0 ? dice_roll(&w->dice, 7000) : dice_roll(&w->dice, 30));
	}
}

/* Without further losses everything gets there. */
static void
calm_down(struct world *w)
{
	for (unsigned i = w->n_travel; i > 0; i--)
		if (i <= w->n_travel && w->travel[i - 1].is_unread)
			unread(w, i - 1);
	for (unsigned turn = 0; w->up_seen < w->up_made || w->down_seen < w->down_made || w->base < w->next; turn++) {
		assert_true(turn < 10000);
		if (w->next == w->base)
			new_request(w);
		repeat_request(w);
		for (unsigned i = w->n_travel; i > 0; i--)
			if (i <= w->n_travel && !w->travel[i - 1].has_arrived)
				arrive(w, i - 1);
		world_time(w, 6000);
	}
}

static void
run_world(unsigned hold_wanted, uint64_t seed, unsigned steps, struct counts *counts)
{
	static const struct hooks hooks = {.sha1 = sha1_hash};
	static const struct bosh_settings settings = {
		.wait = WAIT, .inactivity = INT64_C(1) << 50, .maxpause = 0, .hold = 3};
	struct world *w = calloc(1, sizeof *w);
	struct bosh_answer a;
	struct body *body;
	struct buf text;

	w->has_keys = seed % 2 == 0;
	w->has_acks = seed % 3 == 0;
	w->counts = counts;
	w->b = bosh_new(&settings, &hooks, SLICE("SID"), &silent);
	w->reader = body_reader_new(readers()->documents);
	w->dice.state = seed;
	w->now = START;
	w->hold = hold_wanted;
	w->requests = hold_wanted + 1 > 2 ? hold_wanted + 1 : 2;
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, "<body xmlns='" BODY_NS "' rid='%u' to='example.org' hold='%u'", FIRST_RID, hold_wanted);
	if (w->has_keys)
		append_keys(&text, FIRST_RID);
	if (w->has_acks)
		buf_append_str(&text, " ack='1'");
	buf_append_str(&text, "/>");
	assert_int_equal(body_read(w->reader, limits, buf_slice(&text), &body), CLOSING_NONE);
	buf_fini(&text);
	assert_int_equal(bosh_request(w->b, body, req(1), w->now), CLOSING_NONE);
	stanza_free(bosh_next_up(w->b));
	struct stanza *features = stanza_copy(SLICE("<f/>"), STANZA_FEATURES);
	bosh_give(w->b, &features);
	bosh_flush(w->b, w->now);
	assert_true(bosh_next_answer(w->b, &a));
	w->n_requests = 1;
	w->last_answered = FIRST_RID;
	w->base = w->next = w->arrived_next = FIRST_RID + 1;

	for (unsigned i = 0; i < steps; i++)
		random_step(w);
	calm_down(w);
	w->counts->replays += bosh_replays(w->b);
	w->counts->up += w->up_seen;
	w->counts->down += w->down_seen;

	/* At the end everybody who still waits is told. */
	bosh_close(w->b, CLOSING_SHUTDOWN, w->now);
	while (bosh_next_answer(w->b, &a)) {
		unsigned i = 0;
		while (i < w->n_travel && w->travel[i].number != a.req.slot)
			i++;
		assert_true(i < w->n_travel && travel_is_live(&w->travel[i]));
		travel_end(w, i);
	}
	for (unsigned i = 0; i < w->n_travel; i++)
		assert_true(!w->travel[i].has_arrived || w->travel[i].is_gone || w->travel[i].is_unread);
	for (unsigned i = 0; i < MAX_RIDS; i++)
		free(w->rid[i].bytes);
	bosh_free(w->b);
	body_reader_free(w->reader);
	free(w);
}

static void
random_networks(void **state)
{
	struct counts counts = {.up = 0};

	(void) state;
	for (unsigned hold_wanted = 0; hold_wanted <= 3; hold_wanted++)
		for (uint64_t seed = 1; seed <= 6; seed++)
			run_world(hold_wanted, seed, 4000, &counts);
	/* The rare things did happen. */
	assert_true(counts.replays > 100);
	assert_true(counts.recovered > 100);
	assert_true(counts.lost > 1000);
	assert_true(counts.early > 300);
	assert_true(counts.given_up > 10);
	assert_true(counts.acks > 100);
	assert_true(counts.reports > 5);
	assert_true(counts.unread > 500);
	assert_true(counts.taken_back > 100);
	assert_true(counts.up > 3000);
	assert_true(counts.down > 5000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
