#include "runner/verb.h"

#include "runner/text.h"

void
verb_expect(struct script *s, const char *what, struct slice expected, struct slice seen)
{
	if (!text_match_all(expected, seen))
		script_fail(s, "%s:\n  expected %.*s\n  seen     %.*s", what, SLICE_ARG(expected), SLICE_ARG(seen));
}

void
verb_expect_no_more(struct script *s, struct slice line)
{
	if (line.n > 0)
		script_fail(s, "too much in this line: %.*s", SLICE_ARG(line));
}

size_t
verb_amount(struct script *s, struct slice *line)
{
	uint64_t n = 0;

	if (text_take(line, "after") && !slice_number(text_word(line), UINT32_MAX, &n))
		script_fail(s, "\"after\" what number?");
	return (size_t) n;
}

struct slice
verb_attribute(struct slice attributes, struct slice name)
{
	struct attribute a;

	while (text_attribute(&attributes, &a))
		if (slice_eq(a.name, name))
			return a.value;
	return SLICE_NONE;
}
