#include "proto/xml/primer.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/list.h"

#define MAX_PRIMERS 64 /* in a pool */
#define MAX_IDLE 8     /* parsers kept for each: so many streams at a time are in the middle of an element */

struct primer {
	struct primer_pool *pool; /* NULL: not shared */
	char *text;
	size_t n;
	unsigned refs, n_idle;
	void *idle[MAX_IDLE];
	struct list link;
};

struct primer_pool {
	struct list primers;
	unsigned n;
};

struct primer_pool *
primer_pool_new(void)
{
	struct primer_pool *pool = xcalloc(1, sizeof *pool);

	list_init(&pool->primers);
	return pool;
}

void
primer_pool_free(struct primer_pool *pool)
{
	must(pool == NULL || pool->n == 0);
	free(pool);
}

struct primer *
primer_find(struct primer_pool *pool, struct slice text)
{
	struct primer *p;

	for (struct list *link = pool != NULL ? pool->primers.next : NULL; pool != NULL && link != &pool->primers;
		link = link->next) {
		p = list_entry(link, struct primer, link);
		if (slice_eq(text, primer_text(p))) {
			p->refs++;
			return p;
		}
	}
	p = xcalloc(1, sizeof *p);
	p->text = xstrndup(text.p, text.n);
	p->n = text.n;
	p->refs = 1;
	list_init(&p->link);
	if (pool != NULL && pool->n < MAX_PRIMERS) {
		p->pool = pool;
		pool->n++;
		list_append(&pool->primers, &p->link);
	}
	return p;
}

void
primer_unref(struct primer *p, void (*parser_free)(void *parser))
{
	if (p == NULL || --p->refs > 0)
		return;
	while (p->n_idle > 0)
		parser_free(p->idle[--p->n_idle]);
	list_remove(&p->link);
	if (p->pool != NULL)
		p->pool->n--;
	free(p->text);
	free(p);
}

struct slice
primer_text(const struct primer *p)
{
	return slice_of(p->text, p->n);
}

bool
primer_is_shared(const struct primer *p)
{
	return p->pool != NULL;
}

void *
primer_take(struct primer *p)
{
	return p->n_idle > 0 ? p->idle[--p->n_idle] : NULL;
}

bool
primer_lend(struct primer *p, void *parser)
{
	if (p->n_idle == MAX_IDLE)
		return false;
	p->idle[p->n_idle++] = parser;
	return true;
}
