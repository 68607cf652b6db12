#include "unit.h"

#include "proto/net/ticket_keys.h"

#define NOW INT64_C(1764379000)
#define RANDOM (TICKET_KEY_NAME + TICKET_KEY_BYTES)

static void
rotate(struct ticket_keys *k, unsigned char fill, int64_t now)
{
	unsigned char random[RANDOM];

	memset(random, fill, sizeof random);
	random[TICKET_KEY_NAME] = (unsigned char) (fill + 1);
	ticket_keys_rotate(k, random, now);
}

static const unsigned char *
name(unsigned char fill)
{
	static unsigned char n[TICKET_KEY_NAME];

	memset(n, fill, sizeof n);
	return n;
}

static void
rotation(void **state)
{
	struct ticket_keys k = {0};
	int64_t now = NOW;

	(void) state;
	assert_true(ticket_keys_are_due(&k, now));
	assert_null(ticket_keys_find(&k, name(0), now));
	for (unsigned char i = 1; i <= 6; i++) {
		rotate(&k, i, now);
		assert_false(ticket_keys_are_due(&k, now));
		assert_false(ticket_keys_are_due(&k, now + TICKET_KEYS_PERIOD - 1));
		for (unsigned char old = 0; old <= i; old++)
			assert_true(
				(ticket_keys_find(&k, name(old), now) != NULL) == (old > 0 && i - old < TICKET_KEYS));
		now += TICKET_KEYS_PERIOD;
		assert_true(ticket_keys_are_due(&k, now));
	}
	assert_int_equal(k.key[0].bytes[0], 7);
}

/* A ticket is good for as long as its client was told, and not for ever when nobody comes for a new one. */
static void
age(void **state)
{
	struct ticket_keys k = {0};

	(void) state;
	rotate(&k, 1, NOW);
	assert_non_null(ticket_keys_find(&k, name(1), NOW + TICKET_KEYS_PERIOD - 1 + TICKET_LIFETIME));
	assert_null(ticket_keys_find(&k, name(1), NOW + TICKET_KEYS_PERIOD + TICKET_LIFETIME));
	/* The clock was set back: there is a new key, and the old one is good still. */
	assert_true(ticket_keys_are_due(&k, NOW - 1));
	assert_non_null(ticket_keys_find(&k, name(1), NOW - 1));
}

static void
encoding(void **state)
{
	unsigned char bytes[TICKET_KEYS_ENCODED];
	struct ticket_keys k = {0}, other = {0};

	(void) state;
	rotate(&k, 1, NOW);
	rotate(&k, 2, NOW + 5);
	ticket_keys_write(&k, bytes);
	assert_true(ticket_keys_read(&other, slice_of((const char *) bytes, sizeof bytes)));
	for (size_t i = 0; i < TICKET_KEYS; i++) {
		assert_true(k.key[i].made_at == other.key[i].made_at);
		assert_memory_equal(k.key[i].name, other.key[i].name, TICKET_KEY_NAME);
		assert_memory_equal(k.key[i].bytes, other.key[i].bytes, TICKET_KEY_BYTES);
	}
	for (size_t n = 0; n < sizeof bytes; n++) {
		struct slice some = exact(slice_of((const char *) bytes, n));
		assert_false(ticket_keys_read(&other, some));
		exact_free(some);
	}
	bytes[0] = 2;
	assert_false(ticket_keys_read(&other, slice_of((const char *) bytes, sizeof bytes)));
	assert_int_equal(other.key[0].name[0], 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotation),
		cmocka_unit_test(age),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
