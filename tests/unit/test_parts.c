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

/* The parts are all that stands between the tags of the answer's text, so that it can be cut into stanzas again. */
static void
cut_again(void **state)
{
	struct parts parts = {.v = NULL};
	struct stanza_queue q;
	struct slice rest;
	struct buf out;

	(void) state;
	fill(&q);
	parts_note(&parts, &q);
	assert_int_equal(parts.n, COUNT(rows));
	assert_true(parts_cost(&parts) >= COUNT(rows) * sizeof(size_t));
	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "<body");
	body_payload(&out, &q);
	rest = buf_slice(&out);
	for (size_t i = parts.n, end = rest.n - strlen("</body>"); i-- > 0; end -= parts.v[i].n) {
		assert_int_equal(parts.v[i].kind, rows[i].kind);
		assert_true(end >= parts.v[i].n);
		assert_slice(slice_of(rest.p + end - parts.v[i].n, parts.v[i].n), rows[i].text);
		assert_true(i > 0 || rest.p[end - parts.v[i].n - 1] == '>');
	}
	buf_fini(&out);
	parts_fini(&parts);
	assert_int_equal(parts.n, 0);
	assert_int_equal(parts_cost(&parts), 0);
}

static void
counts(void **state)
{
	struct stanza_tally tally = {1, 100};
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
		cmocka_unit_test(cut_again),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
