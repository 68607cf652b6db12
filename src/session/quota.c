#include "session/quota.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/hash.h"
#include "base/list.h"

#define IPV6_BYTES 8   /* of an address of IPv6 that count */
#define MAX_IDLE 65536 /* addresses without a session that are remembered; the oldest go first */
#define NEWS_MS 60000
#define RETRY_US (10 * (int64_t) SECOND_US) /* a guess: nobody knows when a session will end */
#define SECOND_US 1000000
#define MINUTE_US (60 * (int64_t) SECOND_US)

/*
 * What may come n times in a period, and so many at once, is one number: when
 * all that came so far would have come at an even pace.  Ahead of the clock
 * by a burst means too much.  In microseconds.
 */
typedef int64_t pace_at;

struct address {
	struct hash_link link;
	struct list idle; /* in q->idle when it has no session, the longest idle first */
	unsigned char key[NETWORK_BYTES];
	unsigned sessions;
	pace_at entered, failed;
	ms_t news_at; /* no line before */
};

struct quota {
	struct quota_rules rules;
	unsigned room; /* for sessions; 0: any number */
	const struct quota_lock *lock;
	struct hash addresses;
	struct list idle;
	size_t n_idle;
	unsigned sessions;
	ms_t news_at;
};

static void
lock(const struct quota *q)
{
	if (q->lock != NULL)
		q->lock->lock(q->lock->arg);
}

static void
unlock(const struct quota *q)
{
	if (q->lock != NULL)
		q->lock->unlock(q->lock->arg);
}

struct quota *
quota_new(uint64_t seed, const struct quota_lock *lock_of_all)
{
	struct quota *q = xcalloc(1, sizeof *q);

	q->lock = lock_of_all;
	hash_init(&q->addresses, seed);
	list_init(&q->idle);
	return q;
}

static void
forget(struct quota *q, struct address *a)
{
	list_remove(&a->idle);
	q->n_idle--;
	hash_remove(&q->addresses, &a->link);
	free(a);
}

void
quota_free(struct quota *q)
{
	struct list *link;

	if (q == NULL)
		return;
	while ((link = q->idle.next) != &q->idle)
		forget(q, list_entry(link, struct address, idle));
	must(q->addresses.n == 0);
	hash_fini(&q->addresses);
	free(q);
}

void
quota_set_rules(struct quota *q, struct quota_rules rules)
{
	lock(q);
	q->rules = rules;
	unlock(q);
}

void
quota_set_room(struct quota *q, unsigned sessions)
{
	lock(q);
	q->room = sessions;
	unlock(q);
}

/* ---- pace ---- */

/* How long until another may come, in microseconds; 0: now. */
static int64_t
wait_for_pace(pace_at at, int64_t now, int64_t period, unsigned n, unsigned burst)
{
	int64_t early = at - (int64_t) (burst - 1) * (period / n) - now;

	return early > 0 ? early : 0;
}

static void
note_pace(pace_at *at, int64_t now, int64_t period, unsigned n)
{
	*at = (*at > now ? *at : now) + period / n;
}

/* ---- addresses ---- */

static void
make_key(const struct peer *peer, struct quota_ticket *ticket)
{
	memset(ticket, 0, sizeof *ticket);
	ticket->has_key = peer->is_client;
	if (ticket->has_key)
		memcpy(ticket->key, peer->address, network_is_ipv4(peer->address) ? NETWORK_BYTES : IPV6_BYTES);
}

static bool
is_forgettable(const struct address *a, int64_t now)
{
	return a->entered <= now && a->failed <= now;
}

/* Room for one more: whoever is idle and owes nothing goes, and the longest idle when there are too many. */
static void
tidy(struct quota *q, int64_t now)
{
	for (int i = 0; i < 2 && q->n_idle > 0; i++) {
		struct address *a = list_entry(q->idle.next, struct address, idle);
		if (q->n_idle <= MAX_IDLE && !is_forgettable(a, now))
			return;
		forget(q, a);
	}
}

static struct address *
find(const struct quota *q, const unsigned char key[NETWORK_BYTES])
{
	struct hash_link *link = hash_find(&q->addresses, slice_of((const char *) key, NETWORK_BYTES));

	return link != NULL ? hash_entry(link, struct address, link) : NULL;
}

/* One that has no session yet. */
static struct address *
add(struct quota *q, const unsigned char key[NETWORK_BYTES], int64_t now)
{
	struct address *a = xcalloc(1, sizeof *a);

	tidy(q, now);
	memcpy(a->key, key, NETWORK_BYTES);
	hash_insert(&q->addresses, &a->link, slice_of((const char *) a->key, NETWORK_BYTES));
	list_append(&q->idle, &a->idle);
	q->n_idle++;
	return a;
}

static struct quota_answer
refuse(ms_t *news_at, ms_t now, enum quota_verdict verdict, int64_t wait_us)
{
	struct quota_answer answer = {verdict, (ms_t) ((wait_us + 999) / 1000), now >= *news_at};

	if (answer.is_news)
		*news_at = now + NEWS_MS;
	return answer;
}

static struct quota_answer
judge_address(const struct quota_rules *r, struct address *a, ms_t now)
{
	int64_t now_us = (int64_t) now * 1000, wait;
	unsigned burst = r->burst > 0 ? r->burst : r->new_per_second;

	if (r->sessions_per_address > 0 && a->sessions >= r->sessions_per_address)
		return refuse(&a->news_at, now, QUOTA_ADDRESS, RETRY_US);
	if (r->failures_per_minute > 0) {
		wait = wait_for_pace(a->failed, now_us, MINUTE_US, r->failures_per_minute, r->failures_per_minute);
		if (wait > 0)
			return refuse(&a->news_at, now, QUOTA_FAILURES, wait);
	}
	if (r->new_per_second > 0) {
		wait = wait_for_pace(a->entered, now_us, SECOND_US, r->new_per_second, burst);
		if (wait > 0)
			return refuse(&a->news_at, now, QUOTA_RATE, wait);
	}
	return (struct quota_answer){.verdict = QUOTA_FINE};
}

/* Of an address that nothing is known of nothing can be too much. */
static struct quota_answer
judge(struct quota *q, const struct quota_ticket *ticket, ms_t now)
{
	struct address *a = ticket->has_key ? find(q, ticket->key) : NULL;

	if (q->room > 0 && q->sessions >= q->room)
		return refuse(&q->news_at, now, QUOTA_ROOM, RETRY_US);
	if (q->rules.sessions > 0 && q->sessions >= q->rules.sessions)
		return refuse(&q->news_at, now, QUOTA_SESSIONS, RETRY_US);
	return a != NULL ? judge_address(&q->rules, a, now) : (struct quota_answer){.verdict = QUOTA_FINE};
}

static void
count(struct quota *q, const struct quota_ticket *ticket, ms_t now)
{
	struct address *a;

	q->sessions++;
	if (!ticket->has_key)
		return;
	a = find(q, ticket->key);
	if (a == NULL)
		a = add(q, ticket->key, (int64_t) now * 1000);
	if (q->rules.new_per_second > 0)
		note_pace(&a->entered, (int64_t) now * 1000, SECOND_US, q->rules.new_per_second);
	if (a->sessions++ == 0) {
		list_remove(&a->idle);
		q->n_idle--;
	}
}

struct quota_answer
quota_ask(struct quota *q, const struct peer *peer, ms_t now)
{
	struct quota_answer answer;
	struct quota_ticket ticket;

	make_key(peer, &ticket);
	lock(q);
	answer = judge(q, &ticket, now);
	unlock(q);
	return answer;
}

struct quota_answer
quota_enter(struct quota *q, const struct peer *peer, ms_t now, struct quota_ticket *ticket)
{
	struct quota_answer answer;

	make_key(peer, ticket);
	lock(q);
	answer = judge(q, ticket, now);
	if (answer.verdict == QUOTA_FINE)
		count(q, ticket, now);
	unlock(q);
	return answer;
}

void
quota_leave(struct quota *q, const struct quota_ticket *ticket)
{
	lock(q);
	must(q->sessions > 0);
	q->sessions--;
	if (ticket->has_key) {
		struct address *a = find(q, ticket->key);
		must(a != NULL && a->sessions > 0);
		if (--a->sessions == 0) {
			list_append(&q->idle, &a->idle);
			q->n_idle++;
		}
	}
	unlock(q);
}

struct quota_answer
quota_failed(struct quota *q, const struct quota_ticket *ticket, ms_t now)
{
	struct quota_answer answer = {.verdict = QUOTA_FINE};
	int64_t now_us = (int64_t) now * 1000, wait;
	unsigned limit;

	lock(q);
	limit = q->rules.failures_per_minute;
	if (ticket->has_key && limit > 0) {
		struct address *a = find(q, ticket->key);
		must(a != NULL);
		note_pace(&a->failed, now_us, MINUTE_US, limit);
		/* However often many sessions fail at once: it is some seconds, not hours. */
		if (a->failed > now_us + MINUTE_US + MINUTE_US / limit)
			a->failed = now_us + MINUTE_US + MINUTE_US / limit;
		wait = wait_for_pace(a->failed, now_us, MINUTE_US, limit, limit);
		if (wait > 0)
			answer = refuse(&a->news_at, now, QUOTA_FAILURES, wait);
	}
	unlock(q);
	return answer;
}

size_t
quota_addresses(const struct quota *q)
{
	return q->addresses.n;
}
