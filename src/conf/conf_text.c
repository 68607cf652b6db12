#include "conf/conf_text.h"

#include <stdbool.h>

#include "base/utf8.h"

#define WORD_MAX 40

/* Like conf_token_start(); *comma becomes the place of the last comma that was passed, text.n where a colon was. */
static size_t
skip(struct slice text, size_t i, size_t *comma)
{
	bool is_value_due = false;

	*comma = text.n;
	while (i < text.n) {
		const char *p = text.p + i, *end;
		if (slice_is_space(*p) || *p == ',' || *p == ':') {
			is_value_due = is_value_due || *p == ':';
			if (*p == ',' && !is_value_due)
				*comma = i;
			i++;
		} else if (*p == '/' && i + 1 < text.n && p[1] == '/') {
			end = memchr(p, '\n', text.n - i);
			i = end != NULL ? (size_t) (end - text.p) : text.n;
		} else if (*p == '/' && i + 1 < text.n && p[1] == '*') {
			size_t close = i + 3;
			while (close < text.n && !(text.p[close - 1] == '*' && text.p[close] == '/'))
				close++;
			if (close >= text.n)
				return i;
			i = close + 1;
		} else {
			return i;
		}
	}
	return i;
}

size_t
conf_token_start(struct slice text, size_t i)
{
	size_t comma;

	return skip(text, i, &comma);
}

size_t
conf_trailing_comma(struct slice text, size_t i)
{
	bool is_first = i == 0 || text.p[i - 1] == '{' || text.p[i - 1] == '[';
	size_t comma;

	i = skip(text, i, &comma);
	return !is_first && i < text.n && (text.p[i] == '}' || text.p[i] == ']') ? comma : text.n;
}

void
conf_cursor_init(struct conf_cursor *c, struct slice text)
{
	*c = (struct conf_cursor){.text = text, .place = {1, 1}};
}

struct conf_place
conf_cursor_place(struct conf_cursor *c, size_t at)
{
	if (at < c->at)
		conf_cursor_init(c, c->text);
	for (; c->at < at; c->at++) {
		if (c->text.p[c->at] == '\n') {
			c->place.line++;
			c->place.column = 1;
		} else if (((unsigned char) c->text.p[c->at] & 0xc0) != 0x80) {
			c->place.column++;
		}
	}
	return c->place;
}

size_t
conf_first_bad_byte(struct slice text)
{
	size_t bad = utf8_first_bad(text);
	const char *nul = bad > 0 ? memchr(text.p, '\0', bad) : NULL;

	return nul != NULL ? (size_t) (nul - text.p) : bad;
}

static bool
is_word(char c)
{
	return slice_is_digit(c) || slice_is_letter(c) || c == '_' || c == '-' || c == '.' || c == '+';
}

size_t
conf_word(struct slice text)
{
	size_t n = 0;

	while (n < text.n && n < WORD_MAX && is_word(text.p[n]))
		n++;
	return n > 0 || text.n == 0 ? n : 1;
}

const char *
conf_json_expected(const char *yajl_words)
{
	static const struct {
		const char *part, *expected;
	} table[] = {
		{"object key (must be", "a key in double quotes"},
		{"I expect ',' or '}'", "\",\" or \"}\""},
		{"I expect ',' or ']'", "\",\" or \"]\""},
		{"separated by a colon", "\":\" and a value"},
		{"unallowed token", "a value"},
		{"trailing garbage", "nothing after the closing \"}\""},
		{"invalid string in json", "true, false, or a string in double quotes"},
		{"invalid char in json",
			"JSON: strings and keys stand in double quotes, comments after // or between /* and */"},
		{"invalid character inside string",
			"no line ends or control characters inside (is the closing quote missing?)"},
		{"before a character which it may not", "one of \" \\ / b f n r t u after each backslash inside"},
		{"invalid (non-hex)", "four hexadecimal digits after each \\u inside"},
		{"malformed number", "more digits"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strstr(yajl_words, table[i].part) != NULL)
			return table[i].expected;
	return "JSON";
}
