#include "proto/http/place.h"

struct slice
place_path(struct slice target)
{
	static const struct slice schemes[] = {SLICE_INIT("http://"), SLICE_INIT("https://")};
	struct slice query;
	const char *slash;

	slice_cut(target, '?', &target, &query);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (target.n < schemes[i].n || !slice_eq_nocase(slice_of(target.p, schemes[i].n), schemes[i]))
			continue;
		slash = memchr(target.p + schemes[i].n, '/', target.n - schemes[i].n);
		if (slash == NULL)
			return SLICE("/");
		return slice_of(slash, (size_t) (target.p + target.n - slash));
	}
	return target;
}

static bool
has_path(char *const *paths, size_t n, struct slice path)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(path, slice_str(paths[i])))
			return true;
	return false;
}

enum place
place_find(const struct places *places, struct slice target)
{
	struct slice path = place_path(target);

	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (has_path(places->bosh, places->n_bosh, path))
		return PLACE_BOSH;
	if (has_path(places->websocket, places->n_websocket, path))
		return PLACE_WEBSOCKET;
	return PLACE_OTHER;
}
