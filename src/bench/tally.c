#include "bench/tally.h"

#include <stdlib.h>

#include "base/fatal.h"

void
tally_add(struct tally *t, int64_t us)
{
	if (t->n == t->room) {
		t->room = t->room > 0 ? t->room * 2 : 65536;
		t->v = xrealloc(t->v, t->room * sizeof *t->v);
	}
	t->v[t->n++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t) us;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

	return (x > y) - (x < y);
}

uint32_t
tally_quantile(struct tally *t, double share)
{
	if (t->n == 0)
		return 0;
	qsort(t->v, t->n, sizeof *t->v, compare);
	return t->v[(size_t) (share * (double) (t->n - 1))];
}

void
tally_fini(struct tally *t)
{
	free(t->v);
	*t = (struct tally){NULL, 0, 0};
}
