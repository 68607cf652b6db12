#include "proto/http/cors.h"

#include "proto/http/smuggling.h"

/* What BOSH clients send of their own. */
#define USUAL "Content-Type, Content-Encoding, X-Requested-With"

/* Is this name in the list of names? */
static bool
has_name(struct slice list, struct slice name)
{
	struct slice element;

	while (slice_is_set(list)) {
		slice_cut(list, ',', &element, &list);
		if (slice_eq_nocase(slice_trim(element), name))
			return true;
	}
	return false;
}

void
cors_allow_headers(char out[CORS_HEADERS_MAX], struct slice asked)
{
	size_t n = sizeof USUAL - 1;
	struct slice name;

	memcpy(out, USUAL, n);
	/* Long lists nobody has, and each name is looked for in all others. */
	if (asked.n >= CORS_HEADERS_MAX)
		asked = SLICE_NONE;
	while (slice_is_set(asked)) {
		slice_cut(asked, ',', &name, &asked);
		name = slice_trim(name);
		if (!smuggling_is_name(name) || n + 2 + name.n >= CORS_HEADERS_MAX || has_name(slice_of(out, n), name))
			continue;
		memcpy(out + n, ", ", 2);
		memcpy(out + n + 2, name.p, name.n);
		n += 2 + name.n;
	}
	out[n] = '\0';
}
