#include "unit.h"

#include "base/log.h"

struct record {
	char line[2048];
	size_t n;
	enum log_level level;
	unsigned count;
};

static void
sink(void *arg, enum log_level level, struct slice line)
{
	struct record *r = arg;

	assert_true(line.n < sizeof r->line);
	memcpy(r->line, line.p, line.n);
	r->line[line.n] = '\0';
	r->n = line.n;
	r->level = level;
	r->count++;
}

static void
one_line(void **state)
{
	char none[] = "";
	struct record r = {.count = 0};
	struct log log = {.level = LOG_DEBUG, .arg = &r, .sink = sink};

	(void) state;
	log_event(&log, LOG_INFO, "session opened", "session=%u transport=%s", 7u, "bosh");
	assert_string_equal(r.line, "session opened session=7 transport=bosh");
	assert_int_equal(r.level, LOG_INFO);
	log_event(&log, LOG_ERROR, "stopping", none, 0);
	assert_string_equal(r.line, "stopping");
	assert_int_equal(r.count, 2);
	log_event(NULL, LOG_ERROR, "nobody listens", "x=%d", 1);
	assert_int_equal(r.count, 2);
}

static void
levels(void **state)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

	(void) state;
	for (unsigned level = 0; level < LOG_LEVELS; level++) {
		struct record r = {.count = 0};
		struct log log = {.level = level, .arg = &r, .sink = sink};
		assert_string_equal(log_level_name(level), names[level]);
		for (unsigned event = 0; event < LOG_LEVELS; event++) {
			assert_int_equal(log_is_on(&log, event), event <= level);
			log_event(&log, event, "event", "n=%u", event);
		}
		assert_int_equal(r.count, level + 1);
	}
	assert_false(log_is_on(NULL, LOG_ERROR));
	assert_string_equal(log_level_name(LOG_LEVELS), "?");
}

/* Whatever its length, an event is one line that the sink can hold, and its pairs are whole. */
static void
long_lines_are_cut(void **state)
{
	struct record r = {.count = 0};
	struct log log = {.level = LOG_DEBUG, .arg = &r, .sink = sink};
	char text[3000];

	(void) state;
	for (size_t n = 1900; n < sizeof text - 1; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		log_event(&log, LOG_INFO, "event", "n=1 text=%s", text);
		if (15 + n < LOG_LINE)
			assert_int_equal(r.n, 15 + n);
		else
			assert_string_equal(r.line, "event n=1 cut=yes");
		text[n / 2] = ' ';
		text[n - 1] = '\\';
		log_event(&log, LOG_INFO, "event", "n=1 text=\"%s", text);
		if (16 + n >= LOG_LINE)
			assert_string_equal(r.line, "event n=1 cut=yes");
	}
}

/* At a level that is off nobody looks at the arguments. */
static void
what_is_off_costs_nothing(void **state)
{
	struct record r = {.count = 0};
	struct log log = {.level = LOG_INFO, .arg = &r, .sink = sink};
	unsigned asked = 0;

	(void) state;
	log_event(&log, LOG_DEBUG, "event", "n=%u", ++asked);
	assert_int_equal(asked, 0);
	log_event(&log, LOG_INFO, "event", "n=%u", ++asked);
	assert_int_equal(asked, 1);
	assert_int_equal(r.count, 1);
}

/* A key=value reader finds each value as it was, and no peer makes a line, or a pair, of its own. */
static void
values(void **state)
{
	static const struct {
		struct slice value;
		const char *want;
	} rows[] = {
		{SLICE_INIT("example.com"), "example.com"},
		{SLICE_INIT("[2001:db8::1]:5222"), "[2001:db8::1]:5222"},
		{SLICE_INIT("-"), "-"},
		{SLICE_INIT(""), "\"\""},
		{SLICE_NONE_INIT, "\"\""},
		{SLICE_INIT("two words"), "\"two words\""},
		{SLICE_INIT("a=b"), "\"a=b\""},
		{SLICE_INIT("it's"), "\"it's\""},
		{SLICE_INIT("set \"ca_file\""), "\"set \\\"ca_file\\\"\""},
		{SLICE_INIT("a\\b"), "\"a\\\\b\""},
		{SLICE_INIT("x\nsession opened session=1"), "\"x\\x0asession opened session=1\""},
		{SLICE_INIT("a\0b"), "\"a\\x00b\""},
		{SLICE_INIT("\x1b[31m"), "\"\\x1b[31m\""},
		{SLICE_INIT("\x7f"), "\"\\x7f\""},
		{SLICE_INIT("\xc3\xa9"), "\"\\xc3\\xa9\""},
	};
	struct record r = {.count = 0};
	struct log log = {.level = LOG_INFO, .arg = &r, .sink = sink};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice value = exact(rows[i].value);
		assert_string_equal(log_value(value).text, rows[i].want);
		exact_free(value);
	}
	assert_string_equal(log_string(NULL).text, "-");
	log_event(&log, LOG_INFO, "event", "a=%s b=%s", log_string("1 2").text, log_string("3").text);
	assert_string_equal(r.line, "event a=\"1 2\" b=3");
}

/* Long ones are cut, and stay one value. */
static void
long_values(void **state)
{
	char text[3 * LOG_VALUE];

	(void) state;
	memset(text, 'x', sizeof text);
	for (size_t n = 1; n < sizeof text; n++) {
		struct log_value v = log_value(slice_of(text, n));
		size_t length = strlen(v.text);
		assert_true(length < LOG_VALUE);
		if (n < LOG_VALUE)
			assert_int_equal(length, n);
		else
			assert_string_equal(v.text + length - 4, "...\"");
	}
}

static void
quote(void **state)
{
	static const struct {
		struct slice value;
		const char *want;
	} rows[] = {
		{SLICE_INIT(""), "\"\""},
		{SLICE_NONE_INIT, "\"\""},
		{SLICE_INIT("plain text=1"), "\"plain text=1\""},
		{SLICE_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
		{SLICE_INIT("a\nb\rc\td"), "\"a\\x0ab\\x0dc\\x09d\""},
		{SLICE_INIT("a\0b"), "\"a\\x00b\""},
		{SLICE_INIT("\x1b[31m"), "\"\\x1b[31m\""},
		{SLICE_INIT("\x7f\x80\xff"), "\"\\x7f\\x80\\xff\""},
		{SLICE_INIT("\xc3\xa9"), "\"\\xc3\\xa9\""},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[LOG_QUOTED];
		struct slice value = exact(rows[i].value);
		assert_string_equal(log_quote(out, value), rows[i].want);
		exact_free(value);
	}
}

/* Long values are cut, between two escapes and inside the room there is. */
static void
long_values_are_cut(void **state)
{
	static const char bytes[] = {'x', '"', '\n'};

	(void) state;
	for (size_t b = 0; b < sizeof bytes; b++) {
		for (size_t n = 0; n < 300; n++) {
			char *out = malloc(LOG_QUOTED), *value = malloc(n);
			size_t length;
			memset(value, bytes[b], n);
			log_quote(out, slice_of(value, n));
			length = strlen(out);
			assert_true(length < LOG_QUOTED);
			assert_int_equal(out[0], '"');
			assert_int_equal(out[length - 1], '"');
			if (n > LOG_QUOTED)
				assert_string_equal(out + length - 4, "...\"");
			free(out);
			free(value);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(levels),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(what_is_off_costs_nothing),
		cmocka_unit_test(values),
		cmocka_unit_test(long_values),
		cmocka_unit_test(quote),
		cmocka_unit_test(long_values_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
