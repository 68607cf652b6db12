#include "worker/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"
#include "io/refusal.h"

#define BATCH 16       /* sockets accepted per wake */
#define BACKOFF_MS 100 /* when there are no descriptors left */

struct entrance {
	struct acceptor *acceptor;
	uv_poll_t poll;
	int fd;
	uint32_t index;
};

struct acceptor {
	pthread_t thread;
	bool is_running;
	uv_loop_t loop;
	uv_async_t stop;
	uv_timer_t backoff;
	struct listeners *listeners;
	struct entrance *entrance; /* of each listener */
	size_t n_entrances;
	struct mailbox *const *mailboxes;
	unsigned n_mailboxes, next;
	bool is_short; /* of descriptors */
	struct sockets *sockets;
	struct counters *counters;
	const struct log *log;
};

static void
describe(struct peer *peer, const struct sockaddr_storage *a, uint32_t listener)
{
	unsigned char address[NETWORK_BYTES];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) a;

	*peer = (struct peer){.listener = listener};
	if (a->ss_family == AF_INET) {
		network_map(&v4->sin_addr, address);
		peer_set_address(peer, address, ntohs(v4->sin_port));
	} else if (a->ss_family == AF_INET6) {
		peer_set_address(peer, v6->sin6_addr.s6_addr, ntohs(v6->sin6_port));
	} else {
		peer_set_nobody(peer, PEER_UNIX);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void
listen_all(struct acceptor *a)
{
	for (size_t i = 0; i < a->n_entrances; i++)
		uv_poll_start(&a->entrance[i].poll, UV_READABLE, on_readable);
}

static void
on_backoff(uv_timer_t *timer)
{
	listen_all(timer->data);
}

/* Without descriptors the listeners would stay readable and the loop would spin. */
static void
back_off(struct acceptor *a, const char *reason)
{
	/* Said once, however often it is tried in vain. */
	if (!a->is_short)
		log_event(a->log, LOG_WARNING, "connections wait", "reason=%s cure=\"raise the limit of open files\"",
			log_string(reason).text);
	a->is_short = true;
	for (size_t i = 0; i < a->n_entrances; i++)
		uv_poll_stop(&a->entrance[i].poll);
	uv_timer_start(&a->backoff, on_backoff, BACKOFF_MS, 0);
}

/* To the next worker; one too many is told by it, but of those there may be too many, too. */
static void
deal(struct acceptor *a, struct mail *mail)
{
	if (sockets_are_full(a->sockets, SOCKETS_REFUSED)) {
		refusal_connection(a->counters, a->sockets, a->log, &mail->peer, (ms_t) uv_now(&a->loop));
		close(mail->fd);
		free(mail);
		return;
	}
	a->sockets->clients++;
	mailbox_post(a->mailboxes[a->next], mail);
	a->next = (a->next + 1) % a->n_mailboxes;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct entrance *e = poll->data;
	struct acceptor *a = e->acceptor;

	(void) status;
	(void) events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
		socklen_t n = sizeof address;
		int fd = accept4(e->fd, (struct sockaddr *) &address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct mail *mail;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				back_off(a, strerror(errno));
			return;
		}
		if (a->is_short)
			log_event(
				a->log, LOG_NOTICE, "connections are accepted again", "listeners=%zu", a->n_entrances);
		a->is_short = false;
		mail = mail_new(MAIL_CONNECTION);
		mail->fd = fd;
		mail->is_one_too_many = sockets_are_full(a->sockets, 0);
		describe(&mail->peer, &address, e->index);
		deal(a, mail);
	}
}

/* Says where it is, also where the kernel picked the port. */
static void
opened(struct acceptor *a, uint32_t index, int fd)
{
	const struct listener *l = &a->listeners->v[index];
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	} address = {.ip6 = {.sin6_family = AF_UNSPEC}};
	socklen_t n = sizeof address;

	if (l->conf->unix_path != NULL) {
		log_event(a->log, LOG_NOTICE, "listening", "unix=%s", log_string(l->conf->unix_path).text);
		return;
	}
	if (getsockname(fd, &address.any, &n) == 0)
		listeners_opened(a->listeners, index,
			ntohs(address.any.sa_family == AF_INET6 ? address.ip6.sin6_port : address.ip4.sin_port));
	log_event(a->log, LOG_NOTICE, "listening", "address=%s port=%u", log_string(l->conf->address).text,
		(unsigned) l->port);
}

static void
on_stop(uv_async_t *stop)
{
	struct acceptor *a = stop->data;

	for (size_t i = 0; i < a->n_entrances; i++)
		uv_close((uv_handle_t *) &a->entrance[i].poll, NULL);
	uv_close((uv_handle_t *) &a->backoff, NULL);
	uv_close((uv_handle_t *) &a->stop, NULL);
}

struct acceptor *
acceptor_new(struct listeners *listeners, const int *fd, struct mailbox *const *mailboxes, unsigned n_mailboxes,
	struct sockets *sockets, struct counters *counters, const struct log *log)
{
	struct acceptor *a = xcalloc(1, sizeof *a);

	a->mailboxes = mailboxes;
	a->n_mailboxes = n_mailboxes;
	a->sockets = sockets;
	a->counters = counters;
	a->log = log;
	a->listeners = listeners;
	a->entrance = xcalloc(listeners->n, sizeof *a->entrance);
	must(uv_loop_init(&a->loop) == 0);
	must(uv_async_init(&a->loop, &a->stop, on_stop) == 0);
	must(uv_timer_init(&a->loop, &a->backoff) == 0);
	a->stop.data = a->backoff.data = a;
	for (uint32_t i = 0; i < listeners->n; i++) {
		struct entrance *e = &a->entrance[i];
		e->fd = fd[i];
		e->acceptor = a;
		e->index = i;
		must(uv_poll_init(&a->loop, &e->poll, e->fd) == 0);
		e->poll.data = e;
		a->n_entrances++;
		opened(a, i, e->fd);
	}
	listen_all(a);
	return a;
}

static void *
run(void *arg)
{
	struct acceptor *a = arg;

	uv_run(&a->loop, UV_RUN_DEFAULT);
	return NULL;
}

int
acceptor_start(struct acceptor *a)
{
	a->is_running = pthread_create(&a->thread, NULL, run, a) == 0;
	return a->is_running ? 0 : CV_ESYS;
}

void
acceptor_stop(struct acceptor *a)
{
	if (a == NULL)
		return;
	uv_async_send(&a->stop);
	if (a->is_running)
		pthread_join(a->thread, NULL);
	else
		uv_run(&a->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < a->n_entrances; i++)
		close(a->entrance[i].fd);
	must(uv_loop_close(&a->loop) == 0);
	free(a->entrance);
	free(a);
}
