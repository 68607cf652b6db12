#include "bench/load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fatal.h"
#include "bench/clock.h"
#include "bench/tally.h"

#define SECOND 1000000
#define SHOWN_FAILURES 5
#define LOGIN_SECONDS 120 /* for all */
#define ANSWER_SECONDS 10 /* for the last echo of a round */

/* What one round of messages came to. */
struct round {
	size_t size;
	unsigned rate;
	uint64_t trips, all_trips; /* all: with those that did not count */
	uint64_t posts, skipped;
	int64_t cpu_us, took_us;
	uint32_t p50_us, p99_us;
};

struct load {
	struct crowd crowd; /* first: its callbacks find us by it */
	const struct load_options *options;
	struct client *client;
	unsigned n_begun, n_ready, n_failed;
	char *text;
	struct slice message;
	bool is_sending, is_counting;
	uint64_t trips, skipped;
	unsigned n_waiting;
	struct tally latency;

	/* A fixed rate: who is next, and when. */
	unsigned rate, turn;
	int64_t due_us;
	struct sock_watch timer;
};

static struct load *
load_of(struct client *c)
{
	return (struct load *) (void *) c->crowd;
}

static void
log_in_next(struct load *l)
{
	if (l->n_begun < l->options->sessions)
		client_log_in(&l->client[l->n_begun++]);
}

static void
on_ready(struct client *c)
{
	struct load *l = load_of(c);

	l->n_ready++;
	log_in_next(l);
}

static void
on_failed(struct client *c, const char *why)
{
	struct load *l = load_of(c);

	if (l->n_failed++ < SHOWN_FAILURES)
		fprintf(stderr, "culvert-bench: session %u: %s\n", c->number, why);
	if (c->n_sent == 0)
		log_in_next(l);
	else if (l->n_waiting > 0)
		l->n_waiting--;
}

static void
send_one(struct load *l, struct client *c, int64_t since_us)
{
	l->n_waiting++;
	client_send(c, l->message, since_us);
}

static void
on_echoed(struct client *c)
{
	struct load *l = load_of(c);
	int64_t now = clock_us();

	l->n_waiting--;
	l->trips++;
	if (l->is_counting)
		tally_add(&l->latency, now - c->since_us);
	if (l->is_sending && l->rate == 0)
		send_one(l, c, now);
}

/* The next session that is not waiting sends what is due; its wait counts from then. */
static void
send_in_turn(struct load *l, int64_t since_us)
{
	for (unsigned i = 0; i < l->options->active; i++) {
		struct client *c = &l->client[l->turn];
		l->turn = (l->turn + 1) % l->options->active;
		if (c->step != CLIENT_READY)
			continue;
		send_one(l, c, since_us);
		return;
	}
	l->skipped++;
}

static void
on_timer(struct sock_watch *w)
{
	struct load *l = (struct load *) (void *) ((char *) w - offsetof(struct load, timer));
	int64_t now = clock_us();
	uint64_t ticks;

	if (read(w->fd, &ticks, sizeof ticks) < 0 || l->rate == 0)
		return;
	for (; l->is_sending && l->due_us <= now; l->due_us += SECOND / l->rate)
		send_in_turn(l, l->due_us);
}

/* rate 0: stops. */
static void
set_timer(struct load *l, unsigned rate)
{
	struct itimerspec t = {.it_value.tv_nsec = rate > 0 ? 1000000000 / rate : 0};

	if (rate == 1)
		t.it_value.tv_nsec = 999999999;
	t.it_interval = t.it_value;
	l->rate = rate;
	l->due_us = clock_us();
	timerfd_settime(l->timer.fd, 0, &t, NULL);
}

static void
run_for(struct load *l, int64_t us)
{
	int64_t end = clock_us() + us, left;

	while ((left = end - clock_us()) > 0)
		sock_wait(l->crowd.epoll, (int) (left / 1000) + 1);
}

static void
log_in_all(struct load *l)
{
	int64_t end = clock_us() + (int64_t) LOGIN_SECONDS * SECOND;

	for (unsigned i = 0; i < l->options->at_once; i++)
		log_in_next(l);
	while (l->n_ready + l->n_failed < l->options->sessions) {
		sock_wait(l->crowd.epoll, 1000);
		if (clock_us() > end) {
			fprintf(stderr, "culvert-bench: %u of %u sessions logged in after %d s\n", l->n_ready,
				l->options->sessions, LOGIN_SECONDS);
			exit(1);
		}
	}
}

static void
fill_text(struct load *l, size_t size)
{
	l->text = xrealloc(l->text, size + 1);
	for (size_t i = 0; i < size; i++)
		l->text[i] = "lorem ipsum dolor sit amet, "[i % 28];
	l->message = slice_of(l->text, size);
}

static void
start_sending(struct load *l, unsigned rate)
{
	l->is_sending = true;
	set_timer(l, rate);
	for (unsigned i = 0; rate == 0 && i < l->options->active; i++)
		if (l->client[i].step == CLIENT_READY)
			send_one(l, &l->client[i], clock_us());
}

static void
stop_sending(struct load *l)
{
	int64_t end = clock_us() + (int64_t) ANSWER_SECONDS * SECOND;

	l->is_sending = false;
	set_timer(l, 0);
	while (l->n_waiting > 0 && clock_us() < end)
		sock_wait(l->crowd.epoll, 100);
	for (unsigned i = 0; i < l->options->active; i++)
		if (l->client[i].step == CLIENT_WAITING)
			client_fail(&l->client[i], "no echo");
}

static struct round
run_round(struct load *l, size_t size, unsigned rate)
{
	const struct load_options *o = l->options;
	struct round r = {.size = size, .rate = rate};
	int64_t cpu, began;
	uint64_t trips, posts, first = l->trips;

	fill_text(l, size);
	start_sending(l, rate);
	run_for(l, (int64_t) o->warm_up * SECOND);
	l->is_counting = true;
	l->skipped = 0;
	trips = l->trips;
	posts = l->crowd.posts;
	cpu = process_cpu_us(&o->measured);
	began = clock_us();
	run_for(l, (int64_t) o->seconds * SECOND);
	r.took_us = clock_us() - began;
	r.cpu_us = process_cpu_us(&o->measured) - cpu;
	r.trips = l->trips - trips;
	r.posts = l->crowd.posts - posts;
	r.skipped = l->skipped;
	l->is_counting = false;
	stop_sending(l);
	r.all_trips = l->trips - first;
	r.p50_us = tally_quantile(&l->latency, 0.5);
	r.p99_us = tally_quantile(&l->latency, 0.99);
	tally_fini(&l->latency);
	return r;
}

static double
per(double what, double count)
{
	return count > 0 ? what / count : 0;
}

static void
print_round(const struct load *l, const struct round *r)
{
	const char *form = l->options->is_json
		? "%s{\"size\": %zu, \"rate\": %u, \"trips\": %llu, \"all_trips\": %llu, \"cpu_us\": %.2f, \"cpu_share\": %.2f, "
		  "\"per_second\": %.0f, \"p50_us\": %u, \"p99_us\": %u, \"posts_per_message\": %.3f, \"skipped\": %llu}"
		: "%strip size=%zu rate=%u trips=%llu all=%llu cpu_us=%.2f cpu_share=%.2f per_second=%.0f p50_us=%u p99_us=%u "
		  "posts=%.3f skipped=%llu\n";
	static const char *between = "";

	printf(form, between, r->size, r->rate, (unsigned long long) r->trips, (unsigned long long) r->all_trips,
		per((double) r->cpu_us, (double) r->trips), per((double) r->cpu_us, (double) r->took_us),
		per((double) r->trips * SECOND, (double) r->took_us), r->p50_us, r->p99_us,
		per((double) r->posts, (double) r->trips), (unsigned long long) r->skipped);
	between = l->options->is_json ? ", " : "";
	fflush(stdout);
}

static void
print_sessions(const struct load *l, int64_t cpu_us, int64_t took_us, int64_t kib, int64_t idle_us)
{
	const struct load_options *o = l->options;
	const char *form = o->is_json
		? "{\"transport\": \"%s\", \"sessions\": %u, \"active\": %u, \"login_cpu_ms\": %.3f, \"logins_per_second\": %.0f, "
		  "\"idle_kib\": %.2f, \"idle_cpu_share\": %.4f, \"rounds\": ["
		: "sessions transport=%s sessions=%u active=%u login_cpu_ms=%.3f logins_per_second=%.0f idle_kib=%.2f "
		  "idle_cpu_share=%.4f\n";

	printf(form, o->transport->name, l->n_ready, o->active, per((double) cpu_us / 1000, l->n_ready),
		per((double) l->n_ready * SECOND, (double) took_us), per((double) kib, l->n_ready),
		per((double) idle_us, (double) o->quiet * SECOND));
	fflush(stdout);
}

/* Whoever holds the other end of our input decides when it goes on. */
static void
step(const struct load *l, const char *word)
{
	int c;

	if (!l->options->is_stepwise)
		return;
	printf("%s\n", word);
	fflush(stdout);
	while ((c = getchar()) != EOF && c != '\n')
		;
}

static void
measure_sessions(struct load *l)
{
	const struct load_options *o = l->options;
	int64_t kib = process_kib(&o->measured), cpu = process_cpu_us(&o->measured), began = clock_us(), took, idle;

	log_in_all(l);
	took = clock_us() - began;
	/* What follows the last answer belongs to the logins too. */
	run_for(l, SECOND / 2);
	idle = process_cpu_us(&o->measured);
	cpu = idle - cpu;
	run_for(l, (int64_t) o->quiet * SECOND);
	idle = process_cpu_us(&o->measured) - idle;
	print_sessions(l, cpu, took, process_kib(&o->measured) - kib, idle);
}

static struct load *
load_new(const struct load_options *o)
{
	struct load *l = xcalloc(1, sizeof *l);

	l->options = o;
	l->crowd = (struct crowd){
		.transport = o->transport,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.to = {.sin_family = AF_INET, .sin_port = htons(o->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.ready = on_ready,
		.echoed = on_echoed,
		.failed = on_failed,
	};
	must(l->crowd.epoll >= 0);
	snprintf(l->crowd.host, sizeof l->crowd.host, "127.0.0.1:%u", (unsigned) o->port);
	l->timer = (struct sock_watch){
		.on_ready = on_timer, .fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
	must(l->timer.fd >= 0);
	sock_watch(l->crowd.epoll, &l->timer);
	l->client = xcalloc(o->sessions, sizeof *l->client);
	for (unsigned i = 0; i < o->sessions; i++)
		client_init(&l->client[i], &l->crowd, i);
	return l;
}

static void
load_free(struct load *l)
{
	for (unsigned i = 0; i < l->options->sessions; i++)
		client_drop(&l->client[i]);
	close(l->timer.fd);
	close(l->crowd.epoll);
	free(l->client);
	free(l->text);
	free(l);
}

int
load_run(const struct load_options *o)
{
	struct load *l = load_new(o);
	struct round r;
	unsigned failed;

	sock_raise_limit();
	measure_sessions(l);
	step(l, "ready");
	for (size_t i = 0; i < o->n_sizes && o->seconds > 0; i++) {
		r = run_round(l, o->size[i], 0);
		print_round(l, &r);
	}
	if (o->rate > 0 && o->seconds > 0) {
		r = run_round(l, o->size[0], o->rate);
		print_round(l, &r);
	}
	failed = l->n_failed;
	if (o->is_json)
		printf("], \"failed\": %u}\n", failed);
	else
		printf("failed sessions=%u\n", failed);
	step(l, "done");
	load_free(l);
	return failed > 0;
}
