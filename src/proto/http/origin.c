#include "proto/http/origin.h"

size_t
origin_entry(const struct origins *origins, struct slice origin)
{
	for (size_t i = 0; i < origins->n; i++) {
		struct slice entry = slice_str(origins->v[i]);
		if (slice_eq(entry, SLICE("*")) || (slice_is_set(origin) && slice_eq_nocase(origin, entry)))
			return i + 1;
	}
	return 0;
}

/* "https://chat.example.com" and a Host of "chat.example.com": the page came from where it now connects to. */
static bool
is_same(struct slice origin, struct slice host)
{
	static const struct slice schemes[] = {SLICE_INIT("https://"), SLICE_INIT("http://")};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (slice_has_prefix(origin, schemes[i]) && host.n > 0 &&
			slice_eq_nocase(slice_of(origin.p + schemes[i].n, origin.n - schemes[i].n), host))
			return true;
	return false;
}

bool
origin_is_allowed(const struct origins *origins, struct slice origin, struct slice host)
{
	return !slice_is_set(origin) || is_same(origin, host) || origin_entry(origins, origin) > 0;
}
