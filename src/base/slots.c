#include "base/slots.h"

#include <stdlib.h>

#include "base/fatal.h"

#define FIRST 64

void
slots_fini(struct slots *s)
{
	free(s->v);
	free(s->free);
	*s = (struct slots){.v = NULL};
}

static void
grow(struct slots *s)
{
	uint32_t n = s->n > 0 ? s->n * 2 : FIRST;

	s->v = xrealloc(s->v, n * sizeof *s->v);
	s->free = xrealloc(s->free, n * sizeof *s->free);
	/* The lowest is taken first. */
	for (uint32_t i = n; i > s->n; i--) {
		s->v[i - 1] = (struct slot){.item = NULL};
		s->free[s->n_free++] = i - 1;
	}
	s->n = n;
}

uint32_t
slots_add(struct slots *s, void *item, uint64_t *use)
{
	uint32_t slot;

	must(item != NULL);
	if (s->n_free == 0)
		grow(s);
	slot = s->free[--s->n_free];
	s->v[slot] = (struct slot){item, ++s->use};
	*use = s->use;
	return slot;
}

void
slots_remove(struct slots *s, uint32_t slot)
{
	must(slot < s->n && s->v[slot].item != NULL);
	s->v[slot].item = NULL;
	s->free[s->n_free++] = slot;
}

void *
slots_find(const struct slots *s, uint32_t slot, uint64_t use)
{
	return slot < s->n && s->v[slot].use == use ? s->v[slot].item : NULL;
}

void *
slots_next(const struct slots *s, uint32_t *i)
{
	while (*i < s->n) {
		void *item = s->v[(*i)++].item;
		if (item != NULL)
			return item;
	}
	return NULL;
}
