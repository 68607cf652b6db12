#include "unit.h"

#include "base/buf.h"
#include "proto/bosh/body.h"
#include "proto/bosh/parts.h"

static const struct {
	enum stanza_kind kind;
	const char *text;
} rows[] = {
	{STANZA_FEATURES, "<stream:features/>"},
	{STANZA_MESSAGE, "<message><body>hi</body></message>"},
	{STANZA_IQ, "<iq/>"},
	{STANZA_PRESENCE, "<presence/>"},
	{STANZA_OTHER, "<a xmlns='urn:x'/>"},
};

static void
fill(struct stanza_queue *q)
{
	stanza_queue_init(q);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stanza *st = stanza_copy(slice_str(rows[i].text), rows[i].kind);
		st->has_stream_prefix = rows[i].kind == STANZA_FEATURES;
		stanza_queue_push(q, &st);
	}
}

/* What the answer's text holds is cut into stanzas again, in front of what waits. */
static void
take_back(void **state)
{
	struct parts parts = {.v = NULL};
	struct stanza_queue q;
	struct stanza *st;
	struct buf out;
	size_t bytes;

	(void) state;
	fill(&q);
	bytes = q.bytes;
	parts_note(&parts, &q);
	assert_int_equal(parts.n, COUNT(rows));
	assert_true(parts_cost(&parts) >= COUNT(rows) * sizeof(size_t));
	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "<body");
	body_payload(&out, &q);
	stanza_queue_push_mark(&q, STANZA_CLOSE);
	parts_take_back(&parts, buf_slice(&out), &q);
	buf_fini(&out);
	assert_int_equal(parts.n, 0);
	assert_int_equal(parts_cost(&parts), 0);
	assert_int_equal(q.count, COUNT(rows) + 1);
	assert_int_equal(q.bytes, bytes);
	for (size_t i = 0; i < COUNT(rows); i++) {
		st = stanza_queue_shift(&q);
		assert_int_equal(st->kind, rows[i].kind);
		assert_int_equal(st->has_stream_prefix, rows[i].kind == STANZA_FEATURES);
		assert_slice(stanza_slice(st), rows[i].text);
		stanza_free(st);
	}
	st = stanza_queue_shift(&q);
	assert_int_equal(st->kind, STANZA_CLOSE);
	stanza_free(st);
}

static void
counts(void **state)
{
	struct stanza_tally tally = {.stanzas = 1, .bytes = 100};
	struct parts parts = {.v = NULL};
	struct stanza_queue q;

	(void) state;
	fill(&q);
	parts_note(&parts, &q);
	parts_count(&parts, &tally);
	assert_int_equal(tally.stanzas, 4);
	assert_int_equal(tally.bytes, 100 + strlen(rows[1].text) + strlen(rows[2].text) + strlen(rows[3].text));
	parts_fini(&parts);
	stanza_queue_fini(&q);

	/* Nothing is noted of nothing. */
	parts_note(&parts, &q);
	assert_null(parts.v);
	parts_count(&parts, &tally);
	assert_int_equal(tally.stanzas, 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_back),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
