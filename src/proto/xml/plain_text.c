#include "proto/xml/plain_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define BLOCK 16 /* PLAIN_TEXT_MIN is four of them */

static bool
is_plain(char c)
{
	unsigned char u = (unsigned char) c;

	return ((u >= ' ' && u < 0x80) || c == '\t' || c == '\n' || c == '\r') && c != '<' && c != '&' && c != ']';
}

static bool
is_each_plain(const char *p)
{
	for (unsigned i = 0; i < BLOCK; i++)
		if (!is_plain(p[i]))
			return false;
	return true;
}

#if defined(__GNUC__)

/* Sixteen bytes at once, in whatever registers the machine has for them. */
typedef signed char block __attribute__((vector_size(BLOCK)));

/* Bytes that are not plain, or may not be: as signed numbers, what is no ASCII is below the blank like white space. */
static block
doubtful(const char *p)
{
	block b;

	memcpy(&b, p, sizeof b);
	return (b < ' ') | (b == '<') | (b == '&') | (b == ']');
}

static bool
is_none(block b)
{
	uint64_t half[2];

	memcpy(half, &b, sizeof half);
	return (half[0] | half[1]) == 0;
}

/* Text has many blocks without a line's end, and few with one. */
static bool
is_block_plain(const char *p)
{
	return is_none(doubtful(p)) || is_each_plain(p);
}

static bool
are_blocks_plain(const char *p)
{
	return is_none(doubtful(p) | doubtful(p + BLOCK) | doubtful(p + 2 * BLOCK) | doubtful(p + 3 * BLOCK));
}

#else

static bool
is_block_plain(const char *p)
{
	return is_each_plain(p);
}

static bool
are_blocks_plain(const char *p)
{
	return is_block_plain(p) && is_block_plain(p + BLOCK) && is_block_plain(p + 2 * BLOCK) &&
		is_block_plain(p + 3 * BLOCK);
}

#endif

/*
 * The start of the next run at p or behind it, NULL when there is none.  It
 * looks at the end of where a run might be first: text that is no ASCII is
 * passed in long steps.
 */
static const char *
run_start(const char *p, const char *end)
{
	while (end - p >= PLAIN_TEXT_MIN) {
		const char *at = p + PLAIN_TEXT_MIN;
		if (are_blocks_plain(p))
			return p;
		while (at > p && is_block_plain(at - BLOCK))
			at -= BLOCK;
		if (at == p)
			return p;
		while (is_plain(at[-1]))
			at--;
		p = at;
	}
	return NULL;
}

static const char *
run_end(const char *p, const char *end)
{
	for (;;) {
		if (end - p >= 4 * BLOCK && are_blocks_plain(p))
			p += 4 * BLOCK;
		else if (end - p >= BLOCK && is_block_plain(p))
			p += BLOCK;
		else
			break;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

static void
add(struct plain_text *t, size_t from, size_t to)
{
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 16;
		t->run = xrealloc(t->run, t->cap * sizeof *t->run);
	}
	t->run[t->n++] = (struct plain_run){from, to};
	t->bytes += to - from;
}

/* The runs of a stretch without references. */
static void
find_in_stretch(struct plain_text *t, const char *start, const char *p, const char *end)
{
	const char *stretch = p, *to;

	while ((p = run_start(p, end)) != NULL) {
		to = run_end(p, end);
		add(t, (size_t) (p - start) + (p > stretch && p[-1] == ']' ? 2 : 1),
			(size_t) (to - start) - (to < end && *to == ']' ? 2 : 1));
		p = to;
	}
}

void
plain_text_find(struct plain_text *t, const char *start, const char *p, const char *end, bool is_cdata)
{
	while (end - p >= PLAIN_TEXT_MIN) {
		const char *reference = is_cdata ? NULL : memchr(p, '&', (size_t) (end - p));
		find_in_stretch(t, start, p, reference != NULL ? reference : end);
		if (reference == NULL)
			return;
		p = memchr(reference, ';', (size_t) (end - reference));
		if (p == NULL)
			return;
		p++;
	}
}

void
plain_text_clear(struct plain_text *t)
{
	t->n = t->bytes = 0;
}

void
plain_text_fini(struct plain_text *t)
{
	free(t->run);
	*t = (struct plain_text){.run = NULL};
}
