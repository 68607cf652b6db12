#include "bench/sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"

#define READ_BYTES 65536
#define EVENTS 256
#define KEEP_BYTES 16384

/* The lowest bit of what epoll keeps for us says which of the two it is. */
#define IS_WATCH ((uintptr_t) 1)

static void
ask(struct sock *s, int operation, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = s};

	must(epoll_ctl(s->epoll, operation, s->fd, &e) == 0);
}

void
sock_init(struct sock *s, int epoll, const struct sock_handler *handler, void *owner)
{
	*s = (struct sock){.handler = handler, .owner = owner, .epoll = epoll, .fd = -1};
	buf_init(&s->in, BUF_UNLIMITED);
	buf_init(&s->out, BUF_UNLIMITED);
}

static void
no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int
sock_connect(struct sock *s, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	no_delay(fd);
	if (connect(fd, (const struct sockaddr *) to, sizeof *to) != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	s->fd = fd;
	s->is_waiting = true;
	ask(s, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
	return 0;
}

void
sock_take(struct sock *s, int fd)
{
	no_delay(fd);
	s->fd = fd;
	s->is_waiting = false;
	ask(s, EPOLL_CTL_ADD, EPOLLIN);
}

void
sock_drop(struct sock *s)
{
	struct linger linger = {.l_onoff = 1};

	if (s->fd >= 0) {
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
		close(s->fd);
	}
	s->fd = -1;
	s->is_waiting = false;
	buf_fini(&s->in);
	buf_fini(&s->out);
}

static void
lose(struct sock *s)
{
	sock_drop(s);
	s->handler->gone(s);
}

void
sock_send(struct sock *s, const struct iovec *v, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *) (uintptr_t) v, .msg_iovlen = (size_t) n};
	ssize_t sent = 0;
	size_t skip;

	if (s->fd < 0)
		return;
	if (!s->is_waiting)
		sent = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* An error is told by epoll; until then nothing more can be lost. */
	skip = sent > 0 ? (size_t) sent : 0;
	for (int i = 0; i < n; i++) {
		size_t done = skip < v[i].iov_len ? skip : v[i].iov_len;
		skip -= done;
		if (done < v[i].iov_len)
			must(buf_append(&s->out, slice_of((const char *) v[i].iov_base + done, v[i].iov_len - done)) ==
				0);
	}
	if (s->out.n > 0 && !s->is_waiting) {
		s->is_waiting = true;
		ask(s, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	}
}

static void
flush(struct sock *s)
{
	struct slice left = buf_slice(&s->out);
	ssize_t n = left.n > 0 ? send(s->fd, left.p, left.n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (n > 0)
		buf_consume(&s->out, (size_t) n);
	if (s->out.n > 0)
		return;
	buf_clear(&s->out, 0);
	s->is_waiting = false;
	ask(s, EPOLL_CTL_MOD, EPOLLIN);
}

static void
receive(struct sock *s)
{
	static char bytes[READ_BYTES];
	ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	size_t done;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(s);
		return;
	}
	if (s->in.n > 0) {
		must(buf_append(&s->in, slice_of(bytes, (size_t) n)) == 0);
		done = s->handler->input(s, buf_slice(&s->in));
		if (s->fd >= 0)
			buf_consume(&s->in, done);
		if (s->in.n == 0)
			buf_clear(&s->in, KEEP_BYTES);
		return;
	}
	done = s->handler->input(s, slice_of(bytes, (size_t) n));
	if (s->fd >= 0 && done < (size_t) n)
		must(buf_append(&s->in, slice_of(bytes + done, (size_t) n - done)) == 0);
}

int
sock_listen(uint16_t *port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
		bind(fd, (struct sockaddr *) &a, sizeof a) != 0 || listen(fd, SOMAXCONN) != 0 ||
		getsockname(fd, (struct sockaddr *) &a, &n) != 0) {
		fprintf(stderr, "culvert-bench: port %u of 127.0.0.1: %s\n", (unsigned) *port, strerror(errno));
		exit(1);
	}
	*port = ntohs(a.sin_port);
	return fd;
}

void
sock_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void
sock_watch(int epoll, struct sock_watch *w)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uintptr_t) w | IS_WATCH};

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &e) == 0);
}

static void
dispatch(const struct epoll_event *e)
{
	struct sock *s = e->data.ptr;

	if ((e->data.u64 & IS_WATCH) != 0) {
		struct sock_watch *w = (struct sock_watch *) (uintptr_t) (e->data.u64 & ~(uint64_t) IS_WATCH);
		w->on_ready(w);
		return;
	}
	/* It may have been dropped by what happened to another. */
	if (s->fd < 0)
		return;
	if ((e->events & EPOLLOUT) != 0 && (e->events & (EPOLLERR | EPOLLHUP)) == 0)
		flush(s);
	if ((e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		receive(s);
}

void
sock_wait(int epoll, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++)
		dispatch(&events[i]);
}
