/*
 * slice.h: borrowed bytes.  A slice owns nothing and is never freed; it is
 * good until the next call on the owner of the bytes.  Not terminated by NUL.
 */
#ifndef CULVERT_BASE_SLICE_H
#define CULVERT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

/* A slice of a string constant. */
#define SLICE(literal) ((struct slice){("" literal), sizeof(literal) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})
/* The same to initialize what is static: there C11 takes no compound literal. */
/* clang-format off */
#define SLICE_INIT(literal) {("" literal), sizeof(literal) - 1}
#define SLICE_NONE_INIT {NULL, 0}
/* clang-format on */
/* For printf's "%.*s". */
#define SLICE_ARG(s) ((int) (s).n), ((s).p != NULL ? (s).p : "")

static inline struct slice
slice_of(const char *p, size_t n)
{
	return (struct slice){p, n};
}

/* s may be NULL: then the slice is SLICE_NONE. */
static inline struct slice
slice_str(const char *s)
{
	return (struct slice){s, s != NULL ? strlen(s) : 0};
}

/* True when there is a value at all; an empty value is a value. */
static inline bool
slice_is_set(struct slice s)
{
	return s.p != NULL;
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char
slice_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* ASCII letters compare without case, in every locale, and behind a NUL too. */
static inline bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (slice_lower(a.p[i]) != slice_lower(b.p[i]))
			return false;
	return true;
}

static inline bool
slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
slice_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of ASCII, in every locale. */
static inline bool
slice_is_letter(char c)
{
	c = slice_lower(c);
	return c >= 'a' && c <= 'z';
}

/* The value of a hexadecimal digit, in either case; -1: it is none. */
static inline int
slice_hex(char c)
{
	if (slice_is_digit(c))
		return c - '0';
	c = slice_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool
slice_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without white space at its beginning. */
static inline struct slice
slice_skip_space(struct slice s)
{
	while (s.n > 0 && slice_is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Without white space at either end. */
static inline struct slice
slice_trim(struct slice s)
{
	s = slice_skip_space(s);
	while (s.n > 0 && slice_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What of *s stands before the first of these characters (or NUL); *s goes on with that one, or is at its end. */
static inline struct slice
slice_take_to(struct slice *s, const char *stops)
{
	struct slice taken = *s;

	while (s->n > 0 && strchr(stops, s->p[0]) == NULL) {
		s->p++;
		s->n--;
	}
	taken.n -= s->n;
	return taken;
}

/* Splits s at the first c, which is in neither part.  False, with *head = s, when there is none. */
static inline bool
slice_cut(struct slice s, char c, struct slice *head, struct slice *tail)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	*head = s;
	*tail = SLICE_NONE;
	if (at == NULL)
		return false;
	head->n = (size_t) (at - s.p);
	*tail = slice_of(at + 1, s.n - head->n - 1);
	return true;
}

/*
 * Reads a decimal number of digits only, at most max.  False, with *value
 * untouched, for anything else: signs, blanks, nothing, too large.
 */
static inline bool
slice_number(struct slice s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char) s.p[i] - (unsigned) '0';
		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
		if (v > max)
			return false;
	}
	*value = v;
	return true;
}

/*
 * Reads a version like "1.10": two numbers, each an integer of its own and at
 * most max (RFC 6120, 4.7.5; XEP-0124, 7.1).  False when it is none.
 */
static inline bool
slice_version(struct slice s, uint64_t max, uint64_t *major, uint64_t *minor)
{
	struct slice high, low;

	return slice_cut(s, '.', &high, &low) && slice_number(high, max, major) && slice_number(low, max, minor);
}

/* XML's boolean: "true" and "1" (XEP-0206 writes both). */
static inline bool
slice_is_true(struct slice s)
{
	return slice_eq(s, SLICE("true")) || slice_eq(s, SLICE("1"));
}

#endif
