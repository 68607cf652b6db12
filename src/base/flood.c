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

static void
count(int64_t *of, uint64_t *lines, int64_t second)
{
	if (*of != second) {
		*of = second;
		*lines = 0;
	}
	++*lines;
}

static bool
is_one_too_many(struct flood *f, const struct flood_kind *k, int64_t second)
{
	bool is_session = slice_has_prefix(slice_str(k->name), SLICE("session "));

	if (k->lines > (is_session ? FLOOD_SESSION_LINES : FLOOD_LINES))
		return true;
	if (k->lines > FLOOD_FIRST_LINES && f->second == second && f->lines >= FLOOD_ALL_LINES)
		return true;
	count(&f->second, &f->lines, second);
	return false;
}

bool
flood_admit(struct flood *f, bool is_debug, struct slice line, int64_t second)
{
	struct flood_kind *k = is_debug ? &f->debug : find(f, name_of(line));

	count(&k->second, &k->lines, second);
	if (is_debug ? k->lines <= FLOOD_DEBUG_LINES : !is_one_too_many(f, k, second))
		return true;
	if (k->left_out++ == 0)
		f->n_left_out++;
	return false;
}

/* False when there is nothing to tell of this kind. */
static bool
take_left_out(struct flood *f, struct flood_kind *k, int64_t second, uint64_t *left_out)
{
	if (k->left_out == 0 || k->second == second)
		return false;
	*left_out = k->left_out;
	k->left_out = 0;
	f->n_left_out--;
	return true;
}

bool
flood_next(struct flood *f, int64_t second, const char **name, uint64_t *left_out)
{
	if (f->n_left_out == 0)
		return false;
	for (unsigned i = 0; i < f->n; i++) {
		*name = f->kind[i].name;
		if (take_left_out(f, &f->kind[i], second, left_out))
			return true;
	}
	*name = "debug";
	return take_left_out(f, &f->debug, second, left_out);
}
