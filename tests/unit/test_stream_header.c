#include "unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "proto/stream/stream_header.h"

static void
set_and_replace(void **state)
{
	struct stream_header h = {.to = NULL};
	struct slice to = exact(SLICE("example.org"));

	(void) state;
	stream_header_set(&h, to, SLICE_NONE, SLICE("de"), SLICE(""), SLICE("i'd"));
	exact_free(to);
	assert_text(h.to, "example.org");
	assert_text(h.from, NULL);
	assert_text(h.lang, "de");
	assert_text(h.version, "");
	assert_text(h.id, "i'd");
	/* Also by its own strings. */
	stream_header_set(&h, slice_str(h.id), slice_str(h.to), SLICE_NONE, slice_str(h.version), SLICE_NONE);
	assert_text(h.to, "i'd");
	assert_text(h.from, "example.org");
	assert_text(h.lang, NULL);
	assert_text(h.version, "");
	assert_text(h.id, NULL);
	stream_header_fini(&h);
	assert_text(h.to, NULL);
	stream_header_fini(&h);
}

static void
attribute(void **state)
{
	struct buf b;

	(void) state;
	buf_init(&b, 40);
	assert_int_equal(stream_header_attribute(&b, "from", NULL), 0);
	assert_slice(buf_slice(&b), "");
	assert_int_equal(stream_header_attribute(&b, "to", "a'b<c>&\""), 0);
	assert_slice(buf_slice(&b), " to='a&apos;b&lt;c&gt;&amp;&quot;'");
	buf_clear(&b, 0);
	assert_int_equal(stream_header_attribute(&b, "xml:lang", ""), 0);
	assert_slice(buf_slice(&b), " xml:lang=''");
	assert_int_equal(stream_header_attribute(&b, "id", "0123456789012345678901234567890"), CV_EFULL);
	buf_fini(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_replace),
		cmocka_unit_test(attribute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
