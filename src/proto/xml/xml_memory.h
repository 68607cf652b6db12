/*
 * xml_memory.h: what expat allocates for one reader: counted, and refused
 * when it is too much.
 *
 *      xml_memory_use(m): from here on expat's allocations in this thread are m's
 *      expat ... xml_memory_alloc, xml_memory_realloc, xml_memory_free
 *      m->refusal: was anything refused since the last xml_memory_begin()?
 *
 * There are two bounds: one that a document has whoever sends it (its own
 * size makes it), and the budget of all peers together.  The little that small
 * documents take, and a reader keeps for the next, is no peer's.
 */
#ifndef CULVERT_PROTO_XML_XML_MEMORY_H
#define CULVERT_PROTO_XML_XML_MEMORY_H

#include "base/budget.h"

#define XML_MEMORY_OWN 65536   /* a reader's, which is not counted */
#define XML_MEMORY_CHUNK 16384 /* bytes that small blocks are cut from, and counted with */

enum xml_memory_refusal {
	XML_MEMORY_GIVEN,
	XML_MEMORY_BOUND, /* more than such a document may take */
	XML_MEMORY_ROOM,  /* more than is left for it */
};

/* All zero, but for max. */
struct xml_memory {
	struct budget *budget; /* NULL: none */
	size_t held, max;      /* bytes, of chunks */
	size_t charged;        /* to the budget */
	enum xml_memory_refusal refusal;
	struct xml_memory_chunk *chunk; /* that small blocks are cut from, or NULL */
};

/* A document begins that may take max bytes. */
static inline void
xml_memory_begin(struct xml_memory *m, size_t max)
{
	m->max = max;
	m->refusal = XML_MEMORY_GIVEN;
}

/* To be called before expat is: it gives its allocator no argument.  m outlives all that is allocated. */
void xml_memory_use(struct xml_memory *m);

/*
 * As malloc(), realloc() and free(); a block stays with whom it was allocated for.  NULL, with a refusal, when refused.
 */
void *xml_memory_alloc(size_t n);
void *xml_memory_realloc(void *p, size_t n);
void xml_memory_free(void *p);

#endif
