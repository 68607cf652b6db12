#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fatal.h"

#define CUT " cut=yes"

const char *
log_level_name(enum log_level level)
{
	static const char *const words[LOG_LEVELS] = {
#define X(name, word) word,
		LOG_LEVEL_ROWS(X)
#undef X
	};

	return level < LOG_LEVELS ? words[level] : "?";
}

/* How much of a line that was cut are whole pairs: it may end within one, or within quotes. */
static size_t
whole_pairs(const char *line, size_t n)
{
	bool is_quoted = false;
	size_t whole = n;

	for (size_t i = 0; i < n; i++) {
		if (is_quoted && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			is_quoted = !is_quoted;
		else if (line[i] == ' ' && !is_quoted)
			whole = i;
	}
	return whole;
}

void
log_write(const struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	char line[LOG_LINE + sizeof CUT];
	va_list ap;
	int n, more;
	size_t length;

	n = snprintf(line, LOG_LINE, "%s%s", event, format[0] != '\0' ? " " : "");
	must(n >= 0 && n < LOG_LINE);
	va_start(ap, format);
	more = vsnprintf(line + n, (size_t) (LOG_LINE - n), format, ap);
	va_end(ap);
	length = (size_t) (n + (more > 0 ? more : 0));
	if (length >= LOG_LINE) {
		length = whole_pairs(line, LOG_LINE - 1);
		memcpy(line + length, CUT, sizeof CUT - 1);
		length += sizeof CUT - 1;
	}
	log->sink(log->arg, level, slice_of(line, length));
}

/* With quotes around, and cut to the room. */
static void
escape(char *out, size_t room, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t o = 0;

	out[o++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char) s.p[i];
		/* The longest escape, "...", the quote and the NUL must still fit. */
		if (o + 4 + 3 + 2 > room) {
			memcpy(out + o, "...", 3);
			o += 3;
			break;
		}
		if (c == '"' || c == '\\') {
			out[o++] = '\\';
			out[o++] = (char) c;
		} else if (c < 0x20 || c > 0x7e) {
			out[o++] = '\\';
			out[o++] = 'x';
			out[o++] = hex[c >> 4];
			out[o++] = hex[c & 15];
		} else {
			out[o++] = (char) c;
		}
	}
	out[o++] = '"';
	out[o] = '\0';
}

const char *
log_quote(char out[LOG_QUOTED], struct slice s)
{
	escape(out, LOG_QUOTED, s);
	return out;
}

static bool
is_bare(struct slice s)
{
	if (s.n == 0 || s.n >= LOG_VALUE)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"'=\\", s.p[i]) != NULL)
			return false;
	return true;
}

struct log_value
log_value(struct slice s)
{
	struct log_value v;

	if (!is_bare(s)) {
		escape(v.text, sizeof v.text, s);
		return v;
	}
	memcpy(v.text, s.p, s.n);
	v.text[s.n] = '\0';
	return v;
}

struct log_value
log_string(const char *s)
{
	return log_value(slice_str(s != NULL ? s : "-"));
}
