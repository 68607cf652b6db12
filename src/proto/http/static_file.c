#include "proto/http/static_file.h"

#include <stdio.h>

/* Takes one character, escaped or not, from the front; -1 when the escape is broken, or for a control character. */
static int
next_char(struct slice *s)
{
	int c = (unsigned char) s->p[0];
	size_t n = 1;

	if (c == '%') {
		if (s->n < 3 || slice_hex(s->p[1]) < 0 || slice_hex(s->p[2]) < 0)
			return -1;
		c = slice_hex(s->p[1]) * 16 + slice_hex(s->p[2]);
		n = 3;
	}
	*s = slice_of(s->p + n, s->n - n);
	return c >= 0x20 && c != 0x7f ? c : -1;
}

/*
 * One pass, one unescaping: what comes out is what is opened.  Parts that
 * begin with a dot are "." and "..", and names that are not meant to be seen.
 */
bool
static_file_path(struct slice path, char out[STATIC_FILE_PATH_MAX])
{
	static const char index[] = "index.html";
	size_t n = 0, part = 0; /* where the current part begins */

	if (path.n == 0 || path.p[0] != '/')
		return false;
	path = slice_of(path.p + 1, path.n - 1);
	while (path.n > 0) {
		bool is_first = n == part, is_escaped = path.p[0] == '%';
		int c = next_char(&path);
		if (c < 0 || (is_first && (c == '.' || c == '/')) || n + sizeof index >= STATIC_FILE_PATH_MAX)
			return false;
		/* Written like this it is part of a name, which no file of ours has. */
		if (c == '/' && is_escaped)
			return false;
		out[n++] = (char) c;
		if (c == '/')
			part = n;
	}
	if (n == part) {
		memcpy(out + n, index, sizeof index - 1);
		n += sizeof index - 1;
	}
	out[n] = '\0';
	return true;
}

bool
static_file_argument(struct slice value, char *out, size_t room)
{
	size_t n = 0;

	while (value.n > 0) {
		bool is_blank = value.p[0] == '+';
		int c = next_char(&value);
		if (c < 0 || n + 1 >= room)
			return false;
		out[n++] = is_blank ? ' ' : (char) c;
	}
	out[n] = '\0';
	return true;
}

#define UTF8 "; charset=utf-8"

/* Code is asked for each time, which costs next to nothing: pages of two versions never meet in a browser. */
static const struct static_file_type types[] = {
	{"html", "text/html" UTF8, false},
	{"htm", "text/html" UTF8, false},
	{"css", "text/css" UTF8, false},
	{"js", "text/javascript" UTF8, false},
	{"mjs", "text/javascript" UTF8, false},
	{"json", "application/json", false},
	{"map", "application/json", false},
	{"webmanifest", "application/manifest+json", false},
	{"wasm", "application/wasm", false},
	{"xml", "text/xml" UTF8, false},
	{"txt", "text/plain" UTF8, false},
	{"md", "text/plain" UTF8, false},
	{"pdf", "application/pdf", false},
	{"svg", "image/svg+xml", true},
	{"png", "image/png", true},
	{"jpg", "image/jpeg", true},
	{"jpeg", "image/jpeg", true},
	{"gif", "image/gif", true},
	{"webp", "image/webp", true},
	{"avif", "image/avif", true},
	{"ico", "image/x-icon", true},
	{"woff2", "font/woff2", true},
	{"woff", "font/woff", true},
	{"ttf", "font/ttf", true},
	{"otf", "font/otf", true},
	{"ogg", "audio/ogg", true},
	{"oga", "audio/ogg", true},
	{"opus", "audio/ogg", true},
	{"mp3", "audio/mpeg", true},
	{"m4a", "audio/mp4", true},
	{"wav", "audio/wav", true},
	{"mp4", "video/mp4", true},
	{"webm", "video/webm", true},
};

const struct static_file_type *
static_file_type(const char *file)
{
	static const struct static_file_type unknown = {"", "application/octet-stream", false};
	const char *name = strrchr(file, '/'), *dot = strrchr(name != NULL ? name : file, '.');

	for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
		if (slice_eq_nocase(slice_str(dot + 1), slice_str(types[i].suffix)))
			return &types[i];
	return &unknown;
}

void
static_file_etag(char out[STATIC_FILE_ETAG_MAX], uint64_t size, int64_t seconds, uint32_t nanoseconds)
{
	snprintf(out, STATIC_FILE_ETAG_MAX, "\"%llx-%llx-%lx\"", (unsigned long long) size,
		(unsigned long long) seconds, (unsigned long) nanoseconds);
}

/* FNV-1a: two versions of a document are to differ, nobody chooses them. */
void
static_file_etag_of(char out[STATIC_FILE_ETAG_MAX], struct slice bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes.n; i++)
		hash = (hash ^ (unsigned char) bytes.p[i]) * UINT64_C(0x100000001b3);
	snprintf(out, STATIC_FILE_ETAG_MAX, "\"%016llx\"", (unsigned long long) hash);
}

/* A weak tag counts as its strong one here (RFC 9110, 13.1.2).  Ours have no comma in them, so none splits one. */
static bool
has_etag(struct slice list, struct slice etag)
{
	struct slice tag;

	while (slice_is_set(list)) {
		slice_cut(list, ',', &tag, &list);
		tag = slice_trim(tag);
		if (slice_has_prefix(tag, SLICE("W/")))
			tag = slice_of(tag.p + 2, tag.n - 2);
		if (slice_eq(tag, etag) || slice_eq(tag, SLICE("*")))
			return true;
	}
	return false;
}

bool
static_file_is_known(struct slice by_etag, struct slice by_date, const char *etag, const char *date)
{
	if (slice_is_set(by_etag))
		return has_etag(by_etag, slice_str(etag));
	return slice_is_set(by_date) && slice_eq(slice_trim(by_date), slice_str(date));
}
