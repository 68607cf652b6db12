#include "runner/text.h"

#include "sha1.h"

#include <stdlib.h>

struct slice
text_word(struct slice *line)
{
	struct slice word;
	char quote = '\0';
	size_t n;

	*line = slice_trim(*line);
	if (line->n == 0)
		return SLICE_NONE;
	for (n = 0; n < line->n && (quote != '\0' || !slice_is_space(line->p[n])); n++) {
		char c = line->p[n];
		if (c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '\'' || c == '"'))
			quote = c;
	}
	word = slice_of(line->p, n);
	*line = slice_trim(slice_of(line->p + n, line->n - n));
	return word;
}

bool
text_take(struct slice *line, const char *word)
{
	struct slice rest = *line;

	if (!slice_eq(text_word(&rest), slice_str(word)))
		return false;
	*line = rest;
	return true;
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' || c == '-' || c == '_';
}

bool
text_attribute(struct slice *line, struct attribute *a)
{
	struct slice rest = *line, word = text_word(&rest);
	size_t n = 0;

	while (n < word.n && is_name(word.p[n]))
		n++;
	if (n == 0 || n == word.n || word.p[n] != '=')
		return false;
	a->name = slice_of(word.p, n);
	a->value = slice_of(word.p + n + 1, word.n - n - 1);
	if (a->value.n >= 2 && (a->value.p[0] == '\'' || a->value.p[0] == '"'))
		a->value = slice_of(a->value.p + 1, a->value.n - 2);
	*line = rest;
	return true;
}

/* {text*N}: how long it is, or 0.  A # in the text is the number of the copy, from 0 on. */
static size_t
copies(struct buf *out, struct slice in)
{
	const char *end = memchr(in.p, '}', in.n);
	size_t n, star;
	uint64_t times;

	if (in.p[0] != '{' || end == NULL)
		return 0;
	n = (size_t) (end - in.p);
	for (star = n; star > 1 && in.p[star] != '*'; star--)
		;
	if (star <= 1 || !slice_number(slice_of(in.p + star + 1, n - star - 1), 1u << 30, &times))
		return 0;
	for (uint64_t i = 0; i < times; i++)
		for (const char *c = in.p + 1; c < in.p + star; c++)
			if (*c == '#')
				buf_printf(out, "%llu", (unsigned long long) i);
			else
				buf_append_char(out, *c);
	return n + 1;
}

/* $key5: K(5) of one sequence of keys, $other5: of another; $KEY5: the same in capital letters. */
static size_t
key(struct buf *out, struct slice in)
{
	static const char *const words[] = {"$key", "$KEY", "$other"};
	char text[SHA1_HEX];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]), digits = n;
		uint64_t number = 0;
		while (digits < in.n && in.p[digits] >= '0' && in.p[digits] <= '9')
			digits++;
		if (!slice_has_prefix(in, slice_str(words[i])) ||
			!slice_number(slice_of(in.p + n, digits - n), 1000, &number) || number == 0)
			continue;
		sha1_key(i == 2 ? "another seed" : "a seed", (unsigned) number, text);
		for (char *c = text; i == 1 && *c != '\0'; c++)
			*c = *c >= 'a' ? (char) (*c - 'a' + 'A') : *c;
		buf_append_str(out, text);
		return digits;
	}
	return 0;
}

static size_t
variable(struct buf *out, struct slice in, const char *sid, uint64_t rid)
{
	size_t n = 4;
	uint64_t more = 0;

	if (slice_has_prefix(in, SLICE("$sid"))) {
		buf_append_str(out, sid);
		return n;
	}
	if (!slice_has_prefix(in, SLICE("$rid")))
		return in.p[0] == '$' ? key(out, in) : 0;
	if (n < in.n && in.p[n] == '+')
		for (n++; n < in.n && in.p[n] >= '0' && in.p[n] <= '9'; n++)
			more = more * 10 + (uint64_t) (in.p[n] - '0');
	buf_printf(out, "%llu", (unsigned long long) (rid + more));
	return n;
}

static size_t
escape(struct buf *out, struct slice in)
{
	static const char letters[] = "nrt\\", meanings[] = "\n\r\t\\";
	const char *at;
	char digits[3] = {0};

	if (in.p[0] != '\\' || in.n < 2)
		return 0;
	if (in.p[1] == 'x' && in.n >= 4) {
		memcpy(digits, in.p + 2, 2);
		buf_append_char(out, (char) strtol(digits, NULL, 16));
		return 4;
	}
	at = strchr(letters, in.p[1]);
	if (at == NULL)
		return 0;
	buf_append_char(out, meanings[at - letters]);
	return 2;
}

void
text_expand(struct buf *out, struct slice in, const char *sid, uint64_t rid)
{
	bool is_raw = in.n >= 6 && slice_has_prefix(in, SLICE("<<<")) && memcmp(in.p + in.n - 3, ">>>", 3) == 0;

	if (is_raw)
		in = slice_of(in.p + 3, in.n - 6);
	while (in.n > 0) {
		size_t n = copies(out, in);
		if (n == 0)
			n = variable(out, in, sid, rid);
		if (n == 0 && is_raw)
			n = escape(out, in);
		if (n == 0) {
			buf_append_char(out, in.p[0]);
			n = 1;
		}
		in = slice_of(in.p + n, in.n - n);
	}
}

static bool
is_value(struct slice e, size_t at)
{
	return e.p[at] == '*' && at > 0 && at + 1 < e.n && (e.p[at - 1] == '\'' || e.p[at - 1] == '"') &&
		e.p[at + 1] == e.p[at - 1];
}

static bool
match(struct slice e, struct slice seen, bool whole, size_t *used)
{
	size_t at = 0, i = 0, more;

	while (i < e.n) {
		if (e.n - i >= 3 && memcmp(e.p + i, "...", 3) == 0) {
			struct slice rest = slice_of(e.p + i + 3, e.n - i - 3);
			if (rest.n == 0) {
				*used = seen.n;
				return true;
			}
			for (; at <= seen.n; at++)
				if (match(rest, slice_of(seen.p + at, seen.n - at), whole, &more)) {
					*used = at + more;
					return true;
				}
			return false;
		}
		if (is_value(e, i)) {
			while (at < seen.n && seen.p[at] != e.p[i + 1])
				at++;
			i++;
			continue;
		}
		if (at == seen.n || seen.p[at] != e.p[i])
			return false;
		at++;
		i++;
	}
	*used = at;
	return !whole || at == seen.n;
}

bool
text_match(struct slice e, struct slice seen, size_t *used)
{
	return match(e, seen, false, used);
}

bool
text_match_all(struct slice e, struct slice seen)
{
	size_t used;

	return match(e, seen, true, &used);
}

bool
text_time(struct slice word, int64_t *ms)
{
	static const struct {
		struct slice name;
		int64_t ms;
	} unit[] = {{SLICE_INIT("ms"), 1}, {SLICE_INIT("s"), 1000}, {SLICE_INIT("m"), 60000}};
	size_t n = 0;
	uint64_t value;

	while (n < word.n && word.p[n] >= '0' && word.p[n] <= '9')
		n++;
	if (!slice_number(slice_of(word.p, n), UINT32_MAX, &value))
		return false;
	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
		if (slice_eq(slice_of(word.p + n, word.n - n), unit[i].name)) {
			*ms = (int64_t) value * unit[i].ms;
			return true;
		}
	}
	return false;
}
