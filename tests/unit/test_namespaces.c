#include "unit.h"

#include "proto/xml/namespaces.h"

static void
assert_written(const struct namespaces *d, uint32_t these, const char *want)
{
	size_t n = namespaces_size(d, these);
	char *text = malloc(n + 1);

	assert_ptr_equal(namespaces_write(d, these, text), text + n);
	assert_slice(slice_of(text, n), want);
	free(text);
}

static void
add_and_write(void **state)
{
	static const struct {
		const char *prefix, *uri, *want;
	} rows[] = {
		{"", "u", " xmlns='u'"},
		{"p", "urn:x", " xmlns:p='urn:x'"},
		{"p", "a&b", " xmlns:p='a&amp;b'"},
		{"", "<'>\"", " xmlns='&lt;&apos;>\"'"},
		{"", "a\tb\rc", " xmlns='a&#9;b&#13;c'"},
		{"\xc3\xa4", "\xc3\xbc", " xmlns:\xc3\xa4='\xc3\xbc'"},
		{"", "", " xmlns=''"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct namespaces d = {.at = NULL};
		struct slice prefix = exact(slice_str(rows[i].prefix)), uri = exact(slice_str(rows[i].uri));
		assert_true(namespaces_add(&d, prefix, uri));
		assert_int_equal(namespaces_all(&d), 1);
		assert_written(&d, 1, rows[i].want);
		assert_written(&d, 0, "");
		exact_free(prefix);
		exact_free(uri);
		namespaces_fini(&d);
		namespaces_fini(&d);
	}
}

static void
find(void **state)
{
	struct namespaces d = {.at = NULL};

	(void) state;
	assert_int_equal(namespaces_all(&d), 0);
	assert_int_equal(namespaces_find(&d, SLICE(""), SLICE_NONE), 0);
	namespaces_add(&d, SLICE("p"), SLICE("u"));
	namespaces_add(&d, SLICE(""), SLICE("v"));
	namespaces_add(&d, SLICE("pp"), SLICE("u"));
	assert_int_equal(namespaces_all(&d), 7);
	assert_int_equal(namespaces_find(&d, SLICE("p"), SLICE_NONE), 1);
	assert_int_equal(namespaces_find(&d, SLICE("p"), SLICE("u")), 1);
	assert_int_equal(namespaces_find(&d, SLICE("p"), SLICE("v")), 0);
	assert_int_equal(namespaces_find(&d, SLICE("p"), SLICE("")), 0);
	assert_int_equal(namespaces_find(&d, SLICE(""), SLICE("v")), 2);
	assert_int_equal(namespaces_find(&d, SLICE_NONE, SLICE("v")), 2);
	assert_int_equal(namespaces_find(&d, SLICE("pp"), SLICE("u")), 4);
	assert_int_equal(namespaces_find(&d, SLICE("q"), SLICE_NONE), 0);
	assert_int_equal(namespaces_find(&d, SLICE("ppp"), SLICE_NONE), 0);
	assert_written(&d, 5, " xmlns:p='u' xmlns:pp='u'");
	namespaces_sort(&d);
	assert_written(&d, namespaces_all(&d), " xmlns='v' xmlns:p='u' xmlns:pp='u'");
	/* Emptied, it may be used again. */
	namespaces_clear(&d);
	assert_int_equal(namespaces_all(&d), 0);
	namespaces_sort(&d);
	namespaces_add(&d, SLICE("q"), SLICE("w"));
	assert_written(&d, 1, " xmlns:q='w'");
	namespaces_fini(&d);
}

static void
as_many_as_there_may_be(void **state)
{
	struct namespaces d = {.at = NULL};
	char prefix[10], want[NAMESPACES_MAX * 20] = "";

	(void) state;
	for (unsigned i = 0; i < NAMESPACES_MAX; i++) {
		snprintf(prefix, sizeof prefix, "p%02u", NAMESPACES_MAX - 1 - i);
		assert_true(namespaces_add(&d, slice_str(prefix), SLICE("u")));
		assert_int_equal(namespaces_find(&d, slice_str(prefix), SLICE("u")), UINT32_C(1) << i);
		snprintf(want + strlen(want), sizeof want - strlen(want), " xmlns:p%02u='u'", i);
	}
	assert_false(namespaces_add(&d, SLICE("more"), SLICE("u")));
	assert_int_equal(namespaces_all(&d), UINT32_MAX);
	assert_int_equal(namespaces_find(&d, SLICE("more"), SLICE_NONE), 0);
	assert_written(&d, UINT32_C(1) << 31, " xmlns:p00='u'");
	namespaces_sort(&d);
	assert_written(&d, UINT32_MAX, want);
	assert_written(&d, UINT32_C(1) << 31, " xmlns:p31='u'");
	namespaces_fini(&d);
}

/* A prefix counts with a colon behind it, wherever it stands; the default namespace has none. */
static void
mentioned(void **state)
{
	struct namespaces d = {.n = 0};

	(void) state;
	assert_true(namespaces_add(&d, SLICE(""), SLICE("urn:default")));
	assert_true(namespaces_add(&d, SLICE("xs"), SLICE("urn:xs")));
	assert_true(namespaces_add(&d, SLICE("a"), SLICE("urn:a")));
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE("")), 0);
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE("xs, : a b :")), 0);
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE(":s:xs")), 0);
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE("xs:")), 2);
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE("s: a:b 'xs:string'")), 6);
	assert_int_equal(namespaces_mentioned(&d, 7, SLICE("b.a:b -a:b \xc3\xa4xs:string")), 0);
	assert_int_equal(namespaces_mentioned(&d, 4, SLICE("s: a:b 'xs:string'")), 4);
	namespaces_fini(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_and_write),
		cmocka_unit_test(find),
		cmocka_unit_test(as_many_as_there_may_be),
		cmocka_unit_test(mentioned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
