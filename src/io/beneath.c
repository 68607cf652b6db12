#include "io/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READING (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define TRIES 4 /* when something is renamed on the way */

/* What must not be reached, or is no file, is simply not there. */
static int
settle(int fd)
{
	if (fd < 0 && (errno == EXDEV || errno == ELOOP || errno == ENOTDIR || errno == ENXIO || errno == ENAMETOOLONG))
		errno = ENOENT;
	return fd;
}

/*
 * Part by part, where the kernel (before 5.6) or a filter of system calls
 * does not allow openat2(): no link is followed at all then.
 */
static int
walk(int directory, const char *path)
{
	int at = directory, next, error;

	for (;;) {
		char part[NAME_MAX + 1];
		size_t n = strcspn(path, "/");
		if (n == 0 || n > NAME_MAX || path[0] == '.') {
			errno = ENOENT;
			next = -1;
		} else {
			memcpy(part, path, n);
			part[n] = '\0';
			next = openat(at, part,
				path[n] == '/' ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : READING | O_NOFOLLOW);
		}
		error = errno;
		if (at != directory)
			close(at);
		errno = error;
		if (next < 0 || path[n] == '\0')
			return next;
		at = next;
		path += n + 1;
	}
}

int
beneath_open(int directory, const char *path)
{
	struct open_how how = {.flags = READING, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = walk(directory, path);
	return settle((int) fd);
}
