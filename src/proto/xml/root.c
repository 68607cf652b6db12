#include "proto/xml/root.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/list.h"

#define MAX_ROOTS 64 /* in a pool */

struct root {
	struct root_pool *pool; /* NULL: not shared */
	unsigned refs;
	struct buf tag;
	struct namespaces declared;
	struct list link;
};

struct root_pool {
	struct list roots;
	unsigned n;
};

struct root_pool *
root_pool_new(void)
{
	struct root_pool *pool = xcalloc(1, sizeof *pool);

	list_init(&pool->roots);
	return pool;
}

void
root_pool_free(struct root_pool *pool)
{
	must(pool == NULL || pool->n == 0);
	free(pool);
}

static void
write_tag(struct buf *tag, struct slice name, const struct namespaces *declared)
{
	uint32_t all = namespaces_all(declared);
	size_t n = namespaces_size(declared, all);
	char *room;

	buf_append_char(tag, '<');
	buf_append(tag, name);
	room = buf_reserve(tag, n + 1);
	*namespaces_write(declared, all, room) = '>';
	buf_commit(tag, n + 1);
}

static struct root *
find(struct root_pool *pool, struct slice tag)
{
	for (struct list *link = pool->roots.next; link != &pool->roots; link = link->next) {
		struct root *r = list_entry(link, struct root, link);
		if (slice_eq(tag, buf_slice(&r->tag)))
			return root_ref(r);
	}
	return NULL;
}

struct root *
root_find(struct root_pool *pool, struct slice name, struct namespaces *declared)
{
	struct root *r;
	struct buf tag;

	namespaces_sort(declared);
	buf_init(&tag, BUF_UNLIMITED);
	write_tag(&tag, name, declared);
	r = pool != NULL ? find(pool, buf_slice(&tag)) : NULL;
	if (r != NULL) {
		buf_fini(&tag);
		namespaces_fini(declared);
		return r;
	}
	r = xcalloc(1, sizeof *r);
	r->refs = 1;
	r->tag = tag;
	r->declared = *declared;
	*declared = (struct namespaces){.at = NULL};
	list_init(&r->link);
	if (pool != NULL && pool->n < MAX_ROOTS) {
		r->pool = pool;
		pool->n++;
		list_append(&pool->roots, &r->link);
	}
	return r;
}

struct root *
root_ref(struct root *r)
{
	r->refs++;
	return r;
}

void
root_unref(struct root *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	list_remove(&r->link);
	if (r->pool != NULL)
		r->pool->n--;
	buf_fini(&r->tag);
	namespaces_fini(&r->declared);
	free(r);
}

struct slice
root_tag(const struct root *r)
{
	return buf_slice(&r->tag);
}

const struct namespaces *
root_declared(const struct root *r)
{
	return &r->declared;
}
