/* JSON, written. */
#include "unit.h"

#include "conf/json.h"

static void
documents(void **state)
{
	struct buf out;
	struct json *j;

	(void) state;
	buf_init(&out, BUF_UNLIMITED);
	j = json_new(&out);
	json_object(j);
	json_key(j, "empty");
	json_array(j);
	json_end_array(j);
	json_key(j, "list");
	json_array(j);
	json_string(j, SLICE("a"));
	json_object(j);
	json_key(j, "k");
	json_string(j, SLICE_NONE);
	json_end_object(j);
	json_end_array(j);
	json_end_object(j);
	json_free(j);
	assert_string_equal(buf_cstr(&out),
		"{\n\t\"empty\": [\n\n\t],\n\t\"list\": [\n\t\t\"a\",\n\t\t{\n\t\t\t\"k\": \"\"\n\t\t}\n\t]\n}\n");
	buf_fini(&out);
}

static void
escapes(void **state)
{
	static const struct {
		struct slice s;
		const char *want;
	} rows[] = {
		{SLICE_INIT("a\"b\\c"), "\"a\\\"b\\\\c\"\n"},
		{SLICE_INIT("a\nb\tc\rd"), "\"a\\nb\\tc\\rd\"\n"},
		{SLICE_INIT("\x01\x1f"), "\"\\u0001\\u001F\"\n"},
		{SLICE_INIT("a\0b"), "\"a\\u0000b\"\n"},
		{SLICE_INIT("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\"\n"},
		{SLICE_INIT("https://x/y"), "\"https://x/y\"\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;
		struct json *j;
		buf_init(&out, BUF_UNLIMITED);
		j = json_new(&out);
		json_string(j, rows[i].s);
		json_free(j);
		assert_slice(buf_slice(&out), rows[i].want);
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(documents), cmocka_unit_test(escapes)};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
