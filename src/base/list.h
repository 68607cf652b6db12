/* list.h: a doubly linked list whose links live in its members; the head is a link of its own. */
#ifndef CULVERT_BASE_LIST_H
#define CULVERT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct of the given type whose member is this link. */
#define list_entry(link, type, member) ((type *) (void *) ((char *) (link) -offsetof(type, member)))

static inline void
list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Takes the link out; it may be taken out again without harm. */
static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Takes the first link out and returns it, or NULL when there is none. */
static inline struct list *
list_shift(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	head->next = first->next;
	head->next->prev = head;
	list_init(first);
	return first;
}

#endif
