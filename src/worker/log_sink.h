/*
 * log_sink.h: where the lines of the log go: to standard error, whatever that
 * is.  No thread ever waits for it, and it takes no more lines than flood.h
 * lets it.  Lines that cannot be written (a full disk, a pipe that nobody
 * reads) are lost; how many, it says once there is room.
 *
 * Who owns it blocks SIGALRM, waits for it, and then calls log_sink_tell().
 */
#ifndef CULVERT_WORKER_LOG_SINK_H
#define CULVERT_WORKER_LOG_SINK_H

#include "base/log.h"

struct log_sink;

/* fd, which it takes over, is what log_sink_opened() of another process said; -1: it finds out. */
struct log_sink *log_sink_new(int fd);
/* What it has opened itself, for another process that may not; -1: nothing. */
int log_sink_opened(const struct log_sink *s);
/* The last of all: no thread but this one is left.  Says what is still to be said. */
void log_sink_free(struct log_sink *s);

/* The sink of a struct log, from any thread; arg is the struct log_sink. */
void log_sink_take(void *arg, enum log_level level, struct slice line);

/* Says how many lines were left out or lost, unless there is still no room: then SIGALRM comes again. */
void log_sink_tell(struct log_sink *s);

#endif
