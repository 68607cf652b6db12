/*
 * declared.h: the namespace declarations of a root, and which of them an
 * element that is cut out of it needs to stand alone.
 *
 * A set of them is a mask: bit i stands for the i-th.
 */
#ifndef CULVERT_PROTO_DECLARED_H
#define CULVERT_PROTO_DECLARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define DECLARED_MAX 32

struct buf;

struct declaration {
	char *prefix, *uri; /* prefix "" is the default namespace */
	size_t n_prefix, n_uri;
};

/* All zero is none. */
struct declared {
	struct declaration *at;
	unsigned n;
};

void declared_fini(struct declared *d);
/* False when there are DECLARED_MAX. */
bool declared_add(struct declared *d, struct slice prefix, struct slice uri);
void declared_clear(struct declared *d);

/* Which declare this prefix, and bind it to this namespace if ns is set. */
uint32_t declared_find(const struct declared *d, struct slice prefix, struct slice ns);

/* Bytes that declared_write() writes for these. */
size_t declared_size(const struct declared *d, uint32_t these);
/* Writes ` xmlns:prefix='uri'` for each of these; returns the end. */
char *declared_write(const struct declared *d, uint32_t these, char *out);
/* The same for one that is not in a list; 0 or CV_EFULL. */
int declared_append(struct buf *b, struct slice prefix, struct slice uri);

#endif
