#include "worker/handshake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define MAX_TRUSTS 64
#define NS_PER_MS 1000000
/* Certificates of authorities are read again after this time, so that new ones count without a restart. */
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
};

/*
 * One handshake under way.  A server is waited for from when it has our part,
 * and what it takes is counted while the thread listens: while it does the
 * arithmetic of others, or reads certificates, an answer lies unread.
 */
struct shake {
	struct thread *thread;
	struct tls_job *job;
	struct list link;
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
	tls = tls_trust_new(job->server.ca_file, job->server.verify, &error);
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

/* ---- one handshake ---- */

static void
on_closed(uv_handle_t *handle)
{
	struct shake *s = handle->data;

	if (--s->n_open > 0)
		return;
	s->job->spent = (ms_t) (s->spent / NS_PER_MS);
	give_back(s->thread, s->job);
	free(s);
}

/* The job goes back once the loop has let go of its socket. */
static void
finish(struct shake *s)
{
	list_remove(&s->link);
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

static void
begin(struct thread *t, struct tls_job *job)
{
	struct shake *s;

	if (!tls_job_begin(job, find_trust(t, job))) {
		give_back(t, job);
		return;
	}
	s = xcalloc(1, sizeof *s);
	s->thread = t;
	s->job = job;
	s->n_open = 2;
	must(uv_poll_init(&t->loop, &s->poll, job->fd) == 0);
	must(uv_timer_init(&t->loop, &s->timer) == 0);
	s->poll.data = s->timer.data = s;
	list_append(&t->shakes, &s->link);
	step(s);
}

/* ---- the threads ---- */

static void
receive(void *arg, struct mail *mail)
{
	struct thread *t = arg;

	if (mail->kind == MAIL_HANDSHAKE) {
		begin(t, mail->job);
		mail->job = NULL;
	} else if (mail->kind == MAIL_STOP) {
		while (!list_is_empty(&t->shakes)) {
			struct shake *s = list_entry(t->shakes.next, struct shake, link);
			tls_job_fail(s->job, "culvert is shutting down");
			finish(s);
		}
		mailbox_close(t->mailbox);
	}
}

static void *
run(void *arg)
{
	struct thread *t = arg;

	uv_run(&t->loop, UV_RUN_DEFAULT);
	return NULL;
}

struct handshakes *
handshakes_new(unsigned n, struct mailbox *const *mailboxes)
{
	struct handshakes *h = xcalloc(1, sizeof *h);

	h->mailboxes = mailboxes;
	h->thread = xcalloc(n, sizeof *h->thread);
	for (unsigned i = 0; i < n; i++) {
		struct thread *t = &h->thread[i];
		t->all = h;
		list_init(&t->shakes);
		must(uv_loop_init(&t->loop) == 0);
		must(uv_loop_configure(&t->loop, UV_METRICS_IDLE_TIME) == 0);
		t->mailbox = mailbox_new(&t->loop, receive, t);
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
handshakes_reload(struct handshakes *h)
{
	h->generation++;
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
	}
	free(h->thread);
	free(h);
}
