#include "worker/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fatal.h"
#include "worker/serving.h"

#define PROGRAM (SERVING_CHANNEL + 1) /* where the child has the program */
#define ASIDE (PROGRAM + 1)           /* where descriptors do not get in the way of those two */

struct spawn {
	int program;
	char **argv;
};

struct spawn *
spawn_new(int argc, char **argv)
{
	struct spawn *s = xcalloc(1, sizeof *s);

	/* What runs, also when another program is at its path by now; without /proc what the kernel was asked to run. */
	s->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (s->program < 0)
		s->program = open((const char *) (uintptr_t) getauxval(AT_EXECFN), O_PATH | O_CLOEXEC); /* NOLINT */
	s->argv = xcalloc((size_t) argc + 2, sizeof *s->argv);
	s->argv[0] = argv[0];
	s->argv[1] = xstrdup(SERVING_WORD);
	for (int i = 1; i < argc; i++)
		s->argv[i + 1] = argv[i];
	return s;
}

void
spawn_free(struct spawn *s)
{
	if (s->program >= 0)
		close(s->program);
	free(s->argv[1]);
	free(s->argv);
	free(s);
}

/* ---- the child's part ---- */

static void
close_from(unsigned first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, ~0U, 0U) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	for (unsigned fd = first; fd < limit.rlim_cur; fd++)
		close((int) fd);
}

/* 0 is empty, 1 and 2 are ours, then come channel and program, and nothing else. */
static bool
arrange_descriptors(int channel, int program)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	channel = fcntl(channel, F_DUPFD_CLOEXEC, ASIDE);
	program = fcntl(program, F_DUPFD_CLOEXEC, ASIDE);
	if (channel < 0 || program < 0 || dup2(channel, SERVING_CHANNEL) < 0 || dup3(program, PROGRAM, O_CLOEXEC) < 0)
		return false;
	if (null >= 0)
		(void) dup2(null, STDIN_FILENO);
	close_from(ASIDE);
	return true;
}

static _Noreturn void
run(const struct spawn *s, const struct account *who, int channel)
{
	struct buf error;

	buf_init(&error, BUF_UNLIMITED);
	if (!arrange_descriptors(channel, s->program)) {
		buf_printf(&error, "cannot start the serving process: %s", strerror(errno));
	} else if (account_become(who, &error)) {
		syscall(SYS_execveat, PROGRAM, "", s->argv, environ, AT_EMPTY_PATH);
		buf_printf(&error, "cannot start the serving process: %s; may its user run %s?", strerror(errno),
			s->argv[0]);
	}
	dprintf(STDERR_FILENO, "culvert: %.*s\n", SLICE_ARG(buf_slice(&error)));
	_exit(EXIT_FAILURE);
}

/* ---- ours ---- */

pid_t
spawn_start(struct spawn *s, const struct account *who, int *channel, struct buf *error)
{
	int end[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0) {
		buf_printf(error, "cannot start a serving process: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		run(s, who, end[1]);
	close(end[1]);
	*channel = end[0];
	if (pid < 0) {
		buf_printf(error, "cannot start a serving process: %s", strerror(errno));
		close(end[0]);
	}
	return pid;
}
