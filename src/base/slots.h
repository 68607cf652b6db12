/*
 * slots.h: names things by number, so that who comes back late finds nothing
 * rather than something else: a slot is used again, the number of its use is not.
 */
#ifndef CULVERT_BASE_SLOTS_H
#define CULVERT_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots {
	struct slot {
		void *item; /* borrowed; NULL: free */
		uint64_t use;
	} * v;
	uint32_t n, *free, n_free;
	uint64_t use; /* the last one given */
};

/* All zero is empty, too. */
void slots_fini(struct slots *s);

/* Gives the item a slot; *use is never 0 and never given again. */
uint32_t slots_add(struct slots *s, void *item, uint64_t *use);
void slots_remove(struct slots *s, uint32_t slot);
/* The item, or NULL when it is gone, whoever has its slot now. */
void *slots_find(const struct slots *s, uint32_t slot, uint64_t use);

/* The first item at or behind *i, which comes to stand behind it; NULL when there is no more. */
void *slots_next(const struct slots *s, uint32_t *i);

#endif
