#include "proto/net/server_name.h"

enum server_name_match
server_name_match(struct slice pattern, struct slice name)
{
	struct slice label, rest;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		return SERVER_NAME_OTHER;
	if (slice_eq_nocase(pattern, name))
		return SERVER_NAME_EXACT;
	if (!slice_has_prefix(pattern, SLICE("*.")) || !slice_cut(name, '.', &label, &rest) || label.n == 0)
		return SERVER_NAME_OTHER;
	return slice_eq_nocase(slice_of(pattern.p + 2, pattern.n - 2), rest) ? SERVER_NAME_WILDCARD : SERVER_NAME_OTHER;
}

/* FNV-1a; nobody gains by a collision but a line less in the log about himself. */
static uint64_t
hash_of(struct slice name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char) slice_lower(name.p[i])) * UINT64_C(0x100000001b3);
	return h;
}

bool
server_names_tell(struct server_names_told *t, struct slice name, int64_t now)
{
	uint64_t h = hash_of(name);
	size_t place = SERVER_NAMES_TOLD;

	for (size_t i = 0; i < SERVER_NAMES_TOLD; i++) {
		bool is_fresh = t->v[i].at != 0 && now >= t->v[i].at && now - t->v[i].at < SERVER_NAMES_PERIOD;
		if (is_fresh && t->v[i].name == h)
			return false;
		if (!is_fresh && place == SERVER_NAMES_TOLD)
			place = i;
	}
	if (place == SERVER_NAMES_TOLD)
		return false;
	t->v[place].name = h;
	t->v[place].at = now;
	return true;
}
