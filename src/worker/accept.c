#include "worker/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"

#define BACKLOG 1024
#define BATCH 16      /* sockets accepted per wake */
#define BACKOFF_MS 100 /* when there are no descriptors left */
#define DEFER_SECONDS 1 /* the kernel holds a connection back until its request is there, for about as long */

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
		log_event(a->log, LOG_WARNING, "connections wait", "reason=\"%s\" cure=\"raise the limit of open files\"", reason);
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
			log_event(a->log, LOG_NOTICE, "connections are accepted again", "listeners=%zu", a->n_listeners);
		a->is_short = false;
		mail = mail_new(MAIL_CONNECTION, SLICE(""));
		mail->fd = fd;
		describe(&mail->peer, &address);
		mailbox_post(a->mailboxes[a->next], mail);
		a->next = (a->next + 1) % a->n_mailboxes;
	}
}

static int
open_tcp(const struct sockaddr *address, socklen_t n)
{
	int one = 1, zero = 0, defer = DEFER_SECONDS;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer);
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, address, n) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* "*" is every address of both families; where there is no IPv6, of IPv4. */
static int
open_any(uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = open_tcp((const struct sockaddr *) &v6, sizeof v6);

	if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
		fd = open_tcp((const struct sockaddr *) &v4, sizeof v4);
	return fd;
}

static int
open_named(const char *address, uint16_t port, struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
	char service[8];
	int fd, status;

	snprintf(service, sizeof service, "%u", (unsigned) port);
	status = getaddrinfo(address, service, &hints, &found);
	if (status != 0) {
		buf_printf(error, "cannot listen on %s:%u: %s", address, (unsigned) port, gai_strerror(status));
		return -1;
	}
	fd = open_tcp(found->ai_addr, found->ai_addrlen);
	status = errno;
	freeaddrinfo(found);
	errno = status;
	return fd;
}

static bool
is_socket_in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool in_use = fd >= 0 && connect(fd, (const struct sockaddr *) address, sizeof *address) == 0;

	if (fd >= 0)
		close(fd);
	return in_use;
}

/* A socket that a daemon left behind is replaced; one that somebody answers on is not. */
static int
open_unix(const char *path, unsigned mode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, error;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (is_socket_in_use(&address)) {
			errno = EADDRINUSE;
			return -1;
		}
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *) &address, sizeof address) != 0 || chmod(path, (mode_t) mode) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static const char *
cure(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; another program has this port: stop it, or choose another port";
	case EACCES:
		return "; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has this address";
	default:
		return "";
	}
}

static int
open_listener(const struct conf_listen *l, struct buf *error)
{
	int fd;

	if (l->unix_path != NULL)
		fd = open_unix(l->unix_path, l->mode);
	else if (strcmp(l->address, "*") == 0)
		fd = open_any(l->port);
	else
		fd = open_named(l->address, l->port, error);
	if (fd >= 0 || error->n > 0)
		return fd;
	if (l->unix_path != NULL)
		buf_printf(error, "cannot listen on %s: %s", l->unix_path, strerror(errno));
	else
		buf_printf(error, "cannot listen on %s:%u: %s%s", l->address, (unsigned) l->port, strerror(errno),
			   cure(errno));
	return fd;
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
		l->fd = open_listener(&conf->listen[i], error);
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
