#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/wipe.h"

#define GROWS_MAX 65536

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void
buf_init_secret(struct buf *b, size_t max)
{
	buf_init(b, max);
	b->is_secret = true;
}

void
buf_fini(struct buf *b)
{
	if (b->is_secret)
		wipe(b->p, b->cap);
	free(b->p);
	*b = (struct buf){.max = b->max, .is_secret = b->is_secret};
}

/* Where it moves away from, nothing stays behind.  What is larger than this was no login. */
static void
resize(struct buf *b, size_t cap)
{
	char *p;

	if (b->is_secret && b->p != NULL && b->cap <= GROWS_MAX) {
		p = xmalloc(cap);
		memcpy(p, b->p, b->n);
		wipe(b->p, b->cap);
		free(b->p);
		b->p = p;
	} else {
		b->p = xrealloc(b->p, cap);
	}
	b->cap = cap;
}

static void
move_to_front(struct buf *b)
{
	if (b->p != NULL && b->start > 0)
		memmove(b->p, b->p + b->start, b->n);
	b->start = 0;
}

/*
 * Room is won by moving the bytes down when there is at least as much consumed
 * space as bytes, and by a block twice as large when there is less, so that
 * each byte is moved a constant number of times.  A buf that is used as a
 * queue may thus take twice its cap.
 */
char *
buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max || b->n > b->max - n)
		return NULL;
	if (b->cap - b->start - b->n >= n && b->p != NULL)
		return b->p + b->start + b->n;

	if (b->p != NULL && b->cap - b->n >= n && b->start >= b->n) {
		move_to_front(b);
		return b->p + b->n;
	}
	size_t want = b->n + n, limit = b->max;
	size_t cap = b->cap > 0 ? b->cap : 64;
	if (b->start > 0) {
		want *= 2;
		limit = limit > SIZE_MAX / 2 ? SIZE_MAX : limit * 2;
	}
	while (cap < want)
		cap = cap > limit / 2 ? limit : cap * 2;
	move_to_front(b);
	resize(b, cap);
	return b->p + b->n;
}

void
buf_commit(struct buf *b, size_t n)
{
	must(n <= b->cap - b->start - b->n);
	b->n += n;
}

int
buf_append(struct buf *b, struct slice s)
{
	char *room;

	if (s.n == 0)
		return 0;
	room = buf_reserve(b, s.n);
	if (room == NULL)
		return CV_EFULL;
	memcpy(room, s.p, s.n);
	b->n += s.n;
	return 0;
}

int
buf_append_str(struct buf *b, const char *s)
{
	return buf_append(b, slice_str(s));
}

int
buf_append_char(struct buf *b, char c)
{
	return buf_append(b, slice_of(&c, 1));
}

int
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	must(n >= 0);
	/* vsnprintf wants a byte for its NUL, which is not kept. */
	room = buf_reserve(b, (size_t) n + 1);
	if (room == NULL)
		return CV_EFULL;
	vsnprintf(room, (size_t) n + 1, format, ap);
	b->n += (size_t) n;
	return 0;
}

int
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	int error;

	va_start(ap, format);
	error = buf_vprintf(b, format, ap);
	va_end(ap);
	return error;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->start = 0;
		b->n = 0;
		return;
	}
	b->start += n;
	b->n -= n;
}

void
buf_clear(struct buf *b, size_t keep)
{
	if (b->is_secret)
		wipe(b->p, b->start + b->n);
	b->start = 0;
	b->n = 0;
	if (b->cap > keep)
		buf_fini(b);
}

const char *
buf_cstr(struct buf *b)
{
	char *room = buf_reserve(b, 1);

	if (room == NULL)
		return NULL;
	*room = '\0';
	return b->p + b->start;
}

char *
buf_take(struct buf *b, size_t *n)
{
	char *p;

	if (b->p == NULL)
		b->p = xmalloc(1);
	move_to_front(b);
	p = b->p;
	*n = b->n;
	*b = (struct buf){.max = b->max, .is_secret = b->is_secret};
	return p;
}
