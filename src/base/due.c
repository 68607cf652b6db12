#include "base/due.h"

#include <stdlib.h>

#include "base/fatal.h"

void
due_init(struct due *d)
{
	*d = (struct due){.heap = NULL};
}

void
due_fini(struct due *d)
{
	free(d->heap);
	due_init(d);
}

static void
put(struct due *d, struct due_link *link, size_t place)
{
	d->heap[place - 1] = link;
	link->place = place;
}

static void
sift_up(struct due *d, struct due_link *link)
{
	size_t at = link->place;

	while (at > 1 && d->heap[at / 2 - 1]->at > link->at) {
		put(d, d->heap[at / 2 - 1], at);
		at /= 2;
	}
	put(d, link, at);
}

static void
sift_down(struct due *d, struct due_link *link)
{
	size_t at = link->place;

	for (;;) {
		size_t child = at * 2;
		if (child < d->n && d->heap[child]->at < d->heap[child - 1]->at)
			child++;
		if (child > d->n || d->heap[child - 1]->at >= link->at)
			break;
		put(d, d->heap[child - 1], at);
		at = child;
	}
	put(d, link, at);
}

static void
take_out(struct due *d, struct due_link *link)
{
	struct due_link *last = d->heap[--d->n];
	size_t place = link->place;

	link->place = 0;
	if (last == link)
		return;
	put(d, last, place);
	sift_up(d, last);
	sift_down(d, last);
}

void
due_set(struct due *d, struct due_link *link, ms_t at)
{
	if (at == MS_NEVER) {
		if (link->place > 0)
			take_out(d, link);
		link->at = at;
		return;
	}
	link->at = at;
	if (link->place == 0) {
		if (d->n == d->room) {
			d->room = d->room > 0 ? d->room * 2 : 64;
			d->heap = xrealloc(d->heap, d->room * sizeof *d->heap);
		}
		put(d, link, ++d->n);
	}
	sift_up(d, link);
	sift_down(d, link);
}

ms_t
due_first(const struct due *d)
{
	return d->n > 0 ? d->heap[0]->at : MS_NEVER;
}

struct due_link *
due_shift(struct due *d, ms_t now)
{
	struct due_link *first;

	if (d->n == 0 || d->heap[0]->at > now)
		return NULL;
	first = d->heap[0];
	take_out(d, first);
	return first;
}
