/*
 * primer.h: which streams may lend each other their parsers.
 *
 * Between two elements a parser knows of its stream only the root: its name
 * and the namespaces it declares.  A start tag with just these is the primer
 * of the stream; all streams of a pool that have the same one share it, and
 * the parsers that have read it and are not in use.
 *
 * A parser is whatever the caller means by it.
 */
#ifndef CULVERT_PROTO_XML_PRIMER_H
#define CULVERT_PROTO_XML_PRIMER_H

#include "base/slice.h"

struct primer;
struct primer_pool;

/* A pool belongs to one thread. */
struct primer_pool *primer_pool_new(void);
/* All primers of it are gone.  NULL is fine. */
void primer_pool_free(struct primer_pool *pool);

/*
 * The primer with this text, with one reference more.  Without a pool, or when
 * it knows too many, it is nobody else's: not shared.
 */
struct primer *primer_find(struct primer_pool *pool, struct slice text);
/* The last reference ends it and the parsers it keeps.  NULL is fine. */
void primer_unref(struct primer *p, void (*parser_free)(void *parser));

struct slice primer_text(const struct primer *p);
bool primer_is_shared(const struct primer *p);
/* A parser that has read the primer, the one used last; NULL when none is there. */
void *primer_take(struct primer *p);
/* Keeps a parser for the next who needs one.  False: there are enough. */
bool primer_lend(struct primer *p, void *parser);

#endif
