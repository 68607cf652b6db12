#include "worker/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/flood.h"

#define TEXT_MAX (LOG_LINE + 64) /* a line, and when it was */
#define AGAIN_SECONDS 1

struct log_sink {
	pthread_mutex_t mutex;
	int fd;
	bool is_socket, may_wait;
	char rest[TEXT_MAX]; /* of a line that was taken in part */
	size_t n_rest;
	uint64_t lost;
	int why; /* errno of the first of them */
	struct flood flood;
};

/*
 * Only we must not wait: the flag for that belongs to all who have the same
 * standard error, such as the shell.  So it is opened anew for us.  Of a
 * socket each call says it, and a file does not wait.
 */
static void
choose_descriptor(struct log_sink *s)
{
	struct stat st;

	s->fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) != 0 || S_ISREG(st.st_mode))
		return;
	s->is_socket = S_ISSOCK(st.st_mode);
	if (s->is_socket)
		return;
	s->fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->fd >= 0)
		return;
	s->fd = STDERR_FILENO;
	s->may_wait = true;
}

struct log_sink *
log_sink_new(int fd)
{
	struct log_sink *s = xcalloc(1, sizeof *s);

	must(pthread_mutex_init(&s->mutex, NULL) == 0);
	if (fd >= 0)
		s->fd = fd;
	else
		choose_descriptor(s);
	return s;
}

int
log_sink_opened(const struct log_sink *s)
{
	return s->fd != STDERR_FILENO ? s->fd : -1;
}

/* ---- bytes ---- */

static ssize_t
write_some(struct log_sink *s, struct slice bytes)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if (s->is_socket)
		return send(s->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (s->may_wait && poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(s->fd, bytes.p, bytes.n);
}

/* How many bytes were taken; when not all, errno says why. */
static size_t
put(struct log_sink *s, struct slice bytes)
{
	size_t done = 0;

	while (done < bytes.n) {
		ssize_t n = write_some(s, slice_of(bytes.p + done, bytes.n - done));
		if (n > 0)
			done += (size_t) n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	return done;
}

/* Is the line that was begun whole now? */
static bool
put_rest(struct log_sink *s)
{
	size_t done = put(s, slice_of(s->rest, s->n_rest));

	memmove(s->rest, s->rest + done, s->n_rest - done);
	s->n_rest -= done;
	return s->n_rest == 0;
}

/* ---- lines ---- */

/* One write per line, so that lines of several threads, or processes, do not mix.  False: it could not be written. */
static bool
put_line(struct log_sink *s, const struct timespec *ts, enum log_level level, struct slice line)
{
	char text[TEXT_MAX];
	struct tm tm;
	size_t done;
	int n;

	gmtime_r(&ts->tv_sec, &tm);
	n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %.*s\n", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts->tv_nsec / 1000000,
		log_level_name(level), SLICE_ARG(line));
	if (n >= (int) sizeof text) {
		n = (int) sizeof text - 1;
		text[n - 1] = '\n';
	}
	if (!put_rest(s))
		return false;
	done = put(s, slice_of(text, (size_t) n));
	if (done == 0)
		return false;
	s->n_rest = (size_t) n - done;
	memcpy(s->rest, text + done, s->n_rest);
	return true;
}

static void
lose(struct log_sink *s, uint64_t lines)
{
	if (s->lost == 0)
		s->why = errno;
	s->lost += lines;
}

/* Says what was lost, if that can be written. */
static bool
tell_lost(struct log_sink *s, const struct timespec *ts)
{
	char text[LOG_VALUE + 96];

	if (s->lost == 0)
		return put_rest(s);
	snprintf(text, sizeof text, "lines could not be written lines=%llu reason=%s", (unsigned long long) s->lost,
		log_string(strerror(s->why)).text);
	if (!put_line(s, ts, LOG_WARNING, slice_str(text)))
		return false;
	s->lost = 0;
	return true;
}

/* Says of which lines there were more, in other seconds than this one. */
static void
tell_left_out(struct log_sink *s, const struct timespec *ts, int64_t second)
{
	const char *event;
	uint64_t lines;
	char text[128];

	while (flood_next(&s->flood, second, &event, &lines)) {
		snprintf(
			text, sizeof text, "lines left out event=\"%s\" lines=%llu", event, (unsigned long long) lines);
		if (put_line(s, ts, LOG_WARNING, slice_str(text)))
			continue;
		lose(s, lines);
		return;
	}
}

static bool
has_to_tell(const struct log_sink *s)
{
	return s->lost > 0 || s->n_rest > 0 || s->flood.n_left_out > 0;
}

static void
tell(struct log_sink *s, const struct timespec *ts, int64_t second)
{
	if (tell_lost(s, ts))
		tell_left_out(s, ts, second);
}

void
log_sink_take(void *arg, enum log_level level, struct slice line)
{
	struct log_sink *s = arg;
	struct timespec ts;
	bool had_to_tell;

	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&s->mutex);
	had_to_tell = has_to_tell(s);
	if (had_to_tell)
		tell(s, &ts, ts.tv_sec);
	if (flood_admit(&s->flood, level == LOG_DEBUG, line, ts.tv_sec) &&
		(s->lost > 0 || !put_line(s, &ts, level, line)))
		lose(s, 1);
	if (!had_to_tell && has_to_tell(s))
		alarm(AGAIN_SECONDS);
	pthread_mutex_unlock(&s->mutex);
}

void
log_sink_tell(struct log_sink *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&s->mutex);
	tell(s, &ts, ts.tv_sec);
	if (has_to_tell(s))
		alarm(AGAIN_SECONDS);
	pthread_mutex_unlock(&s->mutex);
}

void
log_sink_free(struct log_sink *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	tell(s, &ts, -1);
	if (s->fd != STDERR_FILENO)
		close(s->fd);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}
