#include "io/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t) 64 << 10)

static const char too_large[] = "larger than 16 MiB";

/* NULL for a file. */
static const char *
kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static const char *
wrong(int error, const char *words)
{
	errno = error;
	return words;
}

/* A file never makes us wait; of what else there is on standard input somebody may have said that it must not. */
static bool
is_to_come(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return errno == EINTR || (errno == EAGAIN && fd == STDIN_FILENO && poll(&p, 1, -1) >= 0);
}

static const char *
read_all(int fd, struct buf *text)
{
	size_t total = 0;

	for (;;) {
		char *room = buf_reserve(text, PIECE);
		ssize_t n = read(fd, room, PIECE);
		if (n == 0)
			return NULL;
		if (n < 0 && is_to_come(fd))
			continue;
		if (n < 0)
			return strerror(errno);
		buf_commit(text, (size_t) n);
		total += (size_t) n;
		if (total > WHOLE_FILE_MAX)
			return wrong(EFBIG, too_large);
	}
}

/*
 * Looked at twice: opening some devices already does something, and what the
 * path names may have changed until it was opened.
 */
const char *
whole_file_read(const char *path, struct buf *text)
{
	const char *words = NULL;
	struct stat st;
	int fd, error;

	if (stat(path, &st) != 0)
		return strerror(errno);
	if (kind_of(st.st_mode) != NULL)
		return wrong(EINVAL, kind_of(st.st_mode));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		words = strerror(errno);
	else if (kind_of(st.st_mode) != NULL)
		words = wrong(EINVAL, kind_of(st.st_mode));
	else if ((uint64_t) st.st_size > WHOLE_FILE_MAX)
		words = wrong(EFBIG, too_large);
	else {
		/* At once: bytes that move leave a copy behind. */
		buf_reserve(text, (size_t) st.st_size + PIECE);
		words = read_all(fd, text);
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return words;
}

const char *
whole_file_read_input(struct buf *text)
{
	if (isatty(STDIN_FILENO))
		return wrong(EINVAL, "a terminal");
	return read_all(STDIN_FILENO, text);
}
