/* unit.h: what the unit tests of base and proto share.  Included first. */
#ifndef CULVERT_TESTS_UNIT_H
#define CULVERT_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A copy in a block of exactly its size, so that a sanitizer sees who reads beyond it; to be freed by exact_free(). */
static inline struct slice
exact(struct slice s)
{
	char *p = malloc(s.n);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return slice_of(p, s.n);
}

static inline void
exact_free(struct slice s)
{
	free((void *) (uintptr_t) s.p);
}

/* want NULL: the slice must be unset. */
static inline void
unit_slice(struct slice got, const char *want, const char *file, int line)
{
	if (want == NULL ? !slice_is_set(got) : slice_is_set(got) && slice_eq(got, slice_str(want)))
		return;
	print_error("got  [%.*s]\nwant [%s]\n", SLICE_ARG(got), want != NULL ? want : "nothing");
	_fail(file, line);
}

#define assert_slice(got, want) unit_slice((got), (want), __FILE__, __LINE__)

/* The same for strings that may be NULL. */
#define assert_text(got, want) unit_slice(slice_str(got), (want), __FILE__, __LINE__)

/* Fails with the row's text, so that a table says which of its rows is wrong. */
#define assert_row(condition, text) \
	do { \
		if (!(condition)) { \
			print_error("row [%s]: %s\n", (text), #condition); \
			_fail(__FILE__, __LINE__); \
		} \
	} while (0)

/* A small generator with a fixed seed: the same numbers in every run and on every machine. */
struct dice {
	uint64_t state;
};

static inline uint64_t
dice_next(struct dice *d)
{
	d->state += 0x9e3779b97f4a7c15u;
	uint64_t v = d->state;
	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
	return v ^ (v >> 31);
}

/* 0 .. n-1 */
static inline unsigned
dice_roll(struct dice *d, unsigned n)
{
	return (unsigned) (dice_next(d) % n);
}

#endif
