#include "worker/handshake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "io/crypto.h"
#include "io/tickets.h"
#include "io/tls_service.h"
#include "proto/net/server_name.h"

#define MAX_TRUSTS 64
#define NICENESS 10 /* of these threads, beside 0 of the workers */
/* Clients of one thread.  In the middle of a handshake each takes some 45 KB, while it waits for its turn some 500 bytes. */
#define MAX_UNDER_WAY 512
#define MAX_WAITING 1024
#define MAX_WAITING_EACH 256
#define MAX_UNDER_WAY_EACH 64
#define STALE_MS 1000 /* who keeps us waiting for as long makes room for others: any, or those of its address */
#define NS_PER_MS 1000000
/* The system's certificates of authorities are read again after this time, so that new ones count without a reload. */
#define TRUST_MS 300000

/* Who is believed, as read from one file; each thread has its own, since the library's keys cache without locks. */
struct trust {
	char *ca_file;
	bool verify;
	struct tls_trust *tls;
	unsigned generation;
	ms_t read_at;
};

struct thread {
	pthread_t thread;
	struct handshakes *all;
	uv_loop_t loop;
	struct mailbox *mailbox;
	struct list shakes;
	struct trust trust[MAX_TRUSTS];
	unsigned n_trusts;

	/* Clients. */
	struct turns turns;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t stale;    /* runs while somebody waits: then some may be STALE_MS old */
	struct list clients; /* of shakes under way; who was heard longest ago first */
	unsigned n_clients;
	struct credentials *credentials; /* the services are made of */
	struct tls_service **service;    /* of each listener, made when it is needed */
	size_t n_services;
	struct server_names_told told;
};

/*
 * One handshake under way.  A server is waited for from when it has our part,
 * and what it takes is counted while the thread listens: while it does the
 * arithmetic of others, or reads certificates, an answer lies unread.
 */
struct shake {
	struct thread *thread;
	struct tls_job *job;
	struct list link;   /* in the thread's shakes */
	struct list client; /* and in its clients */
	ms_t since;         /* of a client: it was heard last */
	uv_poll_t poll;
	uv_timer_t timer;
	uint64_t spent;         /* ns the server took */
	uint64_t listened_from; /* the loop's ns of listening, when the server's turn began */
	bool is_late;           /* its time is up, but we have not looked since */
	unsigned n_open;        /* handles to close before the memory goes */
};

struct handshakes {
	struct mailbox *const *mailboxes;
	struct thread *thread;
	unsigned n_threads;
	atomic_uint next;
	atomic_uint generation; /* of the files that are believed */
	const struct log *log;
	struct tickets *tickets;
	pthread_mutex_t mutex;
	struct credentials *credentials; /* the mutex's, as this: */
	struct files *files;             /* what ca_files have in them */
};

static void
give_back(struct thread *t, struct tls_job *job)
{
	struct mail *mail = mail_new(MAIL_SECURED);

	mail->job = job;
	mailbox_post(t->all->mailboxes[job->worker], mail);
}

/* ---- trust ---- */

static bool
is_same_file(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
forget_trust(struct thread *t, unsigned i)
{
	tls_trust_unref(t->trust[i].tls);
	free(t->trust[i].ca_file);
	t->trust[i] = t->trust[--t->n_trusts];
}

static struct tls_trust *
read_trust(struct thread *t, const struct tls_job *job, struct buf *error)
{
	const char *ca_file = job->server.ca_file, *wrong = NULL;
	struct slice text = SLICE("");
	struct tls_trust *trust = NULL;
	struct files *files;

	pthread_mutex_lock(&t->all->mutex);
	files = files_ref(t->all->files);
	pthread_mutex_unlock(&t->all->mutex);
	if (ca_file != NULL && job->server.verify)
		wrong = files_read(files, ca_file, &text);
	if (wrong == NULL)
		trust = tls_trust_new(ca_file, text, job->server.verify, error);
	else
		buf_printf(error, "%s: %s", ca_file, wrong);
	files_unref(files);
	return trust;
}

/* The trust a job asks for, read when it is not there yet or too old; NULL with a reason in the job. */
static struct tls_trust *
find_trust(struct thread *t, struct tls_job *job)
{
	ms_t now = (ms_t) uv_now(&t->loop);
	struct tls_trust *tls;
	struct buf error;
	unsigned generation = t->all->generation;

	for (unsigned i = 0; i < t->n_trusts; i++) {
		struct trust *trust = &t->trust[i];
		if (trust->verify != job->server.verify || !is_same_file(trust->ca_file, job->server.ca_file))
			continue;
		if (now - trust->read_at < TRUST_MS && trust->generation == generation)
			return trust->tls;
		forget_trust(t, i);
		break;
	}
	buf_init(&error, TLS_REASON);
	tls = read_trust(t, job, &error);
	if (tls == NULL) {
		snprintf(job->reason, sizeof job->reason, "%.*s", SLICE_ARG(buf_slice(&error)));
	} else {
		if (t->n_trusts == MAX_TRUSTS)
			forget_trust(t, 0);
		t->trust[t->n_trusts++] = (struct trust){
			.ca_file = job->server.ca_file != NULL ? xstrdup(job->server.ca_file) : NULL,
			.verify = job->server.verify,
			.tls = tls,
			.generation = generation,
			.read_at = now,
		};
	}
	buf_fini(&error);
	return tls;
}

/* ---- what we show to clients ---- */

static void
forget_services(struct thread *t)
{
	for (size_t i = 0; i < t->n_services; i++)
		tls_service_unref(t->service[i]);
	free(t->service);
	t->service = NULL;
	t->n_services = 0;
	credentials_unref(t->credentials);
	t->credentials = NULL;
}

/* Are those it has still those of all? */
static void
take_credentials(struct thread *t)
{
	struct handshakes *h = t->all;

	pthread_mutex_lock(&h->mutex);
	if (t->credentials != h->credentials) {
		forget_services(t);
		t->credentials = credentials_ref(h->credentials);
	}
	pthread_mutex_unlock(&h->mutex);
}

/* That of the listener; NULL with a reason in the job. */
static struct tls_service *
find_service(struct thread *t, struct tls_job *job)
{
	const struct tls_service_shared shared = {t->all->log, t->all->tickets, &t->told};
	size_t listener = job->client.peer.listener;
	struct buf error;

	take_credentials(t);
	if (listener >= t->n_services) {
		t->service = xrealloc(t->service, (listener + 1) * sizeof *t->service);
		while (t->n_services <= listener)
			t->service[t->n_services++] = NULL;
	}
	if (t->service[listener] != NULL)
		return t->service[listener];
	buf_init(&error, TLS_REASON);
	t->service[listener] = tls_service_new(t->credentials, listener, &shared, &error);
	if (t->service[listener] == NULL)
		snprintf(job->reason, sizeof job->reason, "%.*s", SLICE_ARG(buf_slice(&error)));
	buf_fini(&error);
	return t->service[listener];
}

/* ---- one handshake ---- */

static bool
is_of_client(const struct tls_job *job)
{
	return job->direction == TLS_TO_CLIENT;
}

/* A client is no longer the thread's. */
static void
part(struct thread *t, struct tls_job *job)
{
	if (is_of_client(job))
		turns_done(&t->turns, &job->client.turn);
	give_back(t, job);
}

static void
on_closed(uv_handle_t *handle)
{
	struct shake *s = handle->data;

	if (--s->n_open > 0)
		return;
	s->job->spent = (ms_t) (s->spent / NS_PER_MS);
	part(s->thread, s->job);
	free(s);
}

/* The job goes back once the loop has let go of its socket. */
static void
finish(struct shake *s)
{
	list_remove(&s->link);
	if (is_of_client(s->job)) {
		list_remove(&s->client);
		s->thread->n_clients--;
	}
	uv_poll_stop(&s->poll);
	uv_timer_stop(&s->timer);
	uv_close((uv_handle_t *) &s->poll, on_closed);
	uv_close((uv_handle_t *) &s->timer, on_closed);
}

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

/* It is the server's turn. */
static void
await(struct shake *s, int events)
{
	uv_loop_t *loop = &s->thread->loop;
	ms_t left = s->job->timeout - (ms_t) (s->spent / NS_PER_MS);

	s->is_late = false;
	s->listened_from = uv_metrics_idle_time(loop);
	uv_poll_start(&s->poll, events, on_poll);
	if (s->job->timeout == 0)
		return;
	uv_update_time(loop); /* what came before took its time */
	uv_timer_start(&s->timer, on_timer, (uint64_t) ms_max(left, 1), 0);
}

static void
step(struct shake *s)
{
	switch (tls_handshake(s->job->tls, s->job->reason)) {
	case TLS_DONE:
		finish(s);
		break;
	case TLS_WANT_READ:
		await(s, UV_READABLE);
		break;
	case TLS_WANT_WRITE:
		await(s, UV_WRITABLE);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		tls_job_fail(s->job, "TLS handshake failed");
		finish(s);
		break;
	}
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct shake *s = poll->data;

	(void) status;
	(void) events;
	s->since = (ms_t) uv_now(&s->thread->loop);
	if (is_of_client(s->job)) {
		list_remove(&s->client);
		list_append(&s->thread->clients, &s->client);
	}
	s->spent += uv_metrics_idle_time(&s->thread->loop) - s->listened_from;
	step(s);
}

/* An answer that came in time may not have been looked at: the loop goes round once more. */
static void
on_timer(uv_timer_t *timer)
{
	struct shake *s = timer->data;

	if (!s->is_late) {
		s->is_late = true;
		uv_timer_start(timer, on_timer, 1, 0);
		return;
	}
	s->spent = (uint64_t) s->job->timeout * NS_PER_MS;
	tls_job_fail(s->job, "no TLS handshake in time");
	finish(s);
}

static bool
set_up(struct thread *t, struct tls_job *job)
{
	switch (job->direction) {
	case TLS_TO_SERVER:
		return tls_job_begin(job, find_trust(t, job));
	case TLS_TO_CLIENT:
		return tls_job_begin_client(job, find_service(t, job));
	}
	return false;
}

static void
begin(struct thread *t, struct tls_job *job)
{
	struct shake *s;

	if (!set_up(t, job)) {
		part(t, job);
		return;
	}
	s = xcalloc(1, sizeof *s);
	list_init(&s->client);
	s->since = (ms_t) uv_now(&t->loop);
	if (is_of_client(job)) {
		list_append(&t->clients, &s->client);
		t->n_clients++;
	}
	s->thread = t;
	s->job = job;
	s->n_open = 2;
	must(uv_poll_init(&t->loop, &s->poll, job->fd) == 0);
	must(uv_timer_init(&t->loop, &s->timer) == 0);
	s->poll.data = s->timer.data = s;
	list_append(&t->shakes, &s->link);
	step(s);
}

/* ---- clients and their turns ---- */

static bool
is_stale(const struct thread *t, const struct shake *s)
{
	return (ms_t) uv_now(&t->loop) - s->since >= STALE_MS;
}

/* Is there room for another?  Who has kept us waiting longest makes some. */
static bool
has_room(struct thread *t)
{
	struct shake *s;

	if (t->n_clients < MAX_UNDER_WAY)
		return true;
	s = list_entry(t->clients.next, struct shake, client);
	if (!is_stale(t, s))
		return false;
	tls_job_fail(s->job, "too slow while many others wait");
	finish(s);
	return true;
}

/* One of an address who keeps us waiting makes room for another of it, who would have to wait for no other reason. */
static void
make_way(struct thread *t)
{
	if (t->turns.waiting == 0)
		return;
	for (struct list *link = t->clients.next; link != &t->clients; link = link->next) {
		struct shake *s = list_entry(link, struct shake, client);
		if (!is_stale(t, s))
			return;
		if (turns_is_in_the_way(&t->turns, &s->job->client.turn)) {
			tls_job_fail(s->job, "too slow while others of its address wait");
			finish(s);
			return;
		}
	}
}

/* Who has hung up meanwhile gets no arithmetic of ours. */
static bool
has_left(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) == 0;
}

static void
begin_next(struct thread *t)
{
	struct turn *turn;
	struct tls_job *job;

	if (!turns_are_waiting(&t->turns) || !has_room(t) || (turn = turns_next(&t->turns)) == NULL)
		return;
	job = (struct tls_job *) (void *) ((char *) turn - offsetof(struct tls_job, client.turn));
	if (has_left(job->fd)) {
		tls_job_fail(job, "the client left before its turn came");
		part(t, job);
	} else {
		begin(t, job);
	}
}

static void
queue(struct thread *t, struct tls_job *job)
{
	struct tls_to_client *c = &job->client;

	if (turns_wait(&t->turns, &c->turn, c->is_one ? c->peer.address : NULL, c->brings_ticket))
		return;
	tls_job_fail(job, "too many clients wait for a handshake");
	give_back(t, job);
}

static void
on_idle(uv_idle_t *idle)
{
	(void) idle;
}

/* Only wakes the loop. */
static void
on_stale(uv_timer_t *timer)
{
	(void) timer;
}

/* One in each turn of the loop, so that those under way are heard between. */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct thread *t = prepare->data;

	begin_next(t);
	make_way(t);
	if (t->turns.waiting == 0)
		uv_timer_stop(&t->stale);
	else if (!uv_is_active((uv_handle_t *) &t->stale))
		uv_timer_start(&t->stale, on_stale, STALE_MS, 0);
	if (!turns_are_waiting(&t->turns) || t->n_clients >= MAX_UNDER_WAY)
		uv_idle_stop(&t->idle);
	else if (!uv_is_active((uv_handle_t *) &t->idle))
		uv_idle_start(&t->idle, on_idle);
}

/* ---- the threads ---- */

static void
stop(struct thread *t)
{
	static const char why[] = "culvert is shutting down";
	struct turn *turn;

	while ((turn = turns_any(&t->turns)) != NULL) {
		struct tls_job *job =
			(struct tls_job *) (void *) ((char *) turn - offsetof(struct tls_job, client.turn));
		tls_job_fail(job, why);
		part(t, job);
	}
	while (!list_is_empty(&t->shakes)) {
		struct shake *s = list_entry(t->shakes.next, struct shake, link);
		tls_job_fail(s->job, why);
		finish(s);
	}
	uv_close((uv_handle_t *) &t->prepare, NULL);
	uv_close((uv_handle_t *) &t->idle, NULL);
	uv_close((uv_handle_t *) &t->stale, NULL);
	mailbox_close(t->mailbox);
}

static void
receive(void *arg, struct mail *mail)
{
	struct thread *t = arg;

	if (mail->kind == MAIL_HANDSHAKE) {
		struct tls_job *job = mail->job;
		mail->job = NULL;
		if (is_of_client(job))
			queue(t, job);
		else
			begin(t, job);
	} else if (mail->kind == MAIL_STOP) {
		stop(t);
	}
}

static void *
run(void *arg)
{
	struct thread *t = arg;

	/* Of this thread alone, on Linux; 0 is whoever calls. */
	(void) setpriority(PRIO_PROCESS, 0, NICENESS);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* Chance for the order in the thread's table of addresses; a secret. */
static bool
open_turns(struct thread *t)
{
	static const struct turns_rules rules = {
		.waiting = MAX_WAITING, .waiting_each = MAX_WAITING_EACH, .served_each = MAX_UNDER_WAY_EACH};
	struct crypto *c = crypto_new();
	uint64_t seed;

	if (c == NULL)
		return false;
	crypto_random(c, &seed, sizeof seed);
	crypto_free(c);
	turns_init(&t->turns, &rules, seed);
	return true;
}

struct handshakes *
handshakes_new(unsigned n, struct mailbox *const *mailboxes, struct files *files, struct credentials *credentials,
	const struct log *log)
{
	struct handshakes *h = xcalloc(1, sizeof *h);

	h->log = log;
	h->files = files_ref(files);
	h->credentials = credentials_ref(credentials);
	must(pthread_mutex_init(&h->mutex, NULL) == 0);
	h->tickets = tickets_new();
	if (h->tickets == NULL)
		return NULL; /* the process ends now */
	h->mailboxes = mailboxes;
	h->thread = xcalloc(n, sizeof *h->thread);
	for (unsigned i = 0; i < n; i++) {
		struct thread *t = &h->thread[i];
		t->all = h;
		list_init(&t->shakes);
		list_init(&t->clients);
		if (!open_turns(t))
			return NULL;
		must(uv_loop_init(&t->loop) == 0);
		must(uv_loop_configure(&t->loop, UV_METRICS_IDLE_TIME) == 0);
		t->mailbox = mailbox_new(&t->loop, receive, t);
		must(uv_prepare_init(&t->loop, &t->prepare) == 0);
		must(uv_idle_init(&t->loop, &t->idle) == 0);
		must(uv_timer_init(&t->loop, &t->stale) == 0);
		t->prepare.data = t;
		uv_prepare_start(&t->prepare, on_prepare);
		if (pthread_create(&t->thread, NULL, run, t) != 0)
			return NULL; /* the process ends now */
		h->n_threads++;
	}
	return h;
}

void
handshakes_post(struct handshakes *h, struct tls_job *job)
{
	struct mail *mail = mail_new(MAIL_HANDSHAKE);
	unsigned i = atomic_fetch_add(&h->next, 1) % h->n_threads;

	mail->job = job;
	mailbox_post(h->thread[i].mailbox, mail);
}

void
handshakes_reload(struct handshakes *h, struct files *files)
{
	struct files *before = h->files;

	pthread_mutex_lock(&h->mutex);
	h->files = files_ref(files);
	pthread_mutex_unlock(&h->mutex);
	files_unref(before);
	h->generation++;
}

void
handshakes_show(struct handshakes *h, struct credentials *credentials)
{
	struct credentials *before;

	pthread_mutex_lock(&h->mutex);
	before = h->credentials;
	h->credentials = credentials_ref(credentials);
	pthread_mutex_unlock(&h->mutex);
	credentials_unref(before);
}

void
handshakes_stop(struct handshakes *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; i < h->n_threads; i++)
		mailbox_post(h->thread[i].mailbox, mail_new(MAIL_STOP));
	for (unsigned i = 0; i < h->n_threads; i++) {
		struct thread *t = &h->thread[i];
		pthread_join(t->thread, NULL);
		mailbox_free(t->mailbox);
		must(uv_loop_close(&t->loop) == 0);
		while (t->n_trusts > 0)
			forget_trust(t, 0);
		forget_services(t);
		turns_fini(&t->turns);
	}
	files_unref(h->files);
	credentials_unref(h->credentials);
	tickets_free(h->tickets);
	pthread_mutex_destroy(&h->mutex);
	free(h->thread);
	free(h);
}
