#include "proto/xml/namespaces.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fatal.h"

#define STEP 4 /* room is made for so many at a time */

void
namespaces_clear(struct namespaces *d)
{
	for (unsigned i = 0; i < d->n; i++) {
		free(d->at[i].prefix);
		free(d->at[i].uri);
		free(d->at[i].text);
	}
	d->n = 0;
}

void
namespaces_fini(struct namespaces *d)
{
	namespaces_clear(d);
	free(d->at);
	d->at = NULL;
}

/* Bytes of ` xmlns:prefix='uri'`, escaped; they are written when out is not NULL. */
static size_t
write_one(char *out, const struct declaration *d)
{
	size_t n = 0;

#define PUT(s, len) \
	do { \
		if (out != NULL) \
			memcpy(out + n, (s), (len)); \
		n += (len); \
	} while (0)
	PUT(" xmlns", 6);
	if (d->n_prefix > 0) {
		PUT(":", 1);
		PUT(d->prefix, d->n_prefix);
	}
	PUT("='", 2);
	for (size_t i = 0; i < d->n_uri; i++) {
		switch (d->uri[i]) {
		case '&':
			PUT("&amp;", 5);
			break;
		case '<':
			PUT("&lt;", 4);
			break;
		case '\'':
			PUT("&apos;", 6);
			break;
		case '\t':
			PUT("&#9;", 4);
			break;
		case '\r':
			PUT("&#13;", 5);
			break;
		default:
			PUT(&d->uri[i], 1);
		}
	}
	PUT("'", 1);
#undef PUT
	return n;
}

bool
namespaces_add(struct namespaces *d, struct slice prefix, struct slice uri)
{
	struct declaration one;

	if (d->n == NAMESPACES_MAX)
		return false;
	if (d->n % STEP == 0)
		d->at = xrealloc(d->at, (d->n + STEP) * sizeof *d->at);
	one = (struct declaration){.prefix = xstrndup(prefix.p, prefix.n),
		.uri = xstrndup(uri.p, uri.n),
		.n_prefix = prefix.n,
		.n_uri = uri.n};
	one.n_text = write_one(NULL, &one);
	one.text = xmalloc(one.n_text);
	write_one(one.text, &one);
	d->at[d->n++] = one;
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct declaration *) a)->prefix, ((const struct declaration *) b)->prefix);
}

void
namespaces_sort(struct namespaces *d)
{
	if (d->n > 1)
		qsort(d->at, d->n, sizeof *d->at, compare);
}

uint32_t
namespaces_all(const struct namespaces *d)
{
	return d->n == NAMESPACES_MAX ? UINT32_MAX : (UINT32_C(1) << d->n) - 1;
}

/* Most differ in their first byte. */
static bool
is_prefix_of(const struct declaration *d, struct slice prefix)
{
	return d->n_prefix == prefix.n &&
		(prefix.n == 0 || (d->prefix[0] == prefix.p[0] && memcmp(d->prefix, prefix.p, prefix.n) == 0));
}

uint32_t
namespaces_find(const struct namespaces *d, struct slice prefix, struct slice ns)
{
	uint32_t these = 0;

	for (unsigned i = 0; i < d->n; i++) {
		const struct declaration *one = &d->at[i];
		if (is_prefix_of(one, prefix) && (!slice_is_set(ns) || slice_eq(ns, slice_of(one->uri, one->n_uri))))
			these |= UINT32_C(1) << i;
	}
	return these;
}

/* The lowest of these, which leaves them. */
static const struct declaration *
next(const struct namespaces *d, uint32_t *these)
{
	unsigned i = (unsigned) ffs((int) *these) - 1;

	*these &= *these - 1;
	return &d->at[i];
}

static bool
is_name_byte(char c)
{
	return (unsigned char) c >= 0x80 || isalnum((unsigned char) c) || c == '_' || c == '-' || c == '.';
}

/* Is the name in front of a colon this prefix? */
static bool
ends_with(const struct declaration *d, const char *from, const char *colon)
{
	size_t n = d->n_prefix;

	return (size_t) (colon - from) >= n && d->prefix[n - 1] == colon[-1] && memcmp(colon - n, d->prefix, n) == 0 &&
		((size_t) (colon - from) == n || !is_name_byte(colon[-(ptrdiff_t) n - 1]));
}

uint32_t
namespaces_mentioned(const struct namespaces *d, uint32_t these, struct slice text)
{
	uint32_t left = these & ~namespaces_find(d, SLICE(""), SLICE_NONE), found = 0, rest;
	const char *from = text.p, *end = text.p + text.n, *colon = from;

	while (left != 0 && colon < end && (colon = memchr(colon, ':', (size_t) (end - colon))) != NULL) {
		for (rest = left; rest != 0;) {
			uint32_t lowest = rest & -rest;
			if (ends_with(next(d, &rest), from, colon))
				found |= lowest;
		}
		left &= ~found;
		colon++;
	}
	return found;
}

size_t
namespaces_size(const struct namespaces *d, uint32_t these)
{
	size_t n = 0;

	while (these != 0)
		n += next(d, &these)->n_text;
	return n;
}

char *
namespaces_write(const struct namespaces *d, uint32_t these, char *out)
{
	while (these != 0) {
		const struct declaration *one = next(d, &these);
		memcpy(out, one->text, one->n_text);
		out += one->n_text;
	}
	return out;
}
