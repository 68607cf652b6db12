#include "worker/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"
#include "worker/listen.h"

#define BATCH 16       /* sockets accepted per wake */
#define BACKOFF_MS 100 /* when there are no descriptors left */

struct listener {
	struct acceptor *acceptor;
	uv_poll_t poll;
	int fd;
	char *unix_path;
};

struct acceptor {
	pthread_t thread;
	bool is_running;
	uv_loop_t loop;
	uv_async_t stop;
	uv_timer_t backoff;
	struct listener *listener;
	size_t n_listeners;
	struct mailbox *const *mailboxes;
	unsigned n_mailboxes, next;
	bool is_short; /* of descriptors */
	const struct log *log;
};

static void
describe(struct peer *peer, const struct sockaddr_storage *a)
{
	char text[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) a;

	*peer = (struct peer){.is_unix = a->ss_family != AF_INET && a->ss_family != AF_INET6};
	if (a->ss_family == AF_INET)
		network_map(&v4->sin_addr, peer->address);
	else if (a->ss_family == AF_INET6)
		memcpy(peer->address, &v6->sin6_addr, sizeof peer->address);
	if (a->ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text) != NULL)
		snprintf(peer->text, sizeof peer->text, "%s:%u", text, (unsigned) ntohs(v4->sin_port));
	else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text) != NULL)
		snprintf(peer->text, sizeof peer->text, "%s:%u", text, (unsigned) ntohs(v6->sin6_port));
	else if (a->ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text) != NULL)
		snprintf(peer->text, sizeof peer->text, "[%s]:%u", text, (unsigned) ntohs(v6->sin6_port));
	else
		snprintf(peer->text, sizeof peer->text, "unix");
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void
listen_all(struct acceptor *a)
{
	for (size_t i = 0; i < a->n_listeners; i++)
		uv_poll_start(&a->listener[i].poll, UV_READABLE, on_readable);
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
		log_event(a->log, LOG_WARNING, "connections wait",
			"reason=\"%s\" cure=\"raise the limit of open files\"", reason);
	a->is_short = true;
	for (size_t i = 0; i < a->n_listeners; i++)
		uv_poll_stop(&a->listener[i].poll);
	uv_timer_start(&a->backoff, on_backoff, BACKOFF_MS, 0);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct acceptor *a = l->acceptor;

	(void) status;
	(void) events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
		socklen_t n = sizeof address;
		int fd = accept4(l->fd, (struct sockaddr *) &address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct mail *mail;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				back_off(a, strerror(errno));
			return;
		}
		if (a->is_short)
			log_event(
				a->log, LOG_NOTICE, "connections are accepted again", "listeners=%zu", a->n_listeners);
		a->is_short = false;
		mail = mail_new(MAIL_CONNECTION, SLICE(""));
		mail->fd = fd;
		describe(&mail->peer, &address);
		mailbox_post(a->mailboxes[a->next], mail);
		a->next = (a->next + 1) % a->n_mailboxes;
	}
}

static void
log_listener(const struct acceptor *a, const struct conf_listen *l, int fd)
{
	struct sockaddr_storage address;
	socklen_t n = sizeof address;
	unsigned port = l->port;

	if (l->unix_path != NULL) {
		log_event(a->log, LOG_NOTICE, "listening", "unix=%s", l->unix_path);
		return;
	}
	if (getsockname(fd, (struct sockaddr *) &address, &n) == 0)
		port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &address)->sin6_port
							   : ((struct sockaddr_in *) &address)->sin_port);
	log_event(a->log, LOG_NOTICE, "listening", "address=%s port=%u", l->address, port);
}

static void
on_stop(uv_async_t *stop)
{
	struct acceptor *a = stop->data;

	for (size_t i = 0; i < a->n_listeners; i++)
		uv_close((uv_handle_t *) &a->listener[i].poll, NULL);
	uv_close((uv_handle_t *) &a->backoff, NULL);
	uv_close((uv_handle_t *) &a->stop, NULL);
}

struct acceptor *
acceptor_new(const struct conf *conf, struct mailbox *const *mailboxes, unsigned n_mailboxes, const struct log *log,
	struct buf *error)
{
	struct acceptor *a = xcalloc(1, sizeof *a);

	a->mailboxes = mailboxes;
	a->n_mailboxes = n_mailboxes;
	a->log = log;
	a->listener = xcalloc(conf->n_listen, sizeof *a->listener);
	must(uv_loop_init(&a->loop) == 0);
	must(uv_async_init(&a->loop, &a->stop, on_stop) == 0);
	must(uv_timer_init(&a->loop, &a->backoff) == 0);
	a->stop.data = a->backoff.data = a;
	for (size_t i = 0; i < conf->n_listen; i++) {
		struct listener *l = &a->listener[i];
		l->fd = listen_open(&conf->listen[i], error);
		if (l->fd < 0) {
			acceptor_stop(a);
			return NULL;
		}
		l->acceptor = a;
		l->unix_path = conf->listen[i].unix_path != NULL ? xstrdup(conf->listen[i].unix_path) : NULL;
		must(uv_poll_init(&a->loop, &l->poll, l->fd) == 0);
		l->poll.data = l;
		a->n_listeners++;
		log_listener(a, &conf->listen[i], l->fd);
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
	for (size_t i = 0; i < a->n_listeners; i++) {
		close(a->listener[i].fd);
		if (a->listener[i].unix_path != NULL)
			unlink(a->listener[i].unix_path);
		free(a->listener[i].unix_path);
	}
	must(uv_loop_close(&a->loop) == 0);
	free(a->listener);
	free(a);
}
