#include "worker/precautions.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void
precautions_take_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest number that is free, which is this one. */
		if (open("/dev/null", O_RDWR) < 0)
			(void) open("/", O_PATH | O_DIRECTORY);
	}
}

/*
 * A limit of 0 does not hold where a program takes the dumps (core(5)), such
 * as systemd-coredump: what counts is that the process is not dumpable.  The
 * limit is for whatever we may start, which would be dumpable again.
 */
void
precautions_core_dumps(bool is_wanted)
{
	struct rlimit limit;

	(void) prctl(PR_SET_DUMPABLE, is_wanted ? 1L : 0L, 0L, 0L, 0L);
	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		return;
	limit.rlim_cur = is_wanted ? limit.rlim_max : 0;
	(void) setrlimit(RLIMIT_CORE, &limit);
}
