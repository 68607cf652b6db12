/*
 * root.h: what is known of a server's stream behind its header: the name of
 * the root and the namespaces it declares, in sorted order.
 *
 * Most streams of a server have the same root.  Streams of a pool whose roots
 * are the same share one, and a parser that stands behind it can read the next
 * element of any of them.
 */
#ifndef CULVERT_PROTO_XML_ROOT_H
#define CULVERT_PROTO_XML_ROOT_H

#include "base/slice.h"
#include "proto/xml/namespaces.h"

struct root;
struct root_pool;

/* A pool belongs to one thread. */
struct root_pool *root_pool_new(void);
/* All roots of it are gone.  NULL is fine. */
void root_pool_free(struct root_pool *pool);

/*
 * The root with this name, as it is written, and these declarations, which are
 * taken over; with one reference more.  Without a pool, or when it has too
 * many, it is nobody else's.
 */
struct root *root_find(struct root_pool *pool, struct slice name, struct namespaces *declared);
struct root *root_ref(struct root *r);
/* NULL is fine. */
void root_unref(struct root *r);

/* A start tag that says the same as the root's. */
struct slice root_tag(const struct root *r);
const struct namespaces *root_declared(const struct root *r);

#endif
