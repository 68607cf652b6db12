#include "unit.h"

#include "proto/xml/stanza.h"

static struct stanza *
make(const char *text)
{
	return stanza_copy(slice_str(text), STANZA_MESSAGE);
}

static void
one(void **state)
{
	struct stanza *st = stanza_copy(SLICE("<a/>"), STANZA_IQ);

	(void) state;
	assert_slice(stanza_slice(st), "<a/>");
	assert_int_equal(st->kind, STANZA_IQ);
	assert_false(st->has_stream_prefix);
	assert_null(st->next);
	/* The bytes come right behind the headroom. */
	assert_ptr_equal(st->headroom + STANZA_HEADROOM, st->bytes);
	memset(st->headroom, 'x', STANZA_HEADROOM);
	assert_slice(stanza_slice(st), "<a/>");
	stanza_free(st);

	st = stanza_new(0, STANZA_OPEN);
	assert_int_equal(st->n, 0);
	stanza_free(st);
	st = stanza_copy(SLICE_NONE, STANZA_CLOSE);
	assert_int_equal(st->n, 0);
	stanza_free(st);
	stanza_free(NULL);
}

static void
queue_in_order(void **state)
{
	struct stanza_queue q;
	struct stanza *st;

	(void) state;
	stanza_queue_init(&q);
	assert_null(stanza_queue_shift(&q));
	assert_int_equal(stanza_queue_cost(&q), 0);
	for (unsigned round = 0; round < 3; round++) {
		st = make("1");
		stanza_queue_push(&q, &st);
		assert_null(st);
		st = make("22");
		stanza_queue_push(&q, &st);
		assert_int_equal(q.count, 2);
		assert_int_equal(q.bytes, 3);
		assert_int_equal(stanza_queue_cost(&q), 3 + 2 * STANZA_COST);
		st = stanza_queue_shift(&q);
		assert_slice(stanza_slice(st), "1");
		assert_null(st->next);
		stanza_free(st);
		st = make("333");
		stanza_queue_push(&q, &st);
		st = stanza_queue_shift(&q);
		assert_slice(stanza_slice(st), "22");
		stanza_free(st);
		st = stanza_queue_shift(&q);
		assert_slice(stanza_slice(st), "333");
		/* What was shifted may be pushed again. */
		stanza_queue_push(&q, &st);
		st = stanza_queue_shift(&q);
		assert_slice(stanza_slice(st), "333");
		stanza_free(st);
		assert_null(stanza_queue_shift(&q));
		assert_int_equal(stanza_queue_cost(&q), 0);
	}
}

static void
fill(struct stanza_queue *q, const char *texts)
{
	stanza_queue_init(q);
	for (; *texts != '\0'; texts++) {
		struct stanza *st = stanza_copy(slice_of(texts, 1), STANZA_OTHER);
		stanza_queue_push(q, &st);
	}
}

static void
queue_move(void **state)
{
	static const struct {
		const char *to, *from;
	} rows[] = {{"", ""}, {"a", ""}, {"", "b"}, {"ab", "cde"}};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stanza_queue to, from;
		struct stanza *st;
		char got[16] = "";
		fill(&to, rows[i].to);
		fill(&from, rows[i].from);
		stanza_queue_move(&to, &from);
		assert_int_equal(from.count, 0);
		assert_int_equal(from.bytes, 0);
		assert_null(stanza_queue_shift(&from));
		assert_int_equal(to.count, strlen(rows[i].to) + strlen(rows[i].from));
		/* Both can be used on. */
		st = make("x");
		stanza_queue_push(&from, &st);
		st = make("y");
		stanza_queue_push(&to, &st);
		while ((st = stanza_queue_shift(&to)) != NULL) {
			strncat(got, st->bytes, st->n);
			stanza_free(st);
		}
		assert_int_equal(strncmp(got, rows[i].to, strlen(rows[i].to)), 0);
		assert_int_equal(strncmp(got + strlen(rows[i].to), rows[i].from, strlen(rows[i].from)), 0);
		assert_int_equal(got[strlen(got) - 1], 'y');
		st = stanza_queue_shift(&from);
		assert_slice(stanza_slice(st), "x");
		stanza_free(st);
		stanza_queue_fini(&from);
		stanza_queue_fini(&to);
	}
}

static void
queue_fini(void **state)
{
	struct stanza_queue q;

	(void) state;
	fill(&q, "abc");
	stanza_queue_fini(&q);
	assert_int_equal(stanza_queue_cost(&q), 0);
	struct stanza *st = make("z");
	stanza_queue_push(&q, &st);
	assert_int_equal(q.count, 1);
	stanza_queue_fini(&q);
	stanza_queue_fini(&q);
}

static void
marks(void **state)
{
	struct stanza_queue q;
	struct stanza *st;

	(void) state;
	stanza_queue_init(&q);
	stanza_queue_push_mark(&q, STANZA_OPEN);
	stanza_queue_push_mark(&q, STANZA_CLOSE);
	assert_int_equal(q.count, 2);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(stanza_queue_cost(&q), 2 * STANZA_COST);
	st = stanza_queue_shift(&q);
	assert_int_equal(st->kind, STANZA_OPEN);
	stanza_free(st);
	assert_int_equal(q.first->kind, STANZA_CLOSE);
	stanza_queue_fini(&q);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),
		cmocka_unit_test(queue_in_order),
		cmocka_unit_test(queue_move),
		cmocka_unit_test(queue_fini),
		cmocka_unit_test(marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
