/*
 * log.h: one line per event, which ends in key=value pairs.
 *
 *      log_event(log, LOG_INFO, "session opened", "session=%u domain=%s", n, log_value(domain).text);
 *
 * gives the sink `session opened session=7 domain=example.com`.  Whatever is
 * not a word or a number of ours goes through log_value(), so that a line
 * stays a line and its values can be told apart:
 *
 *      value   bare, or "..." when it is empty or has blanks, quotes, "=",
 *              backslashes or anything that is not printable ASCII
 *      in it   \" \\ and \x0a for every other byte that is not printable
 *
 * At a level that is off nothing is formatted: the arguments are not even looked at.
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

/* How much of a client's address a line shows: see log_peer() of peer.h. */
enum log_addresses {
	LOG_ADDRESSES_FULL,
	LOG_ADDRESSES_NETWORK,
	LOG_ADDRESSES_NONE,
};

struct log {
	_Atomic int level; /* an enum log_level; what is less important is not written.  May change at any time */
	void *arg;
	/* Gets one line without its end. */
	void (*sink)(void *arg, enum log_level level, struct slice line);
	_Atomic int addresses; /* an enum log_addresses; may change at any time */
};

#define LOG_LINE 2048 /* room for a line, with its NUL; pairs that do not fit are left out, and "cut=yes" says so */
#define LOG_QUOTED 96 /* room for log_quote(), with its NUL */
#define LOG_VALUE 512 /* room for a value, with its NUL; a longer one ends in "..." */

static inline bool
log_is_on(const struct log *log, enum log_level level)
{
	return log != NULL && (int) level <= log->level;
}

/* Writes the line, whatever the level: use log_event(). */
void log_write(const struct log *log, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * log_event(log, level, event, format, ...).  log may be NULL: then nothing is
 * written.  event is a few words without "="; format gives key=value pairs, or is "".
 */
#define log_event(log, level, ...) (log_is_on((log), (level)) ? log_write((log), (level), __VA_ARGS__) : (void) 0)

struct log_value {
	char text[LOG_VALUE];
};

/* Any bytes as the value of a pair.  Its text lives as long as the expression that it stands in. */
struct log_value log_value(struct slice s);
/* The same of a string; NULL is "-", which stands for none. */
struct log_value log_string(const char *s);

/* "error", "warning", ... */
const char *log_level_name(enum log_level level);

/* For other texts than the log: writes s as "...", escaped like a value, cut when too long.  Returns out. */
const char *log_quote(char out[LOG_QUOTED], struct slice s);

#endif
