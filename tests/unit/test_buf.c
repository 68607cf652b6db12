#include "unit.h"

#include "base/buf.h"
#include "base/err.h"

static void
append(void **state)
{
	struct buf b;

	(void) state;
	buf_init(&b, BUF_UNLIMITED);
	assert_slice(buf_slice(&b), "");
	assert_null(b.p);
	assert_int_equal(buf_append(&b, SLICE("one ")), 0);
	assert_int_equal(buf_append(&b, SLICE_NONE), 0);
	assert_int_equal(buf_append_str(&b, "two "), 0);
	assert_int_equal(buf_append_char(&b, '3'), 0);
	assert_int_equal(buf_printf(&b, " %d%s", 4, "!"), 0);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	assert_slice(buf_slice(&b), "one two 3 4!");
	assert_string_equal(buf_cstr(&b), "one two 3 4!");
	assert_int_equal(buf_slice(&b).n, 12);
	buf_fini(&b);
	assert_slice(buf_slice(&b), "");
	assert_int_equal(buf_append_str(&b, "again"), 0);
	assert_slice(buf_slice(&b), "again");
	buf_fini(&b);
	buf_fini(&b);
}

static void
full_changes_nothing(void **state)
{
	static const size_t caps[] = {0, 1, 2, 9, 10, 63, 64, 65, 1000};

	(void) state;
	for (size_t i = 0; i < COUNT(caps); i++) {
		char bytes[1001];
		struct buf b;
		memset(bytes, 'x', sizeof bytes);
		buf_init(&b, caps[i]);
		assert_int_equal(buf_append(&b, slice_of(bytes, caps[i] + 1)), CV_EFULL);
		assert_null(buf_reserve(&b, caps[i] + 1));
		assert_null(buf_reserve(&b, SIZE_MAX));
		assert_int_equal(buf_slice(&b).n, 0);
		assert_int_equal(buf_append(&b, slice_of(bytes, caps[i])), 0);
		assert_int_equal(buf_append_char(&b, 'y'), CV_EFULL);
		assert_int_equal(buf_append_str(&b, "yy"), CV_EFULL);
		assert_int_equal(buf_printf(&b, "%s", "yyy"), CV_EFULL);
		assert_null(buf_cstr(&b));
		assert_int_equal(buf_append(&b, SLICE("")), 0);
		assert_int_equal(buf_slice(&b).n, caps[i]);
		assert_memory_equal(buf_slice(&b).p, bytes, caps[i]);
		if (caps[i] > 0) {
			/* What is consumed is room again. */
			buf_consume(&b, 1);
			assert_int_equal(buf_append_char(&b, 'y'), 0);
			assert_int_equal(buf_append_char(&b, 'y'), CV_EFULL);
			assert_int_equal(buf_slice(&b).n, caps[i]);
			assert_int_equal(buf_slice(&b).p[caps[i] - 1], 'y');
		}
		buf_fini(&b);
	}
}

static void
reserve_and_commit(void **state)
{
	struct buf b;
	char *room;

	(void) state;
	buf_init(&b, 100);
	assert_non_null(buf_reserve(&b, 0));
	room = buf_reserve(&b, 100);
	assert_non_null(room);
	memset(room, 'a', 100);
	buf_commit(&b, 40);
	assert_int_equal(buf_slice(&b).n, 40);
	buf_commit(&b, 0);
	room = buf_reserve(&b, 60);
	memset(room, 'b', 60);
	buf_commit(&b, 60);
	assert_null(buf_reserve(&b, 1));
	assert_int_equal(buf_slice(&b).p[39], 'a');
	assert_int_equal(buf_slice(&b).p[40], 'b');
	buf_fini(&b);
}

static void
consume(void **state)
{
	struct buf b;

	(void) state;
	buf_init(&b, 100);
	buf_consume(&b, 5);
	buf_append_str(&b, "hello world");
	buf_consume(&b, 0);
	buf_consume(&b, 6);
	assert_slice(buf_slice(&b), "world");
	assert_string_equal(buf_cstr(&b), "world");
	buf_append_str(&b, "!");
	assert_slice(buf_slice(&b), "world!");
	buf_consume(&b, SIZE_MAX);
	assert_slice(buf_slice(&b), "");
	buf_append_str(&b, "x");
	assert_slice(buf_slice(&b), "x");
	buf_fini(&b);
}

static void
clear_keeps_a_little(void **state)
{
	struct buf b;

	(void) state;
	buf_init(&b, BUF_UNLIMITED);
	buf_append_str(&b, "abc");
	buf_clear(&b, 4096);
	assert_slice(buf_slice(&b), "");
	assert_non_null(b.p);
	for (int i = 0; i < 5000; i++)
		buf_append_char(&b, 'x');
	buf_clear(&b, 4096);
	assert_slice(buf_slice(&b), "");
	assert_null(b.p);
	buf_append_str(&b, "abc");
	buf_clear(&b, 0);
	assert_null(b.p);
	buf_fini(&b);
}

static void
take(void **state)
{
	struct buf b;
	size_t n = 77;
	char *p;

	(void) state;
	buf_init(&b, 20);
	p = buf_take(&b, &n);
	assert_non_null(p);
	assert_int_equal(n, 0);
	free(p);
	buf_append_str(&b, "hello world");
	buf_consume(&b, 6);
	p = buf_take(&b, &n);
	assert_slice(slice_of(p, n), "world");
	free(p);
	assert_slice(buf_slice(&b), "");
	assert_int_equal(buf_append(&b, SLICE("012345678901234567890")), CV_EFULL);
	assert_int_equal(buf_append(&b, SLICE("01234567890123456789")), 0);
	buf_fini(&b);
}

/* The same steps on a buf and on plain memory. */
static void
random_steps(void **state)
{
	enum { CAP = 300 };
	struct dice dice = {1};
	char model[CAP];
	size_t n = 0;
	struct buf b;

	(void) state;
	buf_init(&b, CAP);
	for (int i = 0; i < 20000; i++) {
		char bytes[100];
		size_t k = dice_roll(&dice, sizeof bytes);
		switch (dice_roll(&dice, 5)) {
		case 0:
			buf_consume(&b, k);
			k = k < n ? k : n;
			n -= k;
			memmove(model, model + k, n);
			break;
		case 1:
			if (dice_roll(&dice, 20) > 0)
				break;
			buf_clear(&b, k);
			n = 0;
			break;
		case 2:
			if (n + 1 <= CAP) {
				assert_memory_equal(buf_cstr(&b), model, n);
				assert_int_equal(buf_cstr(&b)[n], '\0');
			}
			break;
		default:
			memset(bytes, 'a' + (int) (k % 26), k);
			if (n + k > CAP) {
				assert_int_equal(buf_append(&b, slice_of(bytes, k)), CV_EFULL);
				break;
			}
			assert_int_equal(buf_append(&b, slice_of(bytes, k)), 0);
			memcpy(model + n, bytes, k);
			n += k;
		}
		assert_int_equal(buf_slice(&b).n, n);
		assert_memory_equal(buf_slice(&b).p, model, n);
	}
	buf_fini(&b);
}

/* A queue of constant length must not move all of its bytes at each step: this ends at once, or takes minutes. */
static void
a_long_queue_is_not_moved_at_each_step(void **state)
{
	enum { LENGTH = 1 << 20, STEPS = 1 << 20 };
	static char bytes[LENGTH];
	struct buf b;

	(void) state;
	buf_init(&b, BUF_UNLIMITED);
	buf_append(&b, slice_of(bytes, LENGTH));
	for (int i = 0; i < STEPS; i++) {
		buf_consume(&b, 1);
		buf_append_char(&b, 'x');
	}
	assert_int_equal(buf_slice(&b).n, LENGTH);
	assert_true(b.cap <= 4 * LENGTH);
	buf_fini(&b);
}

/* What a secret one lets go of is wiped, as far as it can be looked at: memory it still has. */
static void
secret(void **state)
{
	struct buf b;
	char *room;

	(void) state;
	buf_init_secret(&b, 100000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_append_str(&b, "hunter2 "), 0);
	assert_int_equal(b.n, 8000);
	assert_memory_equal(b.p, "hunter2 hunter2 ", 16);
	buf_clear(&b, BUF_UNLIMITED);
	room = buf_reserve(&b, 2048);
	for (size_t i = 0; i < 2048; i++)
		assert_int_equal(room[i], 0);
	buf_fini(&b);
	assert_true(b.is_secret);
	assert_int_equal(b.max, 100000);
	/* An ordinary one has no time for that. */
	buf_init(&b, 100);
	assert_int_equal(buf_append_str(&b, "hello"), 0);
	buf_clear(&b, BUF_UNLIMITED);
	assert_memory_equal(buf_reserve(&b, 5), "hello", 5);
	buf_fini(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(append),
		cmocka_unit_test(full_changes_nothing),
		cmocka_unit_test(reserve_and_commit),
		cmocka_unit_test(consume),
		cmocka_unit_test(clear_keeps_a_little),
		cmocka_unit_test(take),
		cmocka_unit_test(random_steps),
		cmocka_unit_test(a_long_queue_is_not_moved_at_each_step),
		cmocka_unit_test(secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
