#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_LINE 1024

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

void
log_event(const struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	char line[LOG_LINE];
	va_list ap;
	int n, more = 0;

	if (!log_is_on(log, level))
		return;
	n = snprintf(line, sizeof line, "%s%s", event, format[0] != '\0' ? " " : "");
	if (n < 0 || n >= (int) sizeof line)
		return;
	va_start(ap, format);
	more = vsnprintf(line + n, sizeof line - (size_t) n, format, ap);
	va_end(ap);
	if (more < 0)
		more = 0;
	if (more >= (int) sizeof line - n)
		more = (int) sizeof line - n - 1;
	log->sink(log->arg, level, slice_of(line, (size_t) (n + more)));
}

const char *
log_quote(char out[LOG_QUOTED], struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t o = 0;

	out[o++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char) s.p[i];
		/* The longest escape, "...", the quote and the NUL must still fit. */
		if (o + 4 + 3 + 2 > LOG_QUOTED) {
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
	return out;
}
