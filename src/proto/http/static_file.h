/*
 * static_file.h: what a request for a static file means: which file below a
 * directory, of which type, how long it may be kept, and whether the client
 * has it already (RFC 9110, 13.1).  Files themselves are not looked at here.
 */
#ifndef CULVERT_PROTO_HTTP_STATIC_FILE_H
#define CULVERT_PROTO_HTTP_STATIC_FILE_H

#include "base/slice.h"

#define STATIC_FILE_PATH_MAX 1024 /* of a file's name with its directories, with its NUL */
#define STATIC_FILE_ETAG_MAX 64

/*
 * The file that the path of a request names, relative to the directory of
 * all pages; "index.html" in place of what would end with a slash.  False
 * when the path can name no page of ours: it does not begin with one slash,
 * is too long, an escape is broken or stands for a slash or a control
 * character, or a part of it is empty or begins with a dot.
 */
bool static_file_path(struct slice path, char out[STATIC_FILE_PATH_MAX]);

/*
 * The value of an argument of a query, with a NUL behind it, "+" being a
 * blank.  False when it does not fit, an escape is broken, or it holds a
 * control character.
 */
bool static_file_argument(struct slice value, char *out, size_t room);

struct static_file_type {
	const char *suffix; /* in lower case, without the dot */
	const char *content_type;
	bool is_kept; /* changes so seldom that a browser need not ask each time */
};

/* By the end of the file's name; of the unknown ones a browser makes no page. */
const struct static_file_type *static_file_type(const char *file);

/* A strong validator out of what changes with the file. */
void static_file_etag(char out[STATIC_FILE_ETAG_MAX], uint64_t size, int64_t seconds, uint32_t nanoseconds);

/* The same for what is no file, out of the bytes themselves. */
void static_file_etag_of(char out[STATIC_FILE_ETAG_MAX], struct slice bytes);

/*
 * Does the client have this already?  by_etag and by_date are its
 * If-None-Match and If-Modified-Since, unset when absent; the first decides
 * alone.  A date counts only as it was given, so a file put back to an older
 * one is sent again.
 */
bool static_file_is_known(struct slice by_etag, struct slice by_date, const char *etag, const char *date);

#endif
