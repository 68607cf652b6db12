#include "io/watch.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"

#define BATCH 64

struct watch {
	int epoll;
	uv_poll_t poll;
	void (*event)(void *arg, void *item, bool is_gone);
	void *arg;
};

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct epoll_event event[BATCH];
	int n;

	(void) events;
	if (status < 0)
		return;
	do {
		n = epoll_wait(w->epoll, event, BATCH, 0);
		for (int i = 0; i < n; i++)
			w->event(
				w->arg, event[i].data.ptr, (event[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
	} while (n == BATCH);
}

struct watch *
watch_new(uv_loop_t *loop, void (*event)(void *arg, void *item, bool is_gone), void *arg)
{
	struct watch *w = xcalloc(1, sizeof *w);

	w->event = event;
	w->arg = arg;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(w->epoll >= 0);
	must(uv_poll_init(loop, &w->poll, w->epoll) == 0);
	w->poll.data = w;
	must(uv_poll_start(&w->poll, UV_READABLE, on_events) == 0);
	return w;
}

static void
on_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	close(w->epoll);
	free(w);
}

void
watch_close(struct watch *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *) &w->poll, on_closed);
}

int
watch_add(struct watch *w, int fd, void *item)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = item};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : CV_ESYS;
}

bool
watch_is_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0;
}

void
watch_remove(struct watch *w, int fd)
{
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
}
