/*
 * log.h: one line per event.  `log_event(log, LOG_INFO, "session opened",
 * "session=%u transport=bosh", n)` gives the sink the line
 * `session opened session=7 transport=bosh`.  What a peer sent goes through
 * log_quote() first, so that a line stays a line.
 */
#ifndef CULVERT_BASE_LOG_H
#define CULVERT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* X(name, word) */
#define LOG_LEVEL_ROWS(X) \
	X(ERROR, "error") \
	X(WARNING, "warning") \
	X(NOTICE, "notice") \
	X(INFO, "info") \
	X(DEBUG, "debug")

enum log_level {
#define X(name, word) LOG_##name,
	LOG_LEVEL_ROWS(X)
#undef X
		LOG_LEVELS,
};

struct log {
	_Atomic int level; /* an enum log_level; what is less important is not written.  May change at any time */
	void *arg;
	/* Gets one line without its end. */
	void (*sink)(void *arg, enum log_level level, struct slice line);
};

#define LOG_QUOTED 96 /* room for a quoted value, with its NUL */

/* log may be NULL: then nothing is written.  event is a few words without "="; format gives key=value pairs, or is "". */
void log_event(const struct log *log, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static inline bool
log_is_on(const struct log *log, enum log_level level)
{
	return log != NULL && (int) level <= log->level;
}

/* "error", "warning", ... */
const char *log_level_name(enum log_level level);

/* Writes s as "..." with everything but plain printable ASCII escaped, cut when too long.  Returns out. */
const char *log_quote(char out[LOG_QUOTED], struct slice s);

#endif
