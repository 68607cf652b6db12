#include "worker/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/list.h"

/* A message on its way out. */
struct parcel {
	struct list link;
	int fd; /* goes with its first byte; -1: none, or gone */
	size_t n, done;
	char bytes[];
};

struct channel {
	int fd;
	bool takes_descriptors, is_broken;
	struct list out;
	/* The message that is being read. */
	char head[HANDOVER_HEAD];
	size_t n_head;
	enum handover_kind kind;
	char *rest;
	size_t n_rest, n_read;
	int descriptor; /* that came with it; -1: none */
};

/* Room for more than one descriptor, so that a second does not get lost, and is seen. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

struct channel *
channel_new(int fd, bool takes_descriptors)
{
	struct channel *c = xcalloc(1, sizeof *c);

	must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
	c->fd = fd;
	c->takes_descriptors = takes_descriptors;
	c->descriptor = -1;
	list_init(&c->out);
	return c;
}

static void
drop_parcel(struct parcel *p)
{
	list_remove(&p->link);
	if (p->fd >= 0)
		close(p->fd);
	explicit_bzero(p->bytes, p->n);
	free(p);
}

/* Makes ready for the next message. */
static void
begin(struct channel *c)
{
	if (c->rest != NULL)
		explicit_bzero(c->rest, c->n_rest);
	free(c->rest);
	c->rest = NULL;
	c->n_head = c->n_rest = c->n_read = 0;
	if (c->descriptor >= 0)
		close(c->descriptor);
	c->descriptor = -1;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	while (!list_is_empty(&c->out))
		drop_parcel(list_entry(c->out.next, struct parcel, link));
	begin(c);
	close(c->fd);
	free(c);
}

int
channel_fd(const struct channel *c)
{
	return c->fd;
}

/* ---- out ---- */

void
channel_send(struct channel *c, const struct handover *h, int fd)
{
	size_t n = handover_size(h);
	struct parcel *p = xcalloc(1, sizeof *p + n);

	must((fd >= 0) == (handover_descriptors(h->kind) > 0));
	p->n = n;
	handover_write(h, p->bytes);
	/* The caller may close his before it is sent. */
	p->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (fd >= 0 && p->fd < 0)
		c->is_broken = true;
	list_append(&c->out, &p->link);
	channel_flush(c);
}

static ssize_t
send_some(const struct channel *c, const struct parcel *p)
{
	struct iovec v = {.iov_base = (char *) (uintptr_t) p->bytes + p->done, .iov_len = p->n - p->done};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (p->fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(sizeof p->fd);
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof p->fd);
		memcpy(CMSG_DATA(cmsg), &p->fd, sizeof p->fd);
	}
	return sendmsg(c->fd, &message, MSG_NOSIGNAL);
}

void
channel_flush(struct channel *c)
{
	while (!c->is_broken && !list_is_empty(&c->out)) {
		struct parcel *p = list_entry(c->out.next, struct parcel, link);
		ssize_t n = send_some(c, p);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->is_broken = errno != EAGAIN;
			return;
		}
		if (p->fd >= 0)
			close(p->fd);
		p->fd = -1;
		p->done += (size_t) n;
		if (p->done == p->n)
			drop_parcel(p);
	}
}

bool
channel_is_pending(const struct channel *c)
{
	return !c->is_broken && !list_is_empty(&c->out);
}

/* ---- in ---- */

/* Keeps the one descriptor that may come with a message; whatever else came is closed, and makes no sense. */
static void
take_descriptors(struct channel *c, struct msghdr *message)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	for (; cmsg != NULL; cmsg = CMSG_NXTHDR(message, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
			if (c->descriptor < 0) {
				c->descriptor = fd;
				continue;
			}
			close(fd);
			c->is_broken = true;
		}
	}
}

/* As read(2). */
static ssize_t
read_some(struct channel *c, char *room, size_t n)
{
	struct iovec v = {.iov_base = room, .iov_len = n};
	union control control;
	struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t done;

	if (c->takes_descriptors) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof control.room;
	}
	do
		done = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	while (done < 0 && errno == EINTR);
	if (done > 0 && c->takes_descriptors)
		take_descriptors(c, &message);
	return done;
}

/* Reads up to n bytes, of which *done are there.  CHANNEL_MESSAGE: all are. */
static enum channel_result
fill(struct channel *c, char *room, size_t n, size_t *done)
{
	while (*done < n && !c->is_broken) {
		ssize_t more = read_some(c, room + *done, n - *done);
		if (more < 0 && errno == EAGAIN)
			return CHANNEL_AGAIN;
		if (more <= 0)
			c->is_broken = true;
		else
			*done += (size_t) more;
	}
	return c->is_broken ? CHANNEL_CLOSED : CHANNEL_MESSAGE;
}

static enum channel_result
give_up(struct channel *c)
{
	c->is_broken = true;
	return CHANNEL_CLOSED;
}

enum channel_result
channel_receive(struct channel *c, struct handover *h, int *fd)
{
	enum channel_result result;

	*fd = -1;
	if (c->n_head == HANDOVER_HEAD && c->n_read == c->n_rest && c->rest != NULL)
		begin(c);
	result = fill(c, c->head, HANDOVER_HEAD, &c->n_head);
	if (result != CHANNEL_MESSAGE)
		return result;
	if (c->rest == NULL) {
		if (!handover_read_head(c->head, &c->kind, &c->n_rest) ||
			handover_is_answer(c->kind) == c->takes_descriptors)
			return give_up(c);
		c->rest = xmalloc(c->n_rest + 1);
	}
	result = fill(c, c->rest, c->n_rest, &c->n_read);
	if (result != CHANNEL_MESSAGE)
		return result;
	if (!handover_read(c->kind, slice_of(c->rest, c->n_rest), h) ||
		(c->descriptor >= 0) != (handover_descriptors(c->kind) > 0))
		return give_up(c);
	*fd = c->descriptor;
	c->descriptor = -1;
	return CHANNEL_MESSAGE;
}
