/*
 * octets.h: numbers and texts as bytes, for encodings that travel to another
 * thread or process.  Numbers are big-endian; a text comes behind its length.
 */
#ifndef CULVERT_BASE_OCTETS_H
#define CULVERT_BASE_OCTETS_H

#include "base/slice.h"

/* Each writes to out, which has room, and returns where it stopped. */
static inline char *
octets_put_number(char *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		*out++ = (char) (unsigned char) (value >> (8 * bytes));
	return out;
}

static inline char *
octets_put_text(char *out, struct slice s, unsigned length_bytes)
{
	out = octets_put_number(out, s.n, length_bytes);
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	return out + s.n;
}

/* Bytes that are read from the front; bad once there were too few.  What is bad reads as 0 and "". */
struct octets {
	struct slice rest;
	bool is_bad;
};

static inline struct slice
octets_take(struct octets *o, size_t n)
{
	struct slice s = {o->rest.p, n};

	if (o->is_bad || n > o->rest.n) {
		o->is_bad = true;
		return SLICE("");
	}
	o->rest = slice_of(o->rest.p + n, o->rest.n - n);
	return s;
}

static inline uint64_t
octets_take_number(struct octets *o, unsigned bytes)
{
	struct slice s = octets_take(o, bytes);
	uint64_t value = 0;

	for (size_t i = 0; i < s.n; i++)
		value = value << 8 | (unsigned char) s.p[i];
	return value;
}

static inline struct slice
octets_take_text(struct octets *o, unsigned length_bytes)
{
	return octets_take(o, (size_t) octets_take_number(o, length_bytes));
}

/* A number that must be below a bound. */
static inline unsigned
octets_take_choice(struct octets *o, unsigned bytes, unsigned choices)
{
	uint64_t value = octets_take_number(o, bytes);

	if (value >= choices)
		o->is_bad = true;
	return o->is_bad ? 0 : (unsigned) value;
}

#endif
