/*
 * buf.h: bytes that grow up to a cap given at birth.
 *
 *      p                start                 start+n            cap  ... max
 *      |  consumed      |  the bytes          |  room            |
 *
 * Appending beyond the cap is an ordinary error (CV_EFULL) and changes
 * nothing: what a peer sends ends up here.  Consuming from the front costs
 * nothing; the room is won back when the buf must grow or runs empty.
 */
#ifndef CULVERT_BASE_BUF_H
#define CULVERT_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/slice.h"

#define BUF_UNLIMITED ((size_t) -1)

struct buf {
	char *p;
	size_t start, n, cap, max;
	bool is_secret; /* what is given back is wiped (wipe.h) */
};

/* An empty buf that will hold at most max bytes.  Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
/* The same, for what a client says: it may be a password. */
void buf_init_secret(struct buf *b, size_t max);
/* Frees the bytes; the buf is empty and may be used again. */
void buf_fini(struct buf *b);

/* Makes room for n more bytes and returns where to write them, or NULL when that would pass the cap. */
char *buf_reserve(struct buf *b, size_t n);
/* Says that n of the reserved bytes are written. */
void buf_commit(struct buf *b, size_t n);

/* Each: 0 or CV_EFULL, and then nothing is appended. */
int buf_append(struct buf *b, struct slice s);
int buf_append_str(struct buf *b, const char *s);
int buf_append_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

/* Drops n bytes (at most all) from the front. */
void buf_consume(struct buf *b, size_t n);
/* Empties without giving memory back, unless more than keep bytes are held. */
void buf_clear(struct buf *b, size_t keep);
/* Ends the bytes with a NUL that is not counted, and returns them; NULL when the cap is reached. */
const char *buf_cstr(struct buf *b);
/* Hands the bytes over as one malloc()ed block of *n bytes (start at its beginning); the buf is empty after. */
char *buf_take(struct buf *b, size_t *n);

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p != NULL ? b->p + b->start : "", b->n);
}

#endif
