/*
 * due.h: who is due first: a heap of deadlines whose links live in its
 * members.  Moving a deadline earlier or later costs O(log n).
 */
#ifndef CULVERT_BASE_DUE_H
#define CULVERT_BASE_DUE_H

#include <stddef.h>

#include "base/ms.h"

struct due_link {
	ms_t at;
	size_t place; /* in the heap, counted from 1; 0: not in it */
};

struct due {
	struct due_link **heap;
	size_t n, room;
};

#define due_entry(link, type, member) ((type *) (void *) ((char *) (link) -offsetof(type, member)))

void due_init(struct due *d);
/* Frees the heap, not the members. */
void due_fini(struct due *d);
/* Puts the link in, or moves it, so that it is due at that time; MS_NEVER takes it out. */
void due_set(struct due *d, struct due_link *link, ms_t at);
/* When the first is due; MS_NEVER when there is none. */
ms_t due_first(const struct due *d);
/* Takes out and returns the first that is due by now, or NULL. */
struct due_link *due_shift(struct due *d, ms_t now);

#endif
