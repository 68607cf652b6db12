/* What keeper and serving process say to each other: the encoding, and its way through a socket. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Parts of the daemon, not of libcore.a, but they need nothing else. */
#include "worker/channel.c"
#include "worker/handover.c"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ROOM 256

static const struct handover all[] = {
	{HANDOVER_FILE, 0, SLICE_INIT("/etc/culvert.json"), SLICE_INIT("{\0}")},
	{HANDOVER_FILE, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_LISTENER, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_LISTENER, UINT32_MAX, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_LOG, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_START, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_RELOAD, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_READY, 0, SLICE_INIT(""), SLICE_INIT("")},
	{HANDOVER_RELOADED, 0, SLICE_INIT(""), SLICE_INIT("node: ...\n")},
	{HANDOVER_REFUSED, 0, SLICE_INIT(""), SLICE_INIT("wrong\n")},
};

static size_t
write_one(const struct handover *h, char *out)
{
	size_t n = handover_size(h);

	assert_true(n >= HANDOVER_HEAD && n <= ROOM);
	handover_write(h, out);
	return n;
}

static bool
read_one(const char *bytes, size_t n, struct handover *h)
{
	enum handover_kind kind;
	size_t rest;

	return n >= HANDOVER_HEAD && handover_read_head(bytes, &kind, &rest) && rest == n - HANDOVER_HEAD &&
		handover_read(kind, slice_of(bytes + HANDOVER_HEAD, rest), h);
}

static void
assert_same(const struct handover *a, const struct handover *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->index, b->index);
	assert_true(slice_eq(a->name, b->name) && slice_eq(a->text, b->text));
}

/* ---- the encoding ---- */

static void
test_there_and_back(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct handover h;
		char bytes[ROOM];
		assert_true(read_one(bytes, write_one(&all[i], bytes), &h));
		assert_same(&h, &all[i]);
	}
}

/* A message whose head says that it is this long. */
static bool
read_cut(const char *bytes, size_t n)
{
	char copy[ROOM];
	struct handover h;

	memcpy(copy, bytes, n);
	octets_put_number(copy + 3, n - HANDOVER_HEAD, 4);
	return read_one(copy, n, &h);
}

static void
test_other_lengths(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(all); i++) {
		char bytes[ROOM] = {0};
		size_t n = write_one(&all[i], bytes);
		assert_true(read_cut(bytes, n));
		for (size_t k = HANDOVER_HEAD; k < n; k++)
			assert_false(read_cut(bytes, k));
		assert_false(read_cut(bytes, n + 1));
	}
}

/* Any byte may be any other: then it is refused, or means what it says. */
static void
test_every_byte_changed(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(all); i++) {
		char bytes[ROOM], again[ROOM];
		size_t n = write_one(&all[i], bytes);
		for (size_t at = 0; at < n; at++) {
			for (unsigned value = 0; value < 256; value++) {
				char before = bytes[at];
				struct handover h;
				bytes[at] = (char) (unsigned char) value;
				if (read_one(bytes, n, &h)) {
					assert_int_equal(write_one(&h, again), n);
					assert_memory_equal(again, bytes, n);
				}
				bytes[at] = before;
			}
		}
	}
}

static void
test_bounds(void **state)
{
	static const struct {
		enum handover_kind kind;
		size_t most;
	} bounds[] = {{HANDOVER_NONE, 0}, {HANDOVER_FILE, 6 + HANDOVER_NAME_MAX + WHOLE_FILE_MAX},
		{HANDOVER_LISTENER, 4}, {HANDOVER_LOG, 0}, {HANDOVER_START, 0}, {HANDOVER_RELOAD, 0},
		{HANDOVER_READY, 0}, {HANDOVER_RELOADED, 4 + HANDOVER_WORDS_MAX},
		{HANDOVER_REFUSED, 4 + HANDOVER_WORDS_MAX}, {HANDOVER_KINDS, 0}};

	(void) state;
	assert_int_equal(COUNT(bounds), HANDOVER_KINDS + 1);
	for (size_t i = 0; i < COUNT(bounds); i++) {
		char head[HANDOVER_HEAD] = {
			HANDOVER_VERSION, (char) bounds[i].kind, (char) handover_descriptors(bounds[i].kind)};
		bool is_one = bounds[i].kind != HANDOVER_NONE && bounds[i].kind != HANDOVER_KINDS;
		enum handover_kind kind;
		size_t n;
		octets_put_number(head + 3, bounds[i].most, 4);
		assert_int_equal(handover_read_head(head, &kind, &n), is_one);
		octets_put_number(head + 3, bounds[i].most + 1, 4);
		assert_false(handover_read_head(head, &kind, &n));
		octets_put_number(head + 3, UINT32_MAX, 4);
		assert_false(handover_read_head(head, &kind, &n));
		octets_put_number(head + 3, 0, 4);
		head[0]++; /* of another version */
		assert_false(handover_read_head(head, &kind, &n));
		head[0]--;
		head[2]++; /* with a descriptor more */
		assert_false(handover_read_head(head, &kind, &n));
	}
}

static void
test_names(void **state)
{
	char bytes[ROOM];
	struct handover h = {HANDOVER_FILE, 0, SLICE("a\0b"), SLICE("")};

	(void) state;
	assert_false(read_one(bytes, write_one(&h, bytes), &h));
}

/* ---- the channel ---- */

struct ends {
	struct channel *keeper, *serving;
	int fd; /* the keeper's */
};

static void
open_ends(struct ends *e)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	e->fd = fd[0];
	e->keeper = channel_new(fd[0], false);
	e->serving = channel_new(fd[1], true);
}

static void
close_ends(struct ends *e)
{
	channel_free(e->keeper);
	channel_free(e->serving);
}

static ino_t
inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void
test_channel(void **state)
{
	int some = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct handover h;
	struct ends e;
	int fd;

	(void) state;
	open_ends(&e);
	assert_int_equal(channel_receive(e.serving, &h, &fd), CHANNEL_AGAIN);
	for (size_t i = 0; i < COUNT(all); i++) {
		bool is_answer = handover_is_answer(all[i].kind), has_one = handover_descriptors(all[i].kind) > 0;
		channel_send(is_answer ? e.serving : e.keeper, &all[i], has_one ? some : -1);
	}
	for (size_t i = 0; i < COUNT(all); i++) {
		bool is_answer = handover_is_answer(all[i].kind);
		assert_int_equal(channel_receive(is_answer ? e.keeper : e.serving, &h, &fd), CHANNEL_MESSAGE);
		assert_same(&h, &all[i]);
		assert_int_equal(fd >= 0, handover_descriptors(h.kind) > 0);
		if (fd < 0)
			continue;
		assert_true(fd != some && inode_of(fd) == inode_of(some) && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		close(fd);
	}
	assert_int_equal(channel_receive(e.serving, &h, &fd), CHANNEL_AGAIN);
	channel_free(e.keeper);
	assert_int_equal(channel_receive(e.serving, &h, &fd), CHANNEL_CLOSED);
	e.keeper = NULL;
	close_ends(&e);
	close(some);
}

/* More than a socket takes: nobody waits, and all of it comes. */
static void
test_large(void **state)
{
	struct handover h = {HANDOVER_FILE, 0, SLICE("large"), {xcalloc(1, WHOLE_FILE_MAX), WHOLE_FILE_MAX}}, got;
	enum channel_result result;
	unsigned rounds = 0;
	struct ends e;
	int fd;

	(void) state;
	open_ends(&e);
	memset((char *) (uintptr_t) h.text.p, 'x', h.text.n);
	channel_send(e.keeper, &h, -1);
	channel_send(e.keeper, &all[0], -1);
	assert_true(channel_is_pending(e.keeper));
	for (; (result = channel_receive(e.serving, &got, &fd)) == CHANNEL_AGAIN; rounds++)
		channel_flush(e.keeper);
	assert_int_equal(result, CHANNEL_MESSAGE);
	assert_true(rounds > 1);
	assert_same(&got, &h);
	assert_int_equal(channel_receive(e.serving, &got, &fd), CHANNEL_MESSAGE);
	assert_same(&got, &all[0]);
	free((char *) (uintptr_t) h.text.p);
	/* One that is not sent to its end is given up with it. */
	h.text = slice_str("y");
	channel_send(e.keeper, &h, -1);
	close_ends(&e);
}

/* What the other end sends, as bytes with descriptors, and what is made of it: never a message. */
static void
refused(const char *bytes, size_t n, int descriptors, bool by_serving)
{
	int some[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC)};
	struct iovec v = {.iov_base = (char *) (uintptr_t) bytes, .iov_len = n};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};
	struct channel *end;
	struct handover h;
	struct ends e;
	int fd, next;

	open_ends(&e);
	if (descriptors > 0) {
		struct cmsghdr *cmsg;
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE((size_t) descriptors * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN((size_t) descriptors * sizeof(int));
		memcpy(CMSG_DATA(cmsg), some, (size_t) descriptors * sizeof(int));
	}
	next = fcntl(some[0], F_DUPFD_CLOEXEC, 0);
	close(next);
	assert_true(sendmsg(channel_fd(by_serving ? e.serving : e.keeper), &message, 0) == (ssize_t) n);
	end = by_serving ? e.keeper : e.serving;
	assert_int_equal(channel_receive(end, &h, &fd), CHANNEL_CLOSED);
	assert_int_equal(channel_receive(end, &h, &fd), CHANNEL_CLOSED);
	assert_int_equal(fd, -1);
	close_ends(&e);
	/* No descriptor stays behind. */
	assert_true(fcntl(next, F_GETFD) < 0);
	close(some[0]);
	close(some[1]);
}

static void
test_hostile(void **state)
{
	char bytes[ROOM];

	(void) state;
	refused("GET / HTTP/1.1\r\n\r\n", 18, 0, true);
	refused("GET / HTTP/1.1\r\n\r\n", 18, 0, false);
	for (size_t i = 0; i < COUNT(all); i++) {
		bool is_answer = handover_is_answer(all[i].kind);
		size_t n = write_one(&all[i], bytes);
		int right = (int) handover_descriptors(all[i].kind);
		/* By the wrong end; with one descriptor too many, or too few. */
		refused(bytes, n, right, !is_answer);
		if (!is_answer && right < 2)
			refused(bytes, n, right + 1, false);
		if (right > 0)
			refused(bytes, n, right - 1, false);
	}
	/* The keeper gets no descriptor, so the message counts without. */
	assert_int_equal(write_one(&all[7], bytes), HANDOVER_HEAD);
}

/* Every prefix: more is waited for; the end of it is an end. */
static void
test_prefixes(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(all); i++) {
		bool by_serving = handover_is_answer(all[i].kind);
		char bytes[ROOM];
		size_t n = write_one(&all[i], bytes);
		for (size_t k = 0; k < n; k++) {
			struct handover h;
			struct ends e;
			int fd;
			open_ends(&e);
			assert_int_equal(write(channel_fd(by_serving ? e.serving : e.keeper), bytes, k), k);
			assert_int_equal(channel_receive(by_serving ? e.keeper : e.serving, &h, &fd), CHANNEL_AGAIN);
			channel_free(by_serving ? e.serving : e.keeper);
			assert_int_equal(channel_receive(by_serving ? e.keeper : e.serving, &h, &fd), CHANNEL_CLOSED);
			channel_free(by_serving ? e.keeper : e.serving);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_other_lengths),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
