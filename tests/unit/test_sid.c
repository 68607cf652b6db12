#include "unit.h"

#include "session/sid.h"

struct source {
	unsigned char next;
};

static void
fake_random(void *arg, void *bytes, size_t n)
{
	struct source *s = arg;

	for (size_t i = 0; i < n; i++)
		((unsigned char *) bytes)[i] = s->next++;
}

static void
make(void **state)
{
	struct source source = {0xf8};
	struct hooks hooks = {.arg = &source, .random = fake_random};
	struct sid_prefix prefix = {"n", 0x1f3c9a}, longest = {"abcdefghijklmnop", UINT32_MAX};
	char sid[SID_MAX];
	unsigned worker = 99;

	(void) state;
	sid_make(sid, &prefix, 2, &hooks);
	assert_string_equal(sid, "n.1f3c9a.2.f8f9fafbfcfdfeff0001020304050607");
	assert_true(sid_worker(slice_str(sid), &prefix, &worker));
	assert_int_equal(worker, 2);
	sid_make(sid, &prefix, 2, &hooks);
	assert_string_equal(sid, "n.1f3c9a.2.08090a0b0c0d0e0f1011121314151617");
	/* The longest there is fits, with all its random digits. */
	sid_make(sid, &longest, UINT16_MAX, &hooks);
	assert_string_equal(sid, "abcdefghijklmnop.ffffffff.65535.18191a1b1c1d1e1f2021222324252627");
	assert_true(sid_worker(slice_str(sid), &longest, &worker));
	assert_int_equal(worker, UINT16_MAX);
}

static void
whose(void **state)
{
	static const struct {
		const char *sid;
		int worker; /* -1: no sid of ours */
	} row[] = {
		{"n.1f3c9a.0.00", 0},
		{"n.1f3c9a.17.", 17},
		{"n.1f3c9a.65535.x", 65535},
		{"n.1f3c9a.007.x", 7},
		{"n.1f3c9a.65536.x", -1},
		{"n.1f3c9a.99999999999999999999.x", -1},
		{"n.1f3c9a.-1.x", -1},
		{"n.1f3c9a.+1.x", -1},
		{"n.1f3c9a. 1.x", -1},
		{"n.1f3c9a..x", -1},
		{"n.1f3c9a.1", -1},
		{"n.1f3c9a.", -1},
		{"n.1f3c9a", -1},
		{"n.1f3c9b.1.x", -1},
		{"n.1F3C9A.1.x", -1},
		{"m.1f3c9a.1.x", -1},
		{"nn.1f3c9a.1.x", -1},
		{" n.1f3c9a.1.x", -1},
		{"", -1},
	};
	struct sid_prefix prefix = {"n", 0x1f3c9a};

	(void) state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct slice sid = exact(slice_str(row[i].sid));
		unsigned worker = 99;
		assert_row(sid_worker(sid, &prefix, &worker) == (row[i].worker >= 0), row[i].sid);
		assert_row(row[i].worker < 0 || worker == (unsigned) row[i].worker, row[i].sid);
		exact_free(sid);
	}
}

/* No prefix of a sid reads beyond its end. */
static void
prefixes(void **state)
{
	struct sid_prefix prefix = {"node1", 7};
	const char *sid = "node1.7.3.00112233445566778899aabbccddeeff";

	(void) state;
	for (size_t n = 0; n <= strlen(sid); n++) {
		struct slice s = exact(slice_of(sid, n));
		unsigned worker;
		assert_int_equal(sid_worker(s, &prefix, &worker), n >= 10);
		exact_free(s);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(make),
		cmocka_unit_test(whose),
		cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
