#include "base/flood.h"

#include <string.h>

/* The words before the first "key=". */
static struct slice
name_of(struct slice line)
{
	const char *equals = line.n > 0 ? memchr(line.p, '=', line.n) : NULL;
	size_t n = line.n;

	if (equals != NULL)
		for (n = (size_t) (equals - line.p); n > 0 && line.p[n - 1] != ' '; n--)
			;
	while (n > 0 && line.p[n - 1] == ' ')
		n--;
	return slice_of(line.p, n < FLOOD_NAME ? n : FLOOD_NAME - 1);
}

static struct flood_kind *
find(struct flood *f, struct slice name)
{
	struct flood_kind *k;

	for (unsigned i = 0; i < f->n; i++)
		if (slice_eq(name, slice_str(f->kind[i].name)))
			return &f->kind[i];
	if (f->n == FLOOD_KINDS)
		return &f->kind[FLOOD_KINDS - 1];
	k = &f->kind[f->n++];
	memcpy(k->name, name.p, name.n);
	k->name[name.n] = '\0';
	return k;
}

bool
flood_admit(struct flood *f, struct slice line, int64_t second)
{
	struct slice name = name_of(line);
	struct flood_kind *k = find(f, name);

	if (k->second != second) {
		k->second = second;
		k->lines = 0;
	}
	if (++k->lines <= (slice_has_prefix(name, SLICE("session ")) ? FLOOD_SESSION_LINES : FLOOD_LINES))
		return true;
	if (k->left_out++ == 0)
		f->n_left_out++;
	return false;
}

bool
flood_next(struct flood *f, int64_t second, const char **name, uint64_t *left_out)
{
	if (f->n_left_out == 0)
		return false;
	for (unsigned i = 0; i < f->n; i++) {
		struct flood_kind *k = &f->kind[i];
		if (k->left_out == 0 || k->second == second)
			continue;
		*name = k->name;
		*left_out = k->left_out;
		k->left_out = 0;
		f->n_left_out--;
		return true;
	}
	return false;
}
