#include "unit.h"

#include "proto/bosh/keys.h"
#include "sha1.h"

static const struct hooks hooks = {.sha1 = sha1_hash};

/* The tests' own SHA-1, by the examples of FIPS 180 and RFC 3174. */
static void
the_hash_of_the_tests(void **state)
{
	static const struct {
		const char *text, *hash;
	} rows[] = {
		{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		{"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
		{"0123456701234567012345670123456701234567012345670123456701234567",
			"e0c094e867ef46c350ef54a7f59dd60bed92ae83"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char key[SHA1_HEX];
		sha1_key(rows[i].text, 1, key);
		assert_string_equal(key, rows[i].hash);
	}
}

static const char *
key_of(unsigned n)
{
	static char text[4][SHA1_HEX];
	static unsigned next;

	next = (next + 1) % COUNT(text);
	sha1_key("seed", n, text[next]);
	return text[next];
}

static bool
turn(struct keys *k, uint64_t rid, const char *key, const char *newkey)
{
	keys_put(k, rid, slice_str(key), slice_str(newkey));
	return keys_turn(k, rid);
}

static void
a_sequence(void **state)
{
	struct keys *k = keys_new(8, &hooks);

	(void) state;
	assert_true(turn(k, 100, NULL, key_of(9)));
	for (unsigned i = 1; i < 9; i++)
		assert_true(turn(k, 100 + i, key_of(9 - i), i == 8 ? key_of(50) : NULL));
	assert_true(turn(k, 109, key_of(49), NULL));
	assert_false(turn(k, 110, key_of(49), NULL));
	keys_free(k);
	keys_free(NULL);
}

static void
what_does_not_continue_it(void **state)
{
	static const char *const rows[] = {NULL, "", "x", "da39a3ee5e6b4b0d3255bfef95601890afd80709"};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keys *k = keys_new(8, &hooks);
		assert_true(turn(k, 1, NULL, key_of(9)));
		assert_false(turn(k, 2, rows[i], key_of(9)));
		/* A next one would have to continue the one that is wrong. */
		assert_false(turn(k, 3, key_of(9), NULL));
		keys_free(k);
	}
}

/* What is no hash, 39, 41 and 40 with another letter: nothing hashes to it. */
static void
what_nothing_continues(void **state)
{
	static const char *const rows[] = {"", "9a", "da39a3ee5e6b4b0d3255bfef95601890afd8070",
		"da39a3ee5e6b4b0d3255bfef95601890afd807099", "ga39a3ee5e6b4b0d3255bfef95601890afd80709",
		"da39a3ee5e6b4b0d3255bfef95601890afd8070 "};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keys *k = keys_new(8, &hooks);
		assert_true(turn(k, 1, NULL, rows[i]));
		assert_false(turn(k, 2, key_of(1), NULL));
		keys_free(k);
	}
}

static void
repeats(void **state)
{
	struct keys *k = keys_new(4, &hooks);

	(void) state;
	assert_true(keys_is_repeat(k, 9, SLICE_NONE));
	assert_true(turn(k, 10, NULL, key_of(9)));
	assert_true(keys_is_repeat(k, 10, SLICE_NONE));
	assert_false(keys_is_repeat(k, 10, slice_str(key_of(9))));
	assert_true(turn(k, 11, key_of(8), NULL));
	assert_true(keys_is_repeat(k, 11, slice_str(key_of(8))));
	assert_false(keys_is_repeat(k, 11, slice_str(key_of(7))));
	assert_false(keys_is_repeat(k, 11, SLICE("")));
	assert_false(keys_is_repeat(k, 11, SLICE_NONE));
	/* One that came early is known too. */
	keys_put(k, 13, slice_str(key_of(6)), SLICE_NONE);
	assert_true(keys_is_repeat(k, 13, slice_str(key_of(6))));
	assert_false(keys_is_repeat(k, 13, slice_str(key_of(5))));
	assert_true(turn(k, 12, key_of(7), NULL));
	assert_true(keys_turn(k, 13));
	keys_free(k);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_of_the_tests),
		cmocka_unit_test(a_sequence),
		cmocka_unit_test(what_does_not_continue_it),
		cmocka_unit_test(what_nothing_continues),
		cmocka_unit_test(repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
