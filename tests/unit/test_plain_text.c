#include "unit.h"

#include "base/buf.h"
#include "proto/xml/plain_text.h"

/* The same, a byte at a time: which bytes are left out. */
struct oracle {
	bool is_out[4096];
	size_t bytes;
};

static bool
is_plain(unsigned char c)
{
	return (c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7f)) && c != '<' && c != '&' && c != ']';
}

static void
ask_oracle(struct oracle *o, struct slice text, bool is_cdata)
{
	bool is_reference = false;
	size_t from = 0;

	memset(o, 0, sizeof *o);
	for (size_t i = 0; i <= text.n; i++) {
		char c = i < text.n ? text.p[i] : '<';
		if (is_plain((unsigned char) c) && !is_reference)
			continue;
		if (i - from >= PLAIN_TEXT_MIN) {
			size_t first = from + (from > 0 && text.p[from - 1] == ']' ? 2 : 1);
			size_t end = i - (i < text.n && c == ']' ? 2 : 1);
			memset(o->is_out + first, true, end - first);
			o->bytes += end - first;
		}
		if (c == '&' && !is_cdata)
			is_reference = true;
		else if (c == ';')
			is_reference = false;
		from = i + 1;
	}
}

static void
check(struct plain_text *t, struct slice text, bool is_cdata)
{
	static struct oracle o;
	/* Something stands in front of it, and behind. */
	struct slice copy = exact(text);
	size_t at = 0, bytes = 0;

	ask_oracle(&o, text, is_cdata);
	plain_text_clear(t);
	plain_text_find(t, copy.p, copy.p, copy.p + copy.n, is_cdata);
	for (size_t i = 0; i < t->n; i++) {
		assert_true(t->run[i].from > at && t->run[i].to > t->run[i].from && t->run[i].to < text.n);
		for (; at < t->run[i].from; at++)
			assert_false(o.is_out[at]);
		for (; at < t->run[i].to; at++)
			assert_true(o.is_out[at]);
		bytes += t->run[i].to - t->run[i].from;
	}
	for (; at < text.n; at++)
		assert_false(o.is_out[at]);
	assert_int_equal(t->bytes, bytes);
	assert_int_equal(o.bytes, bytes);
	exact_free(copy);
}

/* Nothing but one byte, as often as will do. */
static void
every_byte_and_length(void **state)
{
	struct plain_text t = {.run = NULL};
	char text[300];

	(void) state;
	for (unsigned c = 0; c < 256; c++) {
		memset(text, (int) c, sizeof text);
		for (size_t n = 0; n <= sizeof text; n++) {
			check(&t, slice_of(text, n), false);
			check(&t, slice_of(text, n), true);
		}
	}
	plain_text_fini(&t);
}

/* Each byte at each place of a long run. */
static void
every_byte_and_place(void **state)
{
	struct plain_text t = {.run = NULL};
	char text[150];

	(void) state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'x', sizeof text);
			text[at] = (char) c;
			check(&t, slice_of(text, sizeof text), false);
			check(&t, slice_of(text, sizeof text), true);
		}
	plain_text_fini(&t);
}

/* What has its pitfalls, in front of a run, behind it, or both. */
static void
neighbours(void **state)
{
	static const char *const what[] = {"", "]", "]]", "&lt;", "&", "&l", "t;", ";", "&#32;", "\xc3", "\xa9",
		"\xe2\x82\xac", "\x01", "\xff", "]&amp;]", "]]&gt;", "x]"};
	struct plain_text t = {.run = NULL};

	(void) state;
	for (size_t a = 0; a < COUNT(what); a++)
		for (size_t b = 0; b < COUNT(what); b++)
			for (size_t n = 60; n <= 140; n++) {
				struct buf text;
				buf_init(&text, BUF_UNLIMITED);
				buf_append_str(&text, what[a]);
				for (size_t i = 0; i < n; i++)
					buf_append_char(&text, i == 0 || i == n - 1 ? '>' : 'x');
				buf_append_str(&text, what[b]);
				for (size_t i = 0; i < 70; i++)
					buf_append_char(&text, 'y');
				buf_append_str(&text, what[a]);
				check(&t, buf_slice(&text), false);
				check(&t, buf_slice(&text), true);
				buf_fini(&text);
			}
	plain_text_fini(&t);
}

static void
random_text(void **state)
{
	static const char rare[] = "&;]]\xc3\xa9\x01\x7f\x80\t\n\r";
	struct plain_text t = {.run = NULL};
	struct dice dice = {3};
	char text[2000];

	(void) state;
	for (unsigned round = 0; round < 4000; round++) {
		size_t n = dice_roll(&dice, sizeof text);
		unsigned rarity = 10 + dice_roll(&dice, 200);
		for (size_t i = 0; i < n; i++)
			text[i] = dice_roll(&dice, rarity) > 0 ? (char) (' ' + dice_roll(&dice, 28) % 28)
							       : rare[dice_roll(&dice, sizeof rare - 1)];
		for (size_t i = 0; i < n; i++)
			if (text[i] == '&' && dice_roll(&dice, 4) > 0)
				text[i] = '!';
		check(&t, slice_of(text, n), false);
		check(&t, slice_of(text, n), true);
	}
	plain_text_fini(&t);
}

/* Several stretches of the same bytes: places count from the same start. */
static void
stretches(void **state)
{
	struct plain_text t = {.run = NULL};
	char text[400];

	(void) state;
	memset(text, 'x', sizeof text);
	plain_text_find(&t, text, text + 100, text + 200, false);
	plain_text_find(&t, text, text + 250, text + 313, false);
	plain_text_find(&t, text, text + 320, text + 384, true);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.run[0].from, 101);
	assert_int_equal(t.run[0].to, 199);
	assert_int_equal(t.run[1].from, 321);
	assert_int_equal(t.run[1].to, 383);
	assert_int_equal(t.bytes, 98 + 62);
	plain_text_clear(&t);
	assert_int_equal(t.n, 0);
	assert_int_equal(t.bytes, 0);
	for (unsigned i = 0; i < 100; i++)
		plain_text_find(&t, text, text, text + 64, false);
	assert_int_equal(t.n, 100);
	plain_text_fini(&t);
	assert_null(t.run);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_and_length),
		cmocka_unit_test(every_byte_and_place),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(random_text),
		cmocka_unit_test(stretches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
