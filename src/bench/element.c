#include "bench/element.h"

size_t
element_tag(struct slice p)
{
	char quote = 0;

	for (size_t i = 0; i < p.n; i++) {
		char c = p.p[i];
		if (quote != 0) {
			if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			return i + 1;
		}
	}
	return 0;
}

size_t
element_whole(struct slice p)
{
	size_t at = 0;
	unsigned depth = 0;

	while (at < p.n) {
		const char *next = memchr(p.p + at, '<', p.n - at);
		size_t n;
		if (next == NULL)
			return 0;
		at = (size_t) (next - p.p);
		n = element_tag(slice_of(next, p.n - at));
		if (n == 0)
			return 0;
		at += n;
		if (next[1] == '/')
			depth--;
		else if (next[n - 2] != '/')
			depth++;
		if (depth == 0)
			return at;
	}
	return 0;
}

struct slice
element_attribute(struct slice tag, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i + n + 2 < tag.n; i++) {
		const char *value, *end;
		if (!slice_is_space(tag.p[i - 1]) || memcmp(tag.p + i, name, n) != 0 || tag.p[i + n] != '=')
			continue;
		value = tag.p + i + n + 2;
		end = memchr(value, value[-1], tag.n - (size_t) (value - tag.p));
		return end != NULL ? slice_of(value, (size_t) (end - value)) : SLICE_NONE;
	}
	return SLICE_NONE;
}

bool
element_has(struct slice p, const char *needle)
{
	return memmem(p.p, p.n, needle, strlen(needle)) != NULL;
}
