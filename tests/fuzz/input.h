/*
 * input.h: what the fuzzers share.  A fuzzer whose input is more than one
 * piece has it as text, cut by control characters that XML does not know:
 * seeds can be read, and one byte more is one event more.
 */
#ifndef CULVERT_TESTS_FUZZ_INPUT_H
#define CULVERT_TESTS_FUZZ_INPUT_H

#include <stdint.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/slice.h"

/* A fuzzer's one function, as libFuzzer calls it; 0 is all it returns.  It aborts when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The bytes up to a mark (0x1c to 0x1f), or up to the end, where the mark is 0. */
struct piece {
	struct slice bytes;
	char mark;
};

#define MARK_FILE '\x1c'
#define MARK_GROUP '\x1d'
#define MARK_RECORD '\x1e'
#define MARK_UNIT '\x1f'

/* False when there is no more. */
static inline bool
next_piece(struct slice *rest, struct piece *piece)
{
	size_t n = 0;

	if (rest->n == 0)
		return false;
	while (n < rest->n && (rest->p[n] < MARK_FILE || rest->p[n] > MARK_UNIT))
		n++;
	*piece = (struct piece){slice_of(rest->p, n), '\0'};
	if (n < rest->n)
		piece->mark = rest->p[n++];
	*rest = slice_of(rest->p + n, rest->n - n);
	return true;
}

/* The first byte, which chooses among variants; '\0' when there is none. */
static inline char
next_choice(struct slice *rest)
{
	char c = '\0';

	if (rest->n > 0) {
		c = rest->p[0];
		*rest = slice_of(rest->p + 1, rest->n - 1);
	}
	return c;
}

/* A copy in a block of its own, so that a look beyond its end is noticed; free with exact_free(). */
static inline struct slice
exact(struct slice s)
{
	char *p = xmalloc(s.n > 0 ? s.n : 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return slice_of(p, s.n);
}

static inline void
exact_free(struct slice s)
{
	free((char *) (uintptr_t) s.p);
}

#endif
