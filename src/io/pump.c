#include "io/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/due.h"
#include "base/fatal.h"
#include "base/list.h"
#include "base/state.h"
#include "base/wipe.h"

#define PAIR_BYTES 65536  /* of the pair's room, one way: what is in there the client has not taken */
#define LINGER_MS 2000    /* for a client to close, when all is said */
#define SILENT_MS 60000   /* without taking anything of what is left for it */
#define OWN_DESCRIPTORS 2 /* beside the inner end: the outer socket, and our end of the pair */
#define DROP_ROUNDS 16    /* reads in one turn of the loop, of what nobody wants any more */
#define GOODBYE_ROUNDS 64 /* records that are sent when the process ends */

enum pump_state {
	PUMP_OPEN,
	PUMP_LEFT,   /* the client is gone, and the inner end knows: what it still writes is dropped until it closes */
	PUMP_ENDING, /* the inner end has closed: what is left goes out, then the goodbye */
	PUMP_LINGERING, /* the goodbye is said: what the client still sends is dropped until it closes */
	PUMP_CLOSED,    /* waits for the loop to let go of it */
};

static const struct state states[] = {
	[PUMP_OPEN] = {"open", STEP(PUMP_LEFT) | STEP(PUMP_ENDING) | STEP(PUMP_CLOSED)},
	[PUMP_LEFT] = {"left", STEP(PUMP_CLOSED)},
	[PUMP_ENDING] = {"ending", STEP(PUMP_LINGERING) | STEP(PUMP_CLOSED)},
	[PUMP_LINGERING] = {"lingering", STEP(PUMP_CLOSED)},
	[PUMP_CLOSED] = {"closed", 0},
};

/* One of the two sockets. */
struct side {
	uv_poll_t poll;
	int fd;
	int events; /* the loop looks for */
};

struct pump {
	struct pumps *all;
	enum pump_state state; /* only set_state() sets it */
	struct tls *tls;
	struct side outer, inner;
	struct buf rest; /* what the client has said and the inner end does not take yet */
	bool has_unsent; /* a record is taken that the client does not take yet */
	size_t charged;  /* to the budget */
	struct due_link due;
	struct list link; /* in all->pumps */
	unsigned n_open;  /* handles to close before the memory goes */
};

struct pumps {
	uv_loop_t *loop;
	struct context *context;
	struct list pumps;
	struct due due;
	uint64_t left;         /* clients so far */
	char *buffer, *record; /* TLS_RECORD bytes each */
};

static void
set_state(struct pump *p, enum pump_state to)
{
	struct trace trace = {.log = p->all->context->log, .kind = "fd", .number = (uint64_t) p->outer.fd};

	state_step(states, "pump", &trace, p->state, to);
	p->state = to;
}

static ms_t
now_of(const struct pump *p)
{
	return (ms_t) uv_now(p->all->loop);
}

/* ---- the loop ---- */

static void on_outer(uv_poll_t *poll, int status, int events);
static void on_inner(uv_poll_t *poll, int status, int events);

static void
look_for(struct side *side, int events, uv_poll_cb tell)
{
	if (events == side->events)
		return;
	side->events = events;
	if (events != 0)
		uv_poll_start(&side->poll, events, tell);
	else
		uv_poll_stop(&side->poll);
}

static void
arm(struct pump *p)
{
	int outer = 0, inner = 0;

	switch (p->state) {
	case PUMP_OPEN:
		outer = (p->rest.n == 0 ? UV_READABLE : 0) | (p->has_unsent ? UV_WRITABLE : 0);
		inner = (p->has_unsent ? 0 : UV_READABLE) | (p->rest.n > 0 ? UV_WRITABLE : 0);
		break;
	case PUMP_LEFT:
		inner = UV_READABLE;
		break;
	case PUMP_ENDING:
		outer = UV_WRITABLE;
		break;
	case PUMP_LINGERING:
		outer = UV_READABLE;
		break;
	case PUMP_CLOSED:
		return;
	}
	look_for(&p->outer, outer, on_outer);
	look_for(&p->inner, inner, on_inner);
}

static void
on_closed(uv_handle_t *handle)
{
	struct pump *p = handle->data;

	if (--p->n_open > 0)
		return;
	tls_free(p->tls);
	close(p->outer.fd);
	close(p->inner.fd);
	free(p);
}

static void
close_pump(struct pump *p)
{
	struct context *context = p->all->context;

	set_state(p, PUMP_CLOSED);
	list_remove(&p->link);
	due_set(&p->all->due, &p->due, MS_NEVER);
	buf_fini(&p->rest);
	budget_move(&context->budget, &p->charged, 0);
	context->sockets->others -= OWN_DESCRIPTORS;
	uv_poll_stop(&p->outer.poll);
	uv_poll_stop(&p->inner.poll);
	uv_close((uv_handle_t *) &p->outer.poll, on_closed);
	uv_close((uv_handle_t *) &p->inner.poll, on_closed);
}

/* ---- ends ---- */

/* The client says no more, and what is written to it now is for nobody (RFC 5246, 7.2.1). */
static void
leave(struct pump *p)
{
	tls_goodbye(p->tls);
	shutdown(p->inner.fd, SHUT_WR);
	set_state(p, PUMP_LEFT);
	p->all->left++;
}

/* Nothing more goes out.  Closing with unread bytes would send a reset that may overtake what was said. */
static void
say_goodbye(struct pump *p)
{
	tls_goodbye(p->tls);
	shutdown(p->outer.fd, SHUT_WR);
	set_state(p, PUMP_LINGERING);
	due_set(&p->all->due, &p->due, now_of(p) + LINGER_MS);
}

/* The inner end has closed. */
static void
end(struct pump *p)
{
	if (p->state == PUMP_LEFT) {
		close_pump(p);
		return;
	}
	/* It may only have stopped writing; it hears nothing more either way. */
	shutdown(p->inner.fd, SHUT_RDWR);
	set_state(p, PUMP_ENDING);
	if (p->has_unsent)
		due_set(&p->all->due, &p->due, now_of(p) + SILENT_MS);
	else
		say_goodbye(p);
}

/* ---- from the client ---- */

/* Gives the inner end what it takes; true when that is all. */
static bool
hand_on(struct pump *p, struct slice bytes)
{
	ssize_t n = send(p->inner.fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return true; /* it has closed, which is seen when it is read */
	if (n < 0)
		n = 0;
	buf_append(&p->rest, slice_of(bytes.p + n, bytes.n - (size_t) n));
	return (size_t) n == bytes.n;
}

static void
give_rest(struct pump *p)
{
	ssize_t n = send(p->inner.fd, buf_slice(&p->rest).p, p->rest.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		buf_consume(&p->rest, (size_t) n);
	else if (errno != EAGAIN && errno != EINTR)
		buf_clear(&p->rest, 0);
	if (p->rest.n == 0)
		buf_fini(&p->rest);
}

/* One record; and what is decrypted already, of which the socket tells nothing. */
static void
read_client(struct pump *p)
{
	struct pumps *all = p->all;
	bool is_taken = true;
	size_t n;

	do {
		enum tls_result result = tls_read(p->tls, all->buffer, TLS_RECORD, &n);
		switch (result) {
		case TLS_DONE:
			is_taken = hand_on(p, slice_of(all->buffer, n));
			explicit_bzero(all->buffer, n);
			break;
		case TLS_WANT_READ:
		case TLS_WANT_WRITE:
			return;
		case TLS_CLOSED:
		case TLS_FAILED:
			leave(p);
			return;
		}
	} while (is_taken && tls_has_pending(p->tls));
}

/* ---- to the client ---- */

static void
write_client(struct pump *p, struct slice bytes)
{
	const struct iovec v = {.iov_base = (void *) (uintptr_t) bytes.p, .iov_len = bytes.n};
	enum tls_result result;
	size_t n;

	result = tls_write(p->tls, p->all->record, &v, 1, &n);
	explicit_bzero(p->all->record, bytes.n);
	switch (result) {
	case TLS_DONE:
		p->has_unsent = false;
		break;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		p->has_unsent = true;
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		p->has_unsent = false;
		leave(p);
		break;
	}
}

/* What the inner end has written; true: some of it. */
static bool
read_inner(struct pump *p)
{
	struct pumps *all = p->all;
	ssize_t n = recv(p->inner.fd, all->buffer, TLS_RECORD, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end(p);
		return false;
	}
	if (p->state == PUMP_OPEN)
		write_client(p, slice_of(all->buffer, (size_t) n));
	explicit_bzero(all->buffer, (size_t) n);
	return p->state == PUMP_OPEN;
}

/* The client takes output again. */
static void
flush(struct pump *p)
{
	write_client(p, SLICE(""));
	if (p->state != PUMP_ENDING)
		return;
	if (p->has_unsent)
		due_set(&p->all->due, &p->due, now_of(p) + SILENT_MS);
	else
		say_goodbye(p);
}

static void
drop(struct pump *p)
{
	ssize_t n;

	for (int i = 0; i < DROP_ROUNDS; i++) {
		n = recv(p->outer.fd, p->all->buffer, TLS_RECORD, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close_pump(p);
			return;
		}
	}
}

/* ---- what the loop tells ---- */

static void
on_outer(uv_poll_t *poll, int status, int events)
{
	struct pump *p = poll->data;

	/* The loop has stopped to look: what came before the error is still to be read. */
	if (status < 0) {
		p->outer.events = 0;
		events = UV_READABLE | UV_WRITABLE;
	}
	if ((events & UV_WRITABLE) != 0 && p->has_unsent)
		flush(p);
	if ((events & UV_READABLE) != 0) {
		if (p->state == PUMP_OPEN && p->rest.n == 0)
			read_client(p);
		else if (p->state == PUMP_LINGERING)
			drop(p);
	}
	if (status < 0 && p->state == PUMP_OPEN)
		leave(p);
	else if (status < 0 && (p->state == PUMP_ENDING || p->state == PUMP_LINGERING))
		close_pump(p);
	arm(p);
}

static void
on_inner(uv_poll_t *poll, int status, int events)
{
	struct pump *p = poll->data;

	if (status < 0) {
		p->inner.events = 0;
		events = UV_READABLE;
	}
	if ((events & UV_WRITABLE) != 0 && p->rest.n > 0)
		give_rest(p);
	if ((events & UV_READABLE) != 0 && !p->has_unsent && (p->state == PUMP_OPEN || p->state == PUMP_LEFT))
		read_inner(p);
	arm(p);
}

/* ---- life ---- */

struct pumps *
pumps_new(uv_loop_t *loop, struct context *context)
{
	struct pumps *all = xcalloc(1, sizeof *all);

	all->loop = loop;
	all->context = context;
	list_init(&all->pumps);
	due_init(&all->due);
	all->buffer = xmalloc(TLS_RECORD);
	all->record = xmalloc(TLS_RECORD);
	return all;
}

static void
open_side(struct pump *p, struct side *side, int fd)
{
	side->fd = fd;
	must(uv_poll_init(p->all->loop, &side->poll, fd) == 0);
	side->poll.data = p;
	uv_unref((uv_handle_t *) &side->poll);
	p->n_open++;
}

int
pump_open(struct pumps *all, int fd, struct tls *tls, size_t charged)
{
	struct context *context = all->context;
	int pair[2], room = PAIR_BYTES;
	struct pump *p;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		log_event(context->log, LOG_WARNING, "connection not served",
			"reason=%s cure=\"raise the limit of open files\"", log_string(strerror(errno)).text);
		budget_move(&context->budget, &charged, 0);
		tls_free(tls);
		close(fd);
		return -1;
	}
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	p = xcalloc(1, sizeof *p);
	p->all = all;
	p->tls = tls;
	p->charged = charged;
	buf_init_secret(&p->rest, BUF_UNLIMITED);
	context->sockets->others += OWN_DESCRIPTORS;
	list_append(&all->pumps, &p->link);
	open_side(p, &p->outer, fd);
	open_side(p, &p->inner, pair[0]);
	/* What came with the last bytes of the handshake has been read from the socket already. */
	if (tls_has_pending(tls))
		read_client(p);
	arm(p);
	return pair[1];
}

uint64_t
pumps_left(const struct pumps *all)
{
	return all->left;
}

ms_t
pumps_deadline(const struct pumps *all)
{
	return due_first(&all->due);
}

void
pumps_expire(struct pumps *all, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&all->due, now)) != NULL)
		close_pump(due_entry(link, struct pump, due));
}

void
pumps_close(struct pumps *all)
{
	struct list *link;

	while ((link = list_shift(&all->pumps)) != NULL) {
		struct pump *p = list_entry(link, struct pump, link);
		for (int i = 0; i < GOODBYE_ROUNDS && p->state == PUMP_OPEN && !p->has_unsent; i++)
			if (!read_inner(p))
				break;
		if (p->state == PUMP_OPEN)
			tls_goodbye(p->tls);
		if (p->state != PUMP_CLOSED)
			close_pump(p);
	}
}

void
pumps_free(struct pumps *all)
{
	if (all == NULL)
		return;
	due_fini(&all->due);
	free(all->buffer);
	free(all->record);
	free(all);
}
