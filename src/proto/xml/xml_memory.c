#include "proto/xml/xml_memory.h"

#include <stdlib.h>

#include "base/fatal.h"

/* In front of what expat is given. */
struct block {
	_Alignas(max_align_t) struct xml_memory *owner;
	size_t n; /* with this */
};

/*
 * The one variable of a thread: expat hands its allocator no pointer of ours.
 * Only xml_memory_alloc() looks at it; a block knows its owner.
 */
static _Thread_local struct xml_memory *current;

void
xml_memory_use(struct xml_memory *m)
{
	current = m;
}

static void
count(struct xml_memory *m, size_t now)
{
	m->held = now;
	if (m->budget != NULL)
		budget_move(m->budget, &m->charged, now > XML_MEMORY_OWN ? now - XML_MEMORY_OWN : 0);
}

/* May n bytes more be kept?  They are counted when they may. */
static bool
admit(struct xml_memory *m, size_t n)
{
	size_t had = m->held;

	if (n > m->max || had > m->max - n) {
		m->refusal = XML_MEMORY_BOUND;
		return false;
	}
	count(m, had + n);
	if (m->charged == 0 || !budget_refuses(m->budget, m->charged))
		return true;
	count(m, had);
	m->refusal = XML_MEMORY_ROOM;
	return false;
}

/* A new block, or the same with another size; n counts what is in front. */
static void *
resize(struct xml_memory *m, struct block *old, size_t n)
{
	size_t had = old != NULL ? old->n : 0;
	struct block *b;

	if (n > had && !admit(m, n - had))
		return NULL;
	b = realloc(old, n);
	if (b == NULL) {
		/* Who asked for more has the old one still. */
		count(m, m->held - (n > had ? n - had : 0));
		m->refusal = XML_MEMORY_ROOM;
		return NULL;
	}
	if (n < had)
		count(m, m->held - (had - n));
	b->owner = m;
	b->n = n;
	return b + 1;
}

void *
xml_memory_alloc(size_t n)
{
	must(current != NULL);
	return n <= SIZE_MAX - sizeof(struct block) ? resize(current, NULL, n + sizeof(struct block)) : NULL;
}

void *
xml_memory_realloc(void *p, size_t n)
{
	struct block *b = p;

	if (b == NULL)
		return xml_memory_alloc(n);
	return n <= SIZE_MAX - sizeof *b ? resize(b[-1].owner, b - 1, n + sizeof *b) : NULL;
}

void
xml_memory_free(void *p)
{
	struct block *b = p;

	if (b == NULL)
		return;
	b--;
	count(b->owner, b->owner->held - b->n);
	free(b);
}
