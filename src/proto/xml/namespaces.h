/*
 * namespaces.h: the namespace declarations of a root, and which of them an
 * element that is cut out of it needs to stand alone.
 *
 * A set of them is a mask: bit i stands for the i-th.
 */
#ifndef CULVERT_PROTO_XML_NAMESPACES_H
#define CULVERT_PROTO_XML_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define NAMESPACES_MAX 32

struct declaration {
	char *prefix, *uri; /* prefix "" is the default namespace */
	char *text;         /* as it is written: ` xmlns:prefix='uri'`, escaped */
	size_t n_prefix, n_uri, n_text;
};

/* All zero is none. */
struct namespaces {
	struct declaration *at;
	unsigned n;
};

void namespaces_fini(struct namespaces *d);
/* False when there are NAMESPACES_MAX. */
bool namespaces_add(struct namespaces *d, struct slice prefix, struct slice uri);
void namespaces_clear(struct namespaces *d);
/* By prefix: what is declared in another order is the same then. */
void namespaces_sort(struct namespaces *d);

/* All of them. */
uint32_t namespaces_all(const struct namespaces *d);
/* Which declare this prefix, and bind it to this namespace if ns is set. */
uint32_t namespaces_find(const struct namespaces *d, struct slice prefix, struct slice ns);

/*
 * Which of these have a prefix that the text mentions, a colon behind it: in a
 * value it may be meant as a name (xsi:type='xs:string').
 */
uint32_t namespaces_mentioned(const struct namespaces *d, uint32_t these, struct slice text);

/* Bytes that namespaces_write() writes for these. */
size_t namespaces_size(const struct namespaces *d, uint32_t these);
/* Writes each of these; returns the end. */
char *namespaces_write(const struct namespaces *d, uint32_t these, char *out);

#endif
