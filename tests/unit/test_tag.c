#include "unit.h"

#include "proto/xml/tag.h"

/* All attributes of a tag as "name=value;", then what stands where they end. */
static void
attributes(void **state)
{
	static const struct {
		const char *tag, *all, *rest;
	} rows[] = {
		{"", "", ""},
		{">", "", ">"},
		{" />", "", "/>"},
		{" a='1'>", "a=1;", ">"},
		{" a='1' b=\"2\"/>", "a=1;b=2;", "/>"},
		{"\n\ta\r\n=\n'1'\tb = \"2\" >", "a=1;b=2;", ">"},
		{" a=''b=''>", "a=;b=;", ">"},
		{" a='\"' b=\"'>'\">", "a=\";b='>';", ">"},
		{" x:a='&amp;' xml:b='<'>", "x:a=&amp;;xml:b=<;", ">"},
		/* No attributes, and no end either. */
		{" a", "", ""},
		{" a>", "", ">"},
		{" a b='2'>", "", "b='2'>"},
		{" a=>", "", ">"},
		{" a=1 b='2'>", "", "1 b='2'>"},
		{" a='1", "", "'1"},
		{" a='1' b", "a=1;", ""},
		{" a='1' b=", "a=1;", "="},
		{" a='1' =''>", "a=1;=;", ">"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice tag = exact(slice_str(rows[i].tag)), s = tag, name, value;
		char all[64] = "";
		while (tag_attribute(&s, &name, &value)) {
			size_t n = strlen(all);
			snprintf(all + n, sizeof all - n, "%.*s=%.*s;", SLICE_ARG(name), SLICE_ARG(value));
			assert_row(value.p[-1] == '\'' || value.p[-1] == '"', rows[i].tag);
		}
		assert_text(all, rows[i].all);
		assert_slice(s, rows[i].rest);
		/* Cut anywhere, it has no more than these. */
		for (size_t n = 0; n <= tag.n; n++) {
			struct slice part = exact(slice_of(tag.p, n));
			s = part;
			while (tag_attribute(&s, &name, &value))
				assert_row(value.n <= n, rows[i].tag);
			exact_free(part);
		}
		exact_free(tag);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
