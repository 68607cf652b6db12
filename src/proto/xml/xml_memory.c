#include "proto/xml/xml_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

/*
 * Small blocks are cut from chunks, one behind the other, and given back with
 * the last of their chunk.  expat gives back what it knows of a document name
 * by name: with a block each from malloc() that takes longer than to read it.
 */
#define SMALL 2048

/* In front of the blocks; it begins at a multiple of XML_MEMORY_CHUNK, so that a block finds it. */
struct xml_memory_chunk {
	_Alignas(max_align_t) struct xml_memory *owner;
	size_t n, used; /* bytes, with this */
	size_t blocks;  /* that are in use */
};

/*
 * The one variable of a thread: expat hands its allocator no pointer of ours.
 * Only xml_memory_alloc() looks at it; a chunk knows its owner.
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

/* With room for n bytes of blocks; NULL when refused. */
static struct xml_memory_chunk *
new_chunk(struct xml_memory *m, size_t n)
{
	struct xml_memory_chunk *c;
	void *p;

	n += sizeof *c;
	if (!admit(m, n))
		return NULL;
	if (posix_memalign(&p, XML_MEMORY_CHUNK, n) != 0) {
		count(m, m->held - n);
		m->refusal = XML_MEMORY_ROOM;
		return NULL;
	}
	c = p;
	*c = (struct xml_memory_chunk){.owner = m, .n = n, .used = sizeof *c};
	return c;
}

static struct xml_memory_chunk *
chunk_of(const void *block)
{
	return (struct xml_memory_chunk *) ((uintptr_t) block & ~(uintptr_t) (XML_MEMORY_CHUNK - 1));
}

static void *
cut(struct xml_memory_chunk *c, size_t n)
{
	char *block = (char *) c + c->used;

	c->used += n;
	c->blocks++;
	return block;
}

static void *
alloc(struct xml_memory *m, size_t n)
{
	const size_t unit = _Alignof(max_align_t);
	struct xml_memory_chunk *c;

	if (n > SIZE_MAX / 2) {
		m->refusal = XML_MEMORY_BOUND;
		return NULL;
	}
	n = n > 0 ? (n + unit - 1) / unit * unit : unit;
	if (n > SMALL) {
		c = new_chunk(m, n);
		return c != NULL ? cut(c, n) : NULL;
	}
	if (m->chunk == NULL || m->chunk->n - m->chunk->used < n) {
		c = new_chunk(m, XML_MEMORY_CHUNK - sizeof *c);
		if (c == NULL)
			return NULL;
		m->chunk = c;
	}
	return cut(m->chunk, n);
}

void *
xml_memory_alloc(size_t n)
{
	must(current != NULL);
	return alloc(current, n);
}

/* How long a block is, nobody knows: so much of it as there may be is copied. */
void *
xml_memory_realloc(void *p, size_t n)
{
	struct xml_memory_chunk *c;
	size_t had;
	void *new;

	if (p == NULL)
		return xml_memory_alloc(n);
	c = chunk_of(p);
	had = (size_t) ((char *) c + c->used - (char *) p);
	new = alloc(c->owner, n);
	if (new == NULL)
		return NULL;
	memcpy(new, p, n < had ? n : had);
	xml_memory_free(p);
	return new;
}

void
xml_memory_free(void *p)
{
	struct xml_memory_chunk *c;
	struct xml_memory *m;

	if (p == NULL)
		return;
	c = chunk_of(p);
	m = c->owner;
	if (--c->blocks > 0)
		return;
	if (m->chunk == c)
		m->chunk = NULL;
	count(m, m->held - c->n);
	free(c);
}
