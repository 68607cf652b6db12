#include "unit.h"

#include "conf/conf_read.h"
#include "session/registry.h"
#include "sha1.h"

#define WORKERS 3

/* An outlet that only counts. */
struct tally {
	unsigned replies, cuts, status, connects, disconnects, hangups, freed;
	char last[256]; /* the last answer */
	struct session *connecting;
	unsigned char random;
};

static void
on_reply(void *arg, const struct reply *reply)
{
	struct tally *t = arg;

	t->status = reply->status;
	t->replies++;
	snprintf(t->last, sizeof t->last, "%.*s", SLICE_ARG(reply->body));
}

static void
on_cut(void *arg, struct req_id req)
{
	(void) req;
	((struct tally *) arg)->cuts++;
}

static bool
on_send(void *arg, struct session *s, struct stanza *st)
{
	(void) arg;
	(void) s;
	(void) st;
	return true;
}

static void
on_hangup(void *arg, struct session *s, unsigned code)
{
	(void) s;
	(void) code;
	((struct tally *) arg)->hangups++;
}

static void
on_pause(void *arg, struct session *s, bool pause)
{
	(void) arg;
	(void) s;
	(void) pause;
}

static void
on_connect(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct tally *t = arg;

	(void) domain;
	t->connects++;
	t->connecting = s;
}

static void
on_settle(void *arg, struct session *s)
{
	(void) arg;
	(void) s;
}

static bool
on_pass_on(void *arg, struct session *s, enum closing reason, const char *why)
{
	(void) arg;
	(void) s;
	(void) reason;
	(void) why;
	return false;
}

static size_t
on_write(void *arg, struct session *s, const struct iovec *v, int n)
{
	size_t total = 0;

	(void) arg;
	(void) s;
	for (int i = 0; i < n; i++)
		total += v[i].iov_len;
	return total;
}

static void
on_disconnect(void *arg, struct session *s)
{
	(void) s;
	((struct tally *) arg)->disconnects++;
}

static void
fake_random(void *arg, void *bytes, size_t n)
{
	static const unsigned prime = 31;
	struct tally *t = arg;

	for (size_t i = 0; i < n; i++)
		((unsigned char *) bytes)[i] = t->random = (unsigned char) (t->random * prime + 7);
	t->random++;
}

static bool
same(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (domain.n >= room)
		return false;
	memcpy(out, domain.p, domain.n);
	out[domain.n] = '\0';
	return true;
}

static size_t
no_bytes(void *arg, struct slice text, char *out, size_t room)
{
	(void) arg;
	(void) text;
	(void) out;
	(void) room;
	return 0;
}

static bool
no_base64(void *arg, struct slice text, size_t n)
{
	(void) arg;
	(void) text;
	(void) n;
	return false;
}

struct fixture {
	struct tally tally;
	struct outlet outlet;
	struct hooks hooks;
	struct counters counters[WORKERS];
	struct conf *conf;
	struct quota *quota;
	struct context context[WORKERS];
	struct registry *r[WORKERS];
};

static void
begin(struct fixture *f)
{
	struct buf errors;

	memset(f, 0, sizeof *f);
	f->hooks = (struct hooks){&f->tally, fake_random, same, no_base64, no_bytes, sha1_hash};
	f->outlet = (struct outlet){
		.answers = &f->tally,
		.arg = &f->tally,
		.reply = on_reply,
		.cut = on_cut,
		.send = on_send,
		.hangup = on_hangup,
		.pause_client = on_pause,
		.connect = on_connect,
		.settle = on_settle,
		.pass_on = on_pass_on,
		.write = on_write,
		.pause_upstream = on_pause,
		.disconnect = on_disconnect,
	};
	buf_init(&errors, 4096);
	assert_int_equal(
		conf_read(&f->conf,
			SLICE("{\"domains\": {\"example.org\": {\"connect\": \"xmpp://127.0.0.1\"}}, \"limits\": {\"connect_timeout\": 0, \"auth_timeout\": 0}}"),
			"conf", NULL, &errors),
		0);
	buf_fini(&errors);
	f->quota = quota_new(0, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		f->context[i] = (struct context){
			.node = "n",
			.self = {7, i},
			.n_workers = WORKERS,
			.first_number = 1000,
			.hooks = &f->hooks,
			.counters = &f->counters[i],
			.quota = f->quota,
		};
		context_set_conf(&f->context[i], f->conf);
		f->r[i] = registry_new(&f->context[i], &f->outlet);
	}
}

static void
end(struct fixture *f)
{
	for (unsigned i = 0; i < WORKERS; i++)
		registry_free(f->r[i]);
	registry_free(NULL);
	quota_free(f->quota);
	conf_unref(f->conf);
}

static const char creation[] = "<body xmlns='" BODY_NS "' rid='1' to='example.org'/>";

static const struct peer peer = {.kind = PEER_UNKNOWN};

/* sid: room for the one that was found. */
static enum registry_verdict
post_sid(struct fixture *f, unsigned worker, const char *body, ms_t now, unsigned *owner, char sid[SID_MAX])
{
	static uint64_t use;
	struct slice copy = exact(slice_str(body));
	const struct post post = {.id = {{7, worker}, 1, ++use}, .peer = peer, .body = copy};
	struct owner found = {0, 99};
	enum registry_verdict verdict = registry_post(f->r[worker], &post, now, sid, &found);

	exact_free(copy);
	while (registry_run(f->r[worker], now))
		;
	assert_true(verdict == REGISTRY_TAKEN || found.generation == 7);
	*owner = verdict == REGISTRY_FORWARD ? found.worker : worker;
	return verdict;
}

static enum registry_verdict
post(struct fixture *f, unsigned worker, const char *body, ms_t now, unsigned *owner)
{
	char sid[SID_MAX];

	return post_sid(f, worker, body, now, owner, sid);
}

/* Something happens to a request that named this sid. */
static enum registry_verdict
news(struct fixture *f, unsigned worker, struct slice sid, enum req_event event, struct owner *owner)
{
	const struct news news = {.id = {{7, worker}, 1, 1}, .sid = sid, .fate = {.event = event}};

	return registry_news(f->r[worker], &news, 5, owner);
}

static void
freed(void *arg, struct session *s)
{
	(void) s;
	((struct tally *) arg)->freed++;
}

/* Nothing to do, nothing to free. */
static void
empty(void **state)
{
	static struct fixture f;
	struct owner owner;

	(void) state;
	begin(&f);
	assert_true(registry_deadline(f.r[0]) == MS_NEVER);
	registry_expire(f.r[0], MS_NEVER - 1);
	registry_reap(f.r[0], freed, &f.tally);
	registry_close_all(f.r[0], CLOSING_SHUTDOWN, 5);
	assert_int_equal(news(&f, 0, SLICE_NONE, REQ_GONE, &owner), REGISTRY_TAKEN);
	assert_int_equal(news(&f, 0, SLICE("n.7.0.x"), REQ_GONE, &owner), REGISTRY_TAKEN);
	assert_int_equal(news(&f, 0, SLICE("n.7.2.x"), REQ_HURRY, &owner), REGISTRY_FORWARD);
	assert_int_equal(owner.worker, 2);
	assert_int_equal(registry_count(f.r[0]), 0);
	assert_int_equal(f.tally.freed, 0);
	end(&f);
}

/* The sessions' numbers are for people: no two of a process are the same, whichever worker has them,
 * and all are above those of an earlier one. */
static void
numbers(void **state)
{
	static struct fixture f;
	uint64_t seen[4 * WORKERS];
	unsigned n = 0, owner;

	(void) state;
	begin(&f);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < WORKERS; i++) {
			if (round % 2 == 0) {
				assert_int_equal(post(&f, i, creation, 10, &owner), REGISTRY_TAKEN);
				seen[n] = f.tally.connecting->number;
			} else {
				seen[n] = registry_websocket(f.r[i], &peer, 10)->number;
			}
			for (unsigned k = 0; k < n; k++)
				assert_true(seen[k] != seen[n]);
			assert_true(seen[n] > 1000 && seen[n] <= 1000 + 5 * WORKERS);
			n++;
		}
	}
	assert_int_equal(registry_count(f.r[1]), 4);
	end(&f); /* with all of them alive */
}

/* Whose a request is: as its bytes say, or the parser; this worker's unless they name another that exists. */
static void
owner(void **state)
{
	static const struct {
		const char *body;
		unsigned owner;
		const char *sid;
	} row[] = {
		{"<body sid='n.7.0.x'/>", 0, "n.7.0.x"}, {"<body sid='n.7.2.x'/>", 2, "n.7.2.x"},
		{"<body sid='n.7.3.x'/>", 1, "n.7.3.x"}, /* no such worker */
		{"<body sid='n.8.2.x'/>", 1, "n.8.2.x"}, /* another process */
		{"<body sid='m.7.2.x'/>", 1, "m.7.2.x"},
		{"<body xmlns='" BODY_NS "' rid='1' sid='&#x6e;.7.2.x'/>", 2, "n.7.2.x"}, /* only the parser knows */
		{"<!DOCTYPE a><body sid='n.7.2.x'/>", 2, "n.7.2.x"}, {"<body>sid='n.7.2.x'</body>", 1, ""},
		{"<body/>", 1, ""}, {"", 1, ""},
		{"<body sid='n.7.1.0123456789012345678901234567890123456789012345678901234567890123456789012345'/>", 1,
			""}, /* longer than any of ours */
	};
	static struct fixture f;

	(void) state;
	begin(&f);
	for (size_t i = 0; i < COUNT(row); i++) {
		char sid[SID_MAX];
		unsigned to;
		enum registry_verdict verdict = post_sid(&f, 1, row[i].body, 10, &to, sid);
		assert_row(to == row[i].owner, row[i].body);
		assert_row(verdict == (row[i].owner == 1 ? REGISTRY_TAKEN : REGISTRY_FORWARD), row[i].body);
		assert_string_equal(sid, row[i].sid);
	}
	end(&f);
}

/* A request for another worker is left alone, and counted by nobody here. */
static void
forward(void **state)
{
	static struct fixture f;
	unsigned to = 99;

	(void) state;
	begin(&f);
	assert_int_equal(post(&f, 1, "<body xmlns='" BODY_NS "' rid='2' sid='n.7.2.x'/>", 10, &to), REGISTRY_FORWARD);
	assert_int_equal(to, 2);
	assert_int_equal(f.tally.replies, 0);
	assert_int_equal(post(&f, 2, "<body xmlns='" BODY_NS "' rid='2' sid='n.7.2.x'/>", 10, &to), REGISTRY_TAKEN);
	assert_int_equal(f.tally.replies, 1);
	assert_string_equal(f.tally.last, "<body xmlns='" BODY_NS "' type='terminate' condition='item-not-found'/>");
	assert_int_equal(f.counters[1].bosh_unknown_sid, 0);
	assert_int_equal(f.counters[2].bosh_unknown_sid, 1);
	end(&f);
}

/* Sessions come due in the order of their deadlines, and only those that are due are ended. */
static void
deadlines(void **state)
{
	static struct fixture f;
	unsigned to, n = 3000;

	(void) state;
	begin(&f);
	for (unsigned i = 0; i < n; i++)
		post(&f, 0, creation, (ms_t) (1000 + i), &to);
	assert_int_equal(f.tally.connects, n);
	assert_true(registry_deadline(f.r[0]) == 1000 + 50000);
	registry_expire(f.r[0], 51000 + 9);
	assert_int_equal(f.tally.replies, 10);
	assert_true(registry_deadline(f.r[0]) == 51000 + 10);
	registry_expire(f.r[0], 51000 + n);
	assert_int_equal(f.tally.replies, n);
	/* All have been answered; without a word from their clients they end. */
	registry_expire(f.r[0], 400000);
	registry_expire(f.r[0], 400001);
	registry_reap(f.r[0], freed, &f.tally);
	assert_int_equal(f.tally.freed, n);
	assert_int_equal(f.tally.disconnects, n);
	assert_int_equal(registry_count(f.r[0]), 0);
	assert_true(registry_deadline(f.r[0]) == MS_NEVER);
	end(&f);
}

/* Everybody is told at the end; who is done is reaped once, and only by registry_reap(). */
static void
close_all(void **state)
{
	static struct fixture f;
	struct session *w;
	unsigned to;

	(void) state;
	begin(&f);
	for (unsigned i = 0; i < 5; i++)
		post(&f, 0, creation, 10, &to);
	w = registry_websocket(f.r[0], &peer, 10);
	registry_close_all(f.r[0], CLOSING_SHUTDOWN, 20);
	registry_close_all(f.r[0], CLOSING_SHUTDOWN, 20);
	assert_int_equal(f.tally.replies, 5);
	assert_int_equal(f.tally.hangups, 1);
	assert_string_equal(f.tally.last, "<body xmlns='" BODY_NS "' type='terminate' condition='system-shutdown'/>");
	session_client_gone(w, 21);
	assert_int_equal(registry_count(f.r[0]), 6);
	registry_expire(f.r[0], 20000);
	registry_reap(f.r[0], freed, &f.tally);
	registry_reap(f.r[0], freed, &f.tally);
	assert_int_equal(f.tally.freed, 6);
	assert_int_equal(registry_count(f.r[0]), 0);
	end(&f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(numbers),
		cmocka_unit_test(owner),
		cmocka_unit_test(forward),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
