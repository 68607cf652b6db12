#include "io/upstream_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/list.h"
#include "base/state.h"
#include "base/wipe.h"

#define READ_BYTES 16384
/*
 * A server that had more than this for us is likely to go on so: it waits for
 * its turn among those like it, who are read together no more than TURN_BYTES,
 * and a read, before all others come again.
 */
#define LITTLE_BYTES 8192
#define TURN_BYTES 16384

_Static_assert(READ_BYTES >= TLS_RECORD, "the buffer is scratch for records too");

enum socket_state {
	SOCKET_OPEN,
	SOCKET_BROKEN, /* waits for the next run to say so */
	SOCKET_CLOSED, /* nobody's; waits for the loop to let go of it */
};

static const struct state states[] = {
	[SOCKET_OPEN] = {"open", STEP(SOCKET_BROKEN) | STEP(SOCKET_CLOSED)},
	[SOCKET_BROKEN] = {"broken", STEP(SOCKET_CLOSED)},
	[SOCKET_CLOSED] = {"closed", 0},
};

struct upstream_socket {
	struct upstream_sockets *all;
	void *owner;
	enum socket_state state; /* only set_state() sets it */
	uv_poll_t poll;
	int fd; /* -1: somebody else has it */
	struct tls *tls;
	int events;                     /* the loop is to look for */
	int found_events, found_status; /* by the loop, and not seen to yet */
	bool is_found;
	bool is_read_put_off; /* bytes wait, whatever the loop tells */
	bool is_in_error;     /* the loop tells nothing more; what came before is still to be read */
	bool is_busy;         /* it had much when it was read last */
	bool is_write_put_off;
	uint64_t written_in; /* which run something was written after */
	bool is_paused;
	struct list link; /* in all->ready: something waits for the next run */
	char why[UPSTREAM_REASON];
};

struct upstream_sockets {
	uv_loop_t *loop;
	const struct log *log;
	const struct upstream_socket_handler *handler;
	struct list ready;
	char *buffer;
	uint64_t runs;
	size_t turn; /* bytes that were read in this turn from those who have much */
};

struct upstream_sockets *
upstream_sockets_new(uv_loop_t *loop, const struct upstream_socket_handler *handler, const struct log *log)
{
	struct upstream_sockets *all = xcalloc(1, sizeof *all);

	all->loop = loop;
	all->handler = handler;
	all->log = log;
	all->buffer = xmalloc(READ_BYTES);
	list_init(&all->ready);
	return all;
}

void
upstream_sockets_free(struct upstream_sockets *all)
{
	if (all == NULL)
		return;
	must(list_is_empty(&all->ready));
	free(all->buffer);
	free(all);
}

static void
set_state(struct upstream_socket *s, enum socket_state to)
{
	struct trace trace = {.log = s->all->log, .kind = "fd", .number = (uint64_t) s->fd};

	state_step(states, "upstream", &trace, s->state, to);
	s->state = to;
}

static void
make_ready(struct upstream_socket *s)
{
	list_remove(&s->link);
	list_append(&s->all->ready, &s->link);
}

/* ---- the loop ---- */

/*
 * Only notes it.  A socket that is told of twice in a turn: the loop has told
 * of all others meanwhile, and would go on, since none is read.
 */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct upstream_socket *s = poll->data;
	const struct upstream_socket_handler *handler = s->all->handler;
	bool is_crowd = s->is_found;

	if (s->state != SOCKET_OPEN)
		return;
	s->is_found = true;
	s->found_events |= events;
	if (status < 0)
		s->found_status = status;
	/* Who waits already keeps its place. */
	if (list_is_empty(&s->link))
		make_ready(s);
	if (is_crowd)
		handler->crowd(handler->arg);
}

/* What the loop is to look for has changed. */
static void
watch(struct upstream_socket *s, int events)
{
	s->events = events;
	if (events != 0)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

struct upstream_socket *
upstream_socket_open(struct upstream_sockets *all, int fd, struct tls *tls, void *owner)
{
	struct upstream_socket *s = xcalloc(1, sizeof *s);

	s->all = all;
	s->owner = owner;
	s->fd = fd;
	s->tls = tls;
	list_init(&s->link);
	must(uv_poll_init(all->loop, &s->poll, fd) == 0);
	s->poll.data = s;
	watch(s, UV_READABLE);
	/* What came with the last bytes of the handshake has been read from the socket already. */
	s->is_read_put_off = tls != NULL && tls_has_pending(tls);
	if (s->is_read_put_off)
		make_ready(s);
	return s;
}

static void
on_closed(uv_handle_t *handle)
{
	struct upstream_socket *s = handle->data;

	if (s->fd >= 0)
		close(s->fd);
	tls_free(s->tls);
	free(s);
}

void
upstream_socket_close(struct upstream_socket *s)
{
	if (s == NULL)
		return;
	must(s->state != SOCKET_CLOSED);
	if (s->tls != NULL && s->state == SOCKET_OPEN)
		tls_goodbye(s->tls);
	set_state(s, SOCKET_CLOSED);
	list_remove(&s->link);
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *) &s->poll, on_closed);
}

int
upstream_socket_detach(struct upstream_socket *s)
{
	int fd = s->fd;

	must(s->tls == NULL);
	if (s->state != SOCKET_OPEN)
		return -1;
	upstream_socket_close(s);
	s->fd = -1; /* the loop closes it a turn later */
	return fd;
}

const struct tls *
upstream_socket_tls(const struct upstream_socket *s)
{
	return s->tls;
}

/* ---- reading ---- */

static void
lose(struct upstream_socket *s, const char *why)
{
	set_state(s, SOCKET_BROKEN);
	snprintf(s->why, sizeof s->why, "%s", why);
}

static void
tell_lost(struct upstream_socket *s)
{
	s->all->handler->lost(s->owner, s->why);
	must(s->state == SOCKET_CLOSED);
}

/* How many bytes were read. */
static size_t
read_plain(struct upstream_socket *s)
{
	ssize_t n = recv(s->fd, s->all->buffer, READ_BYTES, 0);

	if (n > 0) {
		s->all->handler->data(s->owner, slice_of(s->all->buffer, (size_t) n));
		return (size_t) n;
	}
	if (n == 0)
		lose(s, "closed by the server");
	else if (errno != EAGAIN && errno != EINTR)
		lose(s, strerror(errno));
	else if (s->is_in_error)
		lose(s, "connection in error");
	return 0;
}

/* One record or less. */
static size_t
read_tls(struct upstream_socket *s)
{
	size_t n = 0;

	switch (tls_read(s->tls, s->all->buffer, READ_BYTES, &n)) {
	case TLS_DONE:
		s->all->handler->data(s->owner, slice_of(s->all->buffer, n));
		return n;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		if (s->is_in_error)
			lose(s, "connection in error");
		break;
	case TLS_CLOSED:
		lose(s, "closed by the server");
		break;
	case TLS_FAILED:
		lose(s, "TLS broke: the server sent what is no valid record");
		break;
	}
	return 0;
}

/* It is read when its turn comes. */
static void
put_off_read(struct upstream_socket *s)
{
	s->is_read_put_off = true;
	if (!s->is_paused)
		make_ready(s);
}

/* Small records one after the other: what is left decrypted the socket will not tell of. */
static size_t
read_some(struct upstream_socket *s)
{
	size_t n, total = 0;

	do {
		n = s->tls != NULL ? read_tls(s) : read_plain(s);
		total += n;
	} while (n > 0 && total < LITTLE_BYTES && s->state == SOCKET_OPEN && !s->is_paused && s->tls != NULL &&
		tls_has_pending(s->tls));
	return total;
}

static void
read_in_turn(struct upstream_socket *s)
{
	size_t n;

	if (s->is_busy && s->all->turn >= TURN_BYTES) {
		put_off_read(s);
		return;
	}
	n = read_some(s);
	if (s->is_busy)
		s->all->turn += n;
	s->is_busy = n >= LITTLE_BYTES;
	if (s->state == SOCKET_OPEN && (s->is_in_error || (s->tls != NULL && tls_has_pending(s->tls))))
		put_off_read(s);
}

/* ---- writing ---- */

static void
want_writable(struct upstream_socket *s)
{
	watch(s, s->events | UV_WRITABLE);
}

/*
 * A socket that is found broken while we write is only noted here; what the
 * server may have said before is lost with it in any case.
 */
static void
lose_writing(struct upstream_socket *s, const char *why)
{
	lose(s, why);
	make_ready(s);
}

static size_t
write_plain(struct upstream_socket *s, const struct iovec *v, int n)
{
	struct msghdr message = {.msg_iov = (struct iovec *) (uintptr_t) v, .msg_iovlen = (size_t) n};
	size_t want = 0;
	ssize_t written;

	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	do {
		written = sendmsg(s->fd, &message, MSG_NOSIGNAL);
	} while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN) {
		lose_writing(s, strerror(errno));
		return 0;
	}
	if (written < 0 || (size_t) written < want)
		want_writable(s);
	return written > 0 ? (size_t) written : 0;
}

static size_t
write_tls(struct upstream_socket *s, const struct iovec *v, int n)
{
	size_t written = 0;

	enum tls_result result = tls_write(s->tls, s->all->buffer, v, n, &written);

	wipe(s->all->buffer, written);
	switch (result) {
	case TLS_DONE:
		break;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		want_writable(s);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		lose_writing(s, "TLS broke while writing");
		break;
	}
	return written;
}

/* One write at once; if there is more, all of it together, when the next run comes to it. */
static bool
may_write(struct upstream_socket *s)
{
	if (s->state != SOCKET_OPEN || (s->events & UV_WRITABLE) != 0)
		return false;
	if (s->written_in != s->all->runs) {
		s->written_in = s->all->runs;
		return true;
	}
	s->is_write_put_off = true;
	if (list_is_empty(&s->link))
		make_ready(s);
	return false;
}

size_t
upstream_socket_write(struct upstream_socket *s, const struct iovec *v, int n)
{
	size_t written, want = 0;

	if (!may_write(s))
		return 0;
	if (s->tls == NULL)
		return write_plain(s, v, n);
	written = write_tls(s, v, n);
	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	/* A record took only the first part: the rest when the loop comes round. */
	if (written < want && s->state == SOCKET_OPEN)
		want_writable(s);
	return written;
}

/*
 * The socket takes output again.  First what TLS has encrypted and could not
 * send: its owner takes it for sent and may have nothing more to write.
 */
static void
on_writable(struct upstream_socket *s)
{
	watch(s, s->events & ~UV_WRITABLE);
	if (s->tls != NULL)
		write_tls(s, NULL, 0);
	if (s->state == SOCKET_OPEN && (s->events & UV_WRITABLE) == 0)
		s->all->handler->writable(s->owner);
}

void
upstream_socket_pause(struct upstream_socket *s, bool pause)
{
	s->is_paused = pause;
	if (s->state != SOCKET_OPEN)
		return;
	watch(s, pause ? s->events & ~UV_READABLE : s->events | UV_READABLE);
	if (!pause && s->is_read_put_off)
		make_ready(s);
}

/* ---- once per turn ---- */

/* What the loop has found. */
static void
see_to(struct upstream_socket *s)
{
	int status = s->found_status, events = s->found_events;

	s->is_found = false;
	s->found_status = s->found_events = 0;
	if (events & UV_WRITABLE)
		on_writable(s);
	if (s->state != SOCKET_OPEN)
		return;
	if (status < 0)
		s->is_in_error = s->is_read_put_off = true;
	else if ((events & UV_READABLE) != 0 && !s->is_paused)
		s->is_read_put_off = true;
}

static void
run(struct upstream_socket *s)
{
	if (s->state == SOCKET_OPEN && s->is_found)
		see_to(s);
	if (s->state == SOCKET_OPEN && s->is_write_put_off) {
		s->is_write_put_off = false;
		if ((s->events & UV_WRITABLE) == 0)
			s->all->handler->writable(s->owner);
	}
	if (s->state == SOCKET_OPEN && s->is_read_put_off && !s->is_paused) {
		s->is_read_put_off = false;
		read_in_turn(s);
	}
	if (s->state == SOCKET_BROKEN)
		tell_lost(s);
}

bool
upstream_sockets_run(struct upstream_sockets *all)
{
	struct list now, *link;

	all->turn = 0;
	all->runs++;
	/* What becomes ready meanwhile waits for the next turn. */
	list_init(&now);
	while ((link = list_shift(&all->ready)) != NULL)
		list_append(&now, link);
	while ((link = list_shift(&now)) != NULL)
		run(list_entry(link, struct upstream_socket, link));
	return !list_is_empty(&all->ready);
}
