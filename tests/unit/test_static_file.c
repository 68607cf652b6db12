/* Static files: what a path names, types, validators. */
#include "unit.h"

#include "proto/http/static_file.h"

static void
files(void **state)
{
	static const struct {
		const char *path, *file; /* NULL: none */
	} rows[] = {
		{"/", "index.html"},
		{"/a", "a"},
		{"/a/", "a/index.html"},
		{"/a/b.css", "a/b.css"},
		{"/a%20b.html", "a b.html"},
		{"/%61/%2D", "a/-"},
		{"/a+b", "a+b"},
		{"/a..b/c.", "a..b/c."},
		{"/\xc3\xa4.html", "\xc3\xa4.html"},
		{"/%c3%A4.html", "\xc3\xa4.html"},
		{"/a%5cb", "a\\b"},
		{"/a%25b", "a%b"},
		{"/%252e%252e/x", "%2e%2e/x"}, /* unescaped once: an odd name, nothing else */
		{"", NULL},
		{"a", NULL},
		{"*", NULL},
		{"?", NULL},
		{"//", NULL},
		{"//a", NULL},
		{"/a//b", NULL},
		{"/.", NULL},
		{"/..", NULL},
		{"/../a", NULL},
		{"/a/../b", NULL},
		{"/a/..", NULL},
		{"/a/.", NULL},
		{"/.git/config", NULL},
		{"/a/.htaccess", NULL},
		{"/.well-known/x", NULL},
		{"/%2e%2e/a", NULL},
		{"/a/%2E./b", NULL},
		{"/.%2e/b", NULL},
		{"/%2egit", NULL},
		{"/a%2fb", NULL},
		{"/a%2F..%2fb", NULL},
		{"/%2f", NULL},
		{"/a%00.html", NULL},
		{"/%00", NULL},
		{"/a%0a", NULL},
		{"/a%1f", NULL},
		{"/a%7f", NULL},
		{"/a\x01", NULL},
		{"/a\x7f", NULL},
		{"/%", NULL},
		{"/a%2", NULL},
		{"/a%g0", NULL},
		{"/a%0g", NULL},
		{"/a%-1", NULL},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char file[STATIC_FILE_PATH_MAX];
		struct slice path = exact(slice_str(rows[i].path));
		bool is_file = static_file_path(path, file);
		assert_row(is_file == (rows[i].file != NULL), rows[i].path);
		if (is_file)
			assert_string_equal(file, rows[i].file);
		exact_free(path);
	}
}

/* Whatever comes out fits, ends, and has no part that leads up, for any length and any bytes. */
static void
long_and_random(void **state)
{
	static const char alphabet[] = "/.%2eEfF0a";
	const size_t longest = 1 + STATIC_FILE_PATH_MAX - sizeof "index.html";
	char path[STATIC_FILE_PATH_MAX + 16], file[STATIC_FILE_PATH_MAX];
	uint32_t x = 1;

	(void) state;
	memset(path, 'a', sizeof path);
	path[0] = '/';
	for (size_t n = 1; n <= sizeof path; n++)
		assert_int_equal(static_file_path(slice_of(path, n), file), n <= longest);
	path[longest - 1] = '/';
	assert_true(static_file_path(slice_of(path, longest), file));
	assert_int_equal(strlen(file), STATIC_FILE_PATH_MAX - 1);
	for (int round = 0; round < 200000; round++) {
		size_t n = 1 + (size_t) round % 12;
		for (size_t i = 1; i < n; i++) {
			x = x * 1664525 + 1013904223;
			path[i] = alphabet[(x >> 16) % (sizeof alphabet - 1)];
		}
		if (!static_file_path(slice_of(path, n), file))
			continue;
		assert_true(file[0] != '/' && file[0] != '.' && file[0] != '\0');
		assert_null(strstr(file, "/."));
		assert_null(strstr(file, "//"));
	}
}

static void
content_types(void **state)
{
	static const struct {
		const char *file, *content_type;
		bool is_kept;
	} rows[] = {
		{"index.html", "text/html; charset=utf-8", false},
		{"a/b.c/INDEX.HTML", "text/html; charset=utf-8", false},
		{"x.min.js", "text/javascript; charset=utf-8", false},
		{"x.mjs", "text/javascript; charset=utf-8", false},
		{"x.js.map", "application/json", false},
		{"manifest.webmanifest", "application/manifest+json", false},
		{"x.wasm", "application/wasm", false},
		{"logo.svg", "image/svg+xml", true},
		{"favicon.ico", "image/x-icon", true},
		{"font.woff2", "font/woff2", true},
		{"ding.ogg", "audio/ogg", true},
		{"ding.mp3", "audio/mpeg", true},
		{"ding.wav", "audio/wav", true},
		{"LICENSE", "application/octet-stream", false},
		{"dir.html/LICENSE", "application/octet-stream", false},
		{"x.php", "application/octet-stream", false},
		{"x.", "application/octet-stream", false},
		{"html", "application/octet-stream", false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct static_file_type *type = static_file_type(rows[i].file);
		assert_row(strcmp(type->content_type, rows[i].content_type) == 0, rows[i].file);
		assert_row(type->is_kept == rows[i].is_kept, rows[i].file);
	}
}

static void
validators(void **state)
{
	static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
	static const struct {
		const char *by_etag, *by_date;
		bool is_known;
	} rows[] = {
		{NULL, NULL, false},
		{"\"5-6-7\"", NULL, true},
		{"W/\"5-6-7\"", NULL, true},
		{"\"a\", \"5-6-7\"", NULL, true},
		{"\"a\",W/\"5-6-7\" ,\"b\"", NULL, true},
		{"*", NULL, true},
		{"", NULL, false},
		{",", NULL, false},
		{"\"5-6-8\"", NULL, false},
		{"\"5-6-7", NULL, false},
		{"5-6-7", NULL, false},
		{NULL, "Sun, 06 Nov 1994 08:49:37 GMT", true},
		{NULL, " Sun, 06 Nov 1994 08:49:37 GMT ", true},
		{NULL, "Sun, 06 Nov 1994 08:49:38 GMT", false},
		{NULL, "Sunday, 06-Nov-94 08:49:37 GMT", false},
		{NULL, "", false},
		/* The tag decides alone. */
		{"\"other\"", "Sun, 06 Nov 1994 08:49:37 GMT", false},
		{"\"5-6-7\"", "Sun, 06 Nov 1994 08:49:38 GMT", true},
	};
	char etag[STATIC_FILE_ETAG_MAX], other[STATIC_FILE_ETAG_MAX];

	(void) state;
	static_file_etag(etag, 5, 6, 7);
	assert_string_equal(etag, "\"5-6-7\"");
	static_file_etag(other, UINT64_MAX, -1, UINT32_MAX);
	assert_string_equal(other, "\"ffffffffffffffff-ffffffffffffffff-ffffffff\"");
	static_file_etag_of(other, SLICE(""));
	assert_string_equal(other, "\"cbf29ce484222325\"");
	static_file_etag_of(other, SLICE("a"));
	assert_string_equal(other, "\"af63dc4c8601ec8c\"");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(static_file_is_known(slice_str(rows[i].by_etag), slice_str(rows[i].by_date), etag, date) ==
				rows[i].is_known,
			rows[i].by_etag != NULL ? rows[i].by_etag : "(date)");
}

static void
arguments(void **state)
{
	static const struct {
		const char *value, *text; /* NULL: none */
	} rows[] = {
		{"", ""},
		{"example.com", "example.com"},
		{"b%C3%bccher",
			"b\xc3\xbc"
			"cher"},
		{"a+b%2B", "a b+"},
		{"%2f/", "//"},
		{"12345678901234", "12345678901234"},
		{"123456789012345", "123456789012345"},
		{"1234567890123456", NULL},
		{"%00", NULL},
		{"a%0a", NULL},
		{"%", NULL},
		{"%4", NULL},
		{"%zz", NULL},
		{"a\x7f", NULL},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[16];
		struct slice value = exact(slice_str(rows[i].value));
		assert_row(static_file_argument(value, out, sizeof out) == (rows[i].text != NULL), rows[i].value);
		if (rows[i].text != NULL)
			assert_string_equal(out, rows[i].text);
		exact_free(value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(long_and_random),
		cmocka_unit_test(content_types),
		cmocka_unit_test(validators),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests_name("static_file", tests, NULL, NULL);
}
