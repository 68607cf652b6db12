/* Heads of which two readers may think differently. */
#include "unit.h"

#include "proto/http/smuggling.h"

#define FIELDS_MAX 6

static struct smuggling
read_fields(const char *const *fields)
{
	struct smuggling f = {.length = 0};

	for (size_t i = 0; i < FIELDS_MAX && fields[i] != NULL; i++) {
		struct slice name, value;
		bool has_value = slice_cut(slice_str(fields[i]), ':', &name, &value);
		name = exact(name);
		value = has_value ? exact(value) : SLICE_NONE;
		smuggling_field(&f, name, value);
		exact_free(name);
		if (has_value)
			exact_free(value);
	}
	return f;
}

static void
lengths(void **state)
{
	static const struct {
		const char *name;
		const char *fields[FIELDS_MAX];
		bool is_odd, is_odd_1_0;
		uint64_t length;
	} rows[] = {
		{"plain", {"Host:x", "Content-Length: 5"}, false, false, 5},
		{"case and blanks", {"HOST:x", "content-LENGTH:\t5 "}, false, false, 5},
		{"no body", {"Host:x"}, false, false, 0},
		{"chunked", {"Host:x", "Transfer-Encoding: Chunked\t"}, false, true, 0},
		{"no host", {"Content-Length:5"}, true, false, 5},
		{"two hosts", {"Host:x", "host:x"}, true, true, 0},
		{"two lengths", {"Host:x", "Content-Length:5", "Content-Length:6"}, true, true, 6},
		{"two equal lengths", {"Host:x", "Content-Length:5", "Content-Length:5"}, true, true, 5},
		{"a list of lengths", {"Host:x", "Content-Length:5, 5"}, true, true, 0},
		{"a signed length", {"Host:x", "Content-Length:+5"}, true, true, 0},
		{"a hexadecimal length", {"Host:x", "Content-Length:0x5"}, true, true, 0},
		{"a huge length", {"Host:x", "Content-Length:18446744073709551621"}, true, true, 0},
		{"an empty length", {"Host:x", "Content-Length:"}, true, true, 0},
		{"both", {"Host:x", "Content-Length:5", "Transfer-Encoding:chunked"}, true, true, 5},
		{"two encodings", {"Host:x", "Transfer-Encoding:chunked", "Transfer-Encoding:chunked"}, true, true, 0},
		{"another encoding", {"Host:x", "Transfer-Encoding:gzip"}, true, true, 0},
		{"a list of encodings", {"Host:x", "Transfer-Encoding:gzip, chunked"}, true, true, 0},
		{"a blank in a name", {"Host:x", "Content-Length :5"}, true, true, 0},
		{"a control character", {"Host:x", "X:a\x01"}, true, true, 0},
		{"an encoding with more", {"Host:x", "Transfer-Encoding:chunked;q=1"}, true, true, 0},
		{"an encoding of nothing", {"Host:x", "Transfer-Encoding:"}, true, true, 0},
		{"identity", {"Host:x", "Transfer-Encoding:identity"}, true, true, 0},
		{"a name with more", {"Host:x", "Transfer-Encodings:x"}, false, false, 0},
		{"a negative length", {"Host:x", "Content-Length:-5"}, true, true, 0},
		{"a length with a fraction", {"Host:x", "Content-Length:5.0"}, true, true, 0},
		{"a length with a blank in it", {"Host:x", "Content-Length:1 5"}, true, true, 0},
		{"a folded encoding", {"Host:x", "Content-Length:5", "Transfer-Encoding:", " chunked"}, true, true, 5},
		{"a folded line with a colon", {"Host:x", "\tX:y"}, true, true, 0},
		{"no field", {"Host:x", "nothing"}, true, true, 0},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct smuggling f = read_fields(rows[i].fields);
		assert_row((smuggling_reason(&f, true) != NULL) == rows[i].is_odd, rows[i].name);
		assert_row((smuggling_reason(&f, false) != NULL) == rows[i].is_odd_1_0, rows[i].name);
		assert_row(f.length == rows[i].length, rows[i].name);
	}
}

static void
fields(void **state)
{
	static const struct {
		struct slice name, value;
		bool want;
	} rows[] = {
		{SLICE_INIT("Host"), SLICE_INIT("example.org"), true},
		{SLICE_INIT("X-a!#$%&'*+.^_`|~9"), SLICE_INIT("a\tb c"), true},
		{SLICE_INIT("X"), SLICE_INIT(""), true},
		{SLICE_INIT("X"), SLICE_INIT("\xc3\xa4\xff\x80"), true},
		{SLICE_INIT("X"), SLICE_INIT("(a)<b>@,;:\\\"/[]?={}"), true},
		{SLICE_INIT(""), SLICE_INIT("a"), false},
		{SLICE_INIT("X "), SLICE_INIT("a"), false},
		{SLICE_INIT(" X"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\t"), SLICE_INIT("a"), false},
		{SLICE_INIT("X y"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\0"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\r"), SLICE_INIT("a"), false},
		{SLICE_INIT("X:"), SLICE_INIT("a"), false},
		{SLICE_INIT("X/"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\x7f"), SLICE_INIT("a"), false},
		{SLICE_INIT("X\xc3\xa4"), SLICE_INIT("a"), false},
		{SLICE_INIT("X"), SLICE_INIT("\0"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\0b"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\rb"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\nb"), false},
		{SLICE_INIT("X"), SLICE_INIT("a\r"), false},
		{SLICE_INIT("X"), SLICE_INIT("\x1b[0m"), false},
		{SLICE_INIT("X"), SLICE_INIT("\x7f"), false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice name = exact(rows[i].name), value = exact(rows[i].value);
		struct smuggling f = {.length = 0};
		smuggling_field(&f, name, value);
		assert_row((smuggling_reason(&f, false) == NULL) == rows[i].want, rows[i].name.p);
		exact_free(name);
		exact_free(value);
	}
}

static void
lines(void **state)
{
	static const struct {
		struct slice line;
		bool want;
	} rows[] = {
		{SLICE_INIT("GET /a?b=%00 HTTP/1.1"), true},
		{SLICE_INIT("GET /\xc3\xa4 HTTP/1.1"), true},
		{SLICE_INIT("GET /a\0b HTTP/1.1"), false},
		{SLICE_INIT("GET /\0 HTTP/1.1"), false},
		{SLICE_INIT("GET /a\rb HTTP/1.1"), false},
		{SLICE_INIT("GET /a HTTP/1.1\r"), false},
		{SLICE_INIT("GET /\x7f HTTP/1.1"), false},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct smuggling f = {.hosts = 1};
		smuggling_line(&f, rows[i].line);
		assert_row((smuggling_reason(&f, true) == NULL) == rows[i].want, rows[i].line.p);
	}
}

/* What is said is what was wrong first. */
static void
reasons(void **state)
{
	static const char *const folded[FIELDS_MAX] = {"Host:x", "Content-Length:5", " 6", "Content-Length:7", "X :y"};
	static const char *const both[FIELDS_MAX] = {"Host:x", "Content-Length:5", "Transfer-Encoding:chunked"};
	struct smuggling f = read_fields(folded);

	(void) state;
	assert_string_equal(smuggling_reason(&f, true), "A line of the head begins with a blank.");
	f = read_fields(both);
	assert_string_equal(smuggling_reason(&f, true), "There are both a Content-Length and a Transfer-Encoding.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lengths), cmocka_unit_test(fields), cmocka_unit_test(lines),
		cmocka_unit_test(reasons)};

	return cmocka_run_group_tests_name("smuggling", tests, NULL, NULL);
}
