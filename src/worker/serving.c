#include "worker/serving.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "worker/channel.h"
#include "worker/signals.h"

#define LISTENERS_MAX 65536

struct serving {
	struct channel *channel;
	int signals;
	struct files *files; /* that count */
	struct files *next;  /* that are being handed over */
	int *listener;       /* -1: was not handed over, or is taken */
	size_t n_listeners;
	int log; /* the same */
};

/* The keeper hears of SIGHUP, and tells. */
static int
open_signals(void)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGUSR1, SIGALRM};

	signal(SIGHUP, SIG_IGN);
	return signals_open(ours, sizeof ours / sizeof *ours);
}

static void
take_listener(struct serving *s, uint32_t index, int fd)
{
	must(index < LISTENERS_MAX && index == s->n_listeners);
	s->listener = xrealloc(s->listener, (s->n_listeners + 1) * sizeof *s->listener);
	s->listener[s->n_listeners++] = fd;
}

/* Is the message one that serving_next() tells of? */
static bool
take_message(struct serving *s, const struct handover *h, int fd)
{
	switch (h->kind) {
	case HANDOVER_FILE:
		files_add(s->next, h->name, h->text);
		return false;
	case HANDOVER_LISTENER:
		take_listener(s, h->index, fd);
		return false;
	case HANDOVER_LOG:
		must(s->log < 0);
		s->log = fd;
		return false;
	default:
		files_unref(s->files);
		s->files = s->next;
		files_seal(s->files);
		s->next = files_new();
		return true;
	}
}

/* CHANNEL_MESSAGE: START or RELOAD. */
static enum channel_result
receive(struct serving *s)
{
	struct handover h;
	int fd;

	for (;;) {
		enum channel_result result = channel_receive(s->channel, &h, &fd);
		if (result != CHANNEL_MESSAGE || take_message(s, &h, fd))
			return result;
	}
}

static bool
is_channel(int fd)
{
	int domain = 0, type = 0;
	socklen_t n = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

struct serving *
serving_new(void)
{
	struct pollfd p = {.fd = SERVING_CHANNEL, .events = POLLIN};
	enum channel_result result;
	struct serving *s;

	if (!is_channel(SERVING_CHANNEL))
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->log = -1;
	s->channel = channel_new(SERVING_CHANNEL, true);
	s->next = files_new();
	s->signals = open_signals();
	must(s->signals >= 0);
	while ((result = receive(s)) == CHANNEL_AGAIN)
		must(poll(&p, 1, -1) >= 0 || errno == EINTR);
	if (result == CHANNEL_MESSAGE)
		return s;
	serving_free(s);
	return NULL;
}

void
serving_free(struct serving *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_listeners; i++)
		if (s->listener[i] >= 0)
			close(s->listener[i]);
	if (s->log >= 0)
		close(s->log);
	free(s->listener);
	files_unref(s->files);
	files_unref(s->next);
	channel_free(s->channel);
	close(s->signals);
	free(s);
}

struct files *
serving_files(const struct serving *s)
{
	return s->files;
}

bool
serving_take_listeners(struct serving *s, int *fd, size_t n)
{
	if (n != s->n_listeners)
		return false;
	for (size_t i = 0; i < n; i++) {
		fd[i] = s->listener[i];
		s->listener[i] = -1;
	}
	return true;
}

int
serving_take_log(struct serving *s)
{
	int fd = s->log;

	s->log = -1;
	return fd;
}

void
serving_ready(struct serving *s)
{
	channel_send(s->channel, &(struct handover){.kind = HANDOVER_READY}, -1);
}

void
serving_reloaded(struct serving *s, bool is_taken, struct slice words)
{
	struct handover h = {.kind = is_taken ? HANDOVER_RELOADED : HANDOVER_REFUSED};

	h.text = slice_of(words.p, words.n < HANDOVER_WORDS_MAX ? words.n : HANDOVER_WORDS_MAX);
	channel_send(s->channel, &h, -1);
}

/* False: none of ours has come. */
static bool
next_signal(struct serving *s, enum serving_event *event)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof info) != (ssize_t) sizeof info)
		return false;
	*event = info.ssi_signo == SIGTERM  ? SERVING_TERMINATE
		: info.ssi_signo == SIGINT  ? SERVING_INTERRUPT
		: info.ssi_signo == SIGUSR1 ? SERVING_USR1
					    : SERVING_ALARM;
	return true;
}

enum serving_event
serving_next(struct serving *s, int ms)
{
	enum serving_event event;
	int n;

	for (;;) {
		struct pollfd p[] = {{.fd = s->signals, .events = POLLIN},
			{.fd = channel_fd(s->channel),
				.events = (short) (POLLIN | (channel_is_pending(s->channel) ? POLLOUT : 0))}};
		if (next_signal(s, &event))
			return event;
		switch (receive(s)) {
		case CHANNEL_MESSAGE:
			return SERVING_RELOAD;
		case CHANNEL_CLOSED:
			return SERVING_ORPHANED;
		case CHANNEL_AGAIN:
			break;
		}
		channel_flush(s->channel);
		n = poll(p, 2, ms);
		must(n >= 0 || errno == EINTR);
		if (n == 0)
			return SERVING_TIME;
	}
}
