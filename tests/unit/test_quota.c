#include "session/quota.h"

#include "unit.h"

#define SEED 7
#define FOUR "192.0.2.1"
#define OTHER "192.0.2.2"

static struct peer
peer_at(const char *address)
{
	struct peer peer = {.is_client = true};

	assert_true(network_address(slice_str(address), peer.address));
	return peer;
}

static enum quota_verdict
enter(struct quota *q, const char *address, ms_t now, struct quota_ticket *ticket)
{
	struct peer peer = peer_at(address);

	return quota_enter(q, &peer, now, ticket).verdict;
}

static void
no_limits(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket ticket[100];

	(void) state;
	for (size_t i = 0; i < COUNT(ticket); i++) {
		assert_int_equal(enter(q, FOUR, 0, &ticket[i]), QUOTA_FINE);
		assert_int_equal(quota_failed(q, &ticket[i], 0).verdict, QUOTA_FINE);
	}
	for (size_t i = 0; i < COUNT(ticket); i++)
		quota_leave(q, &ticket[i]);
	quota_free(q);
}

static void
sessions_in_all(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket a, b, c;
	struct peer unknown = {.is_client = false};

	(void) state;
	quota_set_rules(q, (struct quota_rules){.sessions = 2});
	assert_int_equal(enter(q, FOUR, 0, &a), QUOTA_FINE);
	assert_int_equal(quota_enter(q, &unknown, 0, &b).verdict, QUOTA_FINE);
	assert_int_equal(enter(q, OTHER, 0, &c), QUOTA_SESSIONS);
	assert_int_equal(quota_enter(q, &unknown, 0, &c).verdict, QUOTA_SESSIONS);
	quota_leave(q, &b);
	assert_int_equal(enter(q, OTHER, 0, &c), QUOTA_FINE);
	/* A lower limit ends nobody. */
	quota_set_rules(q, (struct quota_rules){.sessions = 1});
	assert_int_equal(enter(q, OTHER, 0, &b), QUOTA_SESSIONS);
	quota_leave(q, &a);
	quota_leave(q, &c);
	quota_free(q);
}

/* The least of the two. */
static void
room(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket a, b;

	(void) state;
	quota_set_rules(q, (struct quota_rules){.sessions = 1});
	quota_set_room(q, 2);
	assert_int_equal(enter(q, FOUR, 0, &a), QUOTA_FINE);
	assert_int_equal(enter(q, FOUR, 0, &b), QUOTA_SESSIONS);
	quota_set_rules(q, (struct quota_rules){.sessions = 0});
	assert_int_equal(enter(q, FOUR, 0, &b), QUOTA_FINE);
	quota_leave(q, &b);
	quota_set_room(q, 1);
	assert_int_equal(enter(q, OTHER, 0, &b), QUOTA_ROOM);
	quota_leave(q, &a);
	assert_int_equal(enter(q, OTHER, 0, &b), QUOTA_FINE);
	quota_leave(q, &b);
	quota_free(q);
}

static void
sessions_of_an_address(void **state)
{
	static const struct {
		const char *first, *second;
		bool is_same;
	} rows[] = {
		{FOUR, FOUR, true},
		{FOUR, OTHER, false},
		{FOUR, "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct quota *q = quota_new(SEED, NULL);
		struct quota_ticket a, b;
		quota_set_rules(q, (struct quota_rules){.sessions_per_address = 1});
		assert_int_equal(enter(q, rows[i].first, 0, &a), QUOTA_FINE);
		assert_int_equal(enter(q, rows[i].second, 0, &b), rows[i].is_same ? QUOTA_ADDRESS : QUOTA_FINE);
		if (!rows[i].is_same)
			quota_leave(q, &b);
		quota_leave(q, &a);
		/* As before the first. */
		assert_int_equal(enter(q, rows[i].second, 0, &a), QUOTA_FINE);
		quota_leave(q, &a);
		quota_free(q);
	}
}

/* A proxy's own address, and nobody's, are not counted by address. */
static void
unknown_addresses(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket ticket[5];
	struct peer proxy = peer_at("127.0.0.1");

	(void) state;
	proxy.is_client = false;
	quota_set_rules(
		q, (struct quota_rules){.sessions_per_address = 1, .new_per_second = 1, .failures_per_minute = 1});
	for (size_t i = 0; i < COUNT(ticket); i++) {
		assert_int_equal(quota_enter(q, &proxy, 0, &ticket[i]).verdict, QUOTA_FINE);
		assert_int_equal(quota_failed(q, &ticket[i], 0).verdict, QUOTA_FINE);
	}
	for (size_t i = 0; i < COUNT(ticket); i++)
		quota_leave(q, &ticket[i]);
	assert_int_equal(quota_addresses(q), 0);
	quota_free(q);
}

/* Enters and leaves at once. */
static enum quota_verdict
visit(struct quota *q, const char *address, ms_t now, ms_t *retry_after)
{
	struct quota_ticket ticket;
	struct peer peer = peer_at(address);
	struct quota_answer answer = quota_enter(q, &peer, now, &ticket);

	if (answer.verdict == QUOTA_FINE)
		quota_leave(q, &ticket);
	*retry_after = answer.retry_after;
	return answer.verdict;
}

static void
new_sessions(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	ms_t wait;

	(void) state;
	quota_set_rules(q, (struct quota_rules){.new_per_second = 4, .burst = 6});
	for (int i = 0; i < 6; i++)
		assert_int_equal(visit(q, FOUR, 1000, &wait), QUOTA_FINE);
	assert_int_equal(visit(q, FOUR, 1000, &wait), QUOTA_RATE);
	assert_int_equal(wait, 250);
	/* Who was refused is not put off further; others come all the same. */
	assert_int_equal(visit(q, FOUR, 1249, &wait), QUOTA_RATE);
	assert_int_equal(wait, 1);
	assert_int_equal(visit(q, OTHER, 1249, &wait), QUOTA_FINE);
	assert_int_equal(visit(q, FOUR, 1250, &wait), QUOTA_FINE);
	assert_int_equal(visit(q, FOUR, 1250, &wait), QUOTA_RATE);
	/* As many as in a second when no burst is written. */
	quota_set_rules(q, (struct quota_rules){.new_per_second = 4});
	for (int i = 0; i < 4; i++)
		assert_int_equal(visit(q, FOUR, 100000, &wait), QUOTA_FINE);
	assert_int_equal(visit(q, FOUR, 100000, &wait), QUOTA_RATE);
	quota_free(q);
}

static void
failed_logins(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket ticket, other;
	struct quota_answer answer;
	ms_t wait;

	(void) state;
	quota_set_rules(q, (struct quota_rules){.failures_per_minute = 3});
	assert_int_equal(enter(q, FOUR, 0, &ticket), QUOTA_FINE);
	assert_int_equal(quota_failed(q, &ticket, 0).verdict, QUOTA_FINE);
	assert_int_equal(quota_failed(q, &ticket, 0).verdict, QUOTA_FINE);
	answer = quota_failed(q, &ticket, 0);
	assert_int_equal(answer.verdict, QUOTA_FAILURES);
	assert_int_equal(answer.retry_after, 20000);
	assert_int_equal(visit(q, FOUR, 0, &wait), QUOTA_FAILURES);
	assert_int_equal(wait, 20000);
	assert_int_equal(enter(q, OTHER, 0, &other), QUOTA_FINE);
	/* Twenty seconds for each. */
	assert_int_equal(visit(q, FOUR, 19999, &wait), QUOTA_FAILURES);
	assert_int_equal(visit(q, FOUR, 20000, &wait), QUOTA_FINE);
	assert_int_equal(quota_failed(q, &ticket, 20000).verdict, QUOTA_FAILURES);
	/* Many at once do not make it hours. */
	for (int i = 0; i < 1000; i++)
		quota_failed(q, &ticket, 20000);
	assert_int_equal(visit(q, FOUR, 20000, &wait), QUOTA_FAILURES);
	assert_int_equal(wait, 40000);
	assert_int_equal(visit(q, FOUR, 60000, &wait), QUOTA_FINE);
	quota_leave(q, &ticket);
	quota_leave(q, &other);
	quota_free(q);
}

/* One line for an address and minute. */
static void
news(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket ticket, none;
	struct peer peer = peer_at(FOUR);

	(void) state;
	quota_set_rules(q, (struct quota_rules){.sessions_per_address = 1});
	assert_int_equal(enter(q, FOUR, 5, &ticket), QUOTA_FINE);
	assert_true(quota_enter(q, &peer, 5, &none).is_news);
	assert_false(quota_enter(q, &peer, 60004, &none).is_news);
	assert_true(quota_enter(q, &peer, 60005, &none).is_news);
	quota_leave(q, &ticket);
	quota_free(q);
}

static enum quota_verdict
ask(struct quota *q, const char *address, ms_t now, ms_t *wait)
{
	struct peer peer = peer_at(address);
	struct quota_answer answer = quota_ask(q, &peer, now);

	*wait = answer.retry_after;
	return answer.verdict;
}

/* It says what quota_enter() would, for the same reasons and with the same wait, and takes nothing. */
static void
asking(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket a, b;
	struct peer unknown = {.kind = PEER_UNKNOWN};
	ms_t wait;

	(void) state;
	quota_set_rules(q, (struct quota_rules){.sessions = 2, .sessions_per_address = 1, .new_per_second = 1});
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(q, FOUR, 0, &wait), QUOTA_FINE);
	assert_int_equal(quota_addresses(q), 0);
	assert_int_equal(enter(q, FOUR, 0, &a), QUOTA_FINE);
	assert_int_equal(ask(q, FOUR, 0, &wait), QUOTA_ADDRESS);
	assert_int_equal(wait, 10000);
	assert_int_equal(ask(q, OTHER, 0, &wait), QUOTA_FINE);
	assert_int_equal(quota_ask(q, &unknown, 0).verdict, QUOTA_FINE);
	assert_int_equal(enter(q, OTHER, 0, &b), QUOTA_FINE);
	assert_int_equal(ask(q, "192.0.2.3", 0, &wait), QUOTA_SESSIONS);
	assert_int_equal(quota_ask(q, &unknown, 0).verdict, QUOTA_SESSIONS);
	quota_set_room(q, 2);
	assert_int_equal(ask(q, "192.0.2.3", 0, &wait), QUOTA_ROOM);
	quota_set_room(q, 0);
	quota_leave(q, &b);
	/* Too soon, and no later for having asked. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask(q, OTHER, 400, &wait), QUOTA_RATE);
		assert_int_equal(wait, 600);
	}
	assert_int_equal(ask(q, OTHER, 1000, &wait), QUOTA_FINE);
	quota_set_rules(q, (struct quota_rules){.failures_per_minute = 1});
	assert_int_equal(quota_failed(q, &a, 1000).verdict, QUOTA_FAILURES);
	assert_int_equal(ask(q, FOUR, 2000, &wait), QUOTA_FAILURES);
	assert_int_equal(wait, 59000);
	quota_leave(q, &a);
	quota_free(q);
}

/* Of an address' refusals in a minute one is news, whichever call refused. */
static void
asking_news(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	struct quota_ticket ticket, none;
	struct peer peer = peer_at(FOUR);

	(void) state;
	quota_set_rules(q, (struct quota_rules){.sessions_per_address = 1});
	assert_int_equal(enter(q, FOUR, 0, &ticket), QUOTA_FINE);
	assert_true(quota_ask(q, &peer, 0).is_news);
	assert_false(quota_ask(q, &peer, 59999).is_news);
	assert_false(quota_enter(q, &peer, 59999, &none).is_news);
	assert_true(quota_ask(q, &peer, 60000).is_news);
	quota_leave(q, &ticket);
	quota_free(q);
}

/* Who has nothing here and owes nothing is forgotten. */
static void
memory(void **state)
{
	struct quota *q = quota_new(SEED, NULL);
	char address[40];
	ms_t wait;

	(void) state;
	quota_set_rules(q, (struct quota_rules){.new_per_second = 1});
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(address, sizeof address, "2001:db8:%x:%x::1", i >> 12, i & 0xfff);
		assert_int_equal(visit(q, address, i, &wait), QUOTA_FINE);
	}
	assert_true(quota_addresses(q) <= 1001);
	/* At the same time: all owe. */
	for (unsigned i = 0; i < 70000; i++) {
		snprintf(address, sizeof address, "2001:db9:%x:%x::1", i >> 12, i & 0xfff);
		assert_int_equal(visit(q, address, 10000, &wait), QUOTA_FINE);
	}
	assert_true(quota_addresses(q) <= 65537);
	quota_free(q);
}

static void
count(void *arg)
{
	++*(unsigned *) arg;
}

static void
locks(void **state)
{
	unsigned n = 0;
	const struct quota_lock lock = {&n, count, count};
	struct quota *q = quota_new(SEED, &lock);
	struct quota_ticket ticket;

	(void) state;
	assert_int_equal(enter(q, FOUR, 0, &ticket), QUOTA_FINE);
	assert_int_equal(n, 2);
	quota_failed(q, &ticket, 0);
	quota_leave(q, &ticket);
	assert_int_equal(n, 6);
	quota_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limits),
		cmocka_unit_test(sessions_in_all),
		cmocka_unit_test(room),
		cmocka_unit_test(sessions_of_an_address),
		cmocka_unit_test(unknown_addresses),
		cmocka_unit_test(new_sessions),
		cmocka_unit_test(failed_logins),
		cmocka_unit_test(asking),
		cmocka_unit_test(asking_news),
		cmocka_unit_test(news),
		cmocka_unit_test(memory),
		cmocka_unit_test(locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
