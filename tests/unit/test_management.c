/*
 * What scripts do not show: counts beyond 2^32, a stream that begins anew, and
 * long random lives, in which h is compared with what it stands for.
 */
#include "unit.h"

#include "proto/stream/management.h"

#define NS "urn:xmpp:sm:3"

static const struct upstream_offer offer = {.is_authenticated = true, .is_bound = true, .has_management = true};

static void
up(struct management *m, enum stanza_kind kind, const char *text, ms_t now)
{
	struct stanza *st = stanza_copy(slice_str(text), kind);

	management_up(m, &offer, &st, now);
	assert_null(st);
}

/* Returns whether it is for the client, and *returnable whether the server would have it back. */
static bool
down(struct management *m, enum stanza_kind kind, const char *text, bool *returnable)
{
	struct stanza *st = stanza_copy(slice_str(text), kind);
	bool is_for_client = management_down(m, st);

	if (returnable != NULL)
		*returnable = st->is_returnable;
	stanza_free(st);
	return is_for_client;
}

static void
says(struct management *m, const char *want)
{
	struct stanza *st = management_next_up(m);

	assert_non_null(st);
	assert_slice(stanza_slice(st), want);
	stanza_free(st);
}

static struct management *
ours(void)
{
	struct management *m = management_new();

	up(m, STANZA_PRESENCE, "<presence/>", 0);
	says(m, "<enable xmlns='" NS "'/>");
	says(m, "<presence/>");
	assert_false(management_is_ours(m));
	/* What comes before <enabled/> does not count. */
	assert_true(down(m, STANZA_MESSAGE, "<message/>", NULL));
	assert_false(down(m, STANZA_SM, "<enabled xmlns='" NS "'/>", NULL));
	assert_true(management_is_ours(m));
	return m;
}

/* The h that the server is told when it asks. */
static uint32_t
asked(struct management *m)
{
	struct stanza *st;
	uint64_t h = 0;

	assert_false(down(m, STANZA_SM_REQUEST, "<r xmlns='" NS "'/>", NULL));
	st = management_next_up(m);
	assert_non_null(st);
	assert_true(slice_number(slice_of(st->bytes + strlen("<a xmlns='" NS "' h='"),
					 st->n - strlen("<a xmlns='" NS "' h='") - strlen("'/>")),
		UINT32_MAX, &h));
	stanza_free(st);
	return (uint32_t) h;
}

/* Messages are handled one behind the other; others as soon as all before them are. */
static void
random_counts(void **state)
{
	enum { MANY = 5000 };
	static bool is_handled[MANY];

	(void) state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct management *m = ours();
		struct dice dice = {seed};
		unsigned n = 0, h = 0, first = 0;
		uint64_t proven = 0, returnable = 0;

		memset(is_handled, 0, sizeof is_handled);
		while (n < MANY) {
			bool is_returnable = false;
			if (dice_roll(&dice, 3) > 0) {
				bool is_message = dice_roll(&dice, 2) == 0;
				assert_true(down(m, is_message ? STANZA_MESSAGE : STANZA_PRESENCE,
					is_message ? "<message from='b'/>" : "<presence/>", &is_returnable));
				assert_int_equal(is_returnable, is_message);
				is_handled[n++] = !is_message;
				returnable += is_message;
			} else {
				uint64_t more = dice_roll(&dice, (unsigned) (returnable - proven) + 1);
				proven += more;
				management_proven(m, proven);
				for (; more > 0; first++)
					if (!is_handled[first]) {
						is_handled[first] = true;
						more--;
					}
			}
			while (h < n && is_handled[h])
				h++;
			assert_int_equal(asked(m), h);
			assert_int_equal(management_unhandled(m), n - h);
		}
		management_proven(m, returnable);
		assert_int_equal(asked(m), MANY);
		management_free(m);
	}
}

/* <a/> is due when h has risen, not sooner than a second after the last. */
static void
deadlines(void **state)
{
	struct management *m = ours();

	(void) state;
	assert_true(management_deadline(m) == MS_NEVER);
	down(m, STANZA_PRESENCE, "<presence/>", NULL);
	assert_true(management_deadline(m) <= 5000);
	management_settle(m, &offer, 5000);
	says(m, "<a xmlns='" NS "' h='1'/>");
	says(m, "<r xmlns='" NS "'/>");
	assert_null(management_next_up(m));
	assert_true(management_deadline(m) == MS_NEVER);
	down(m, STANZA_IQ, "<iq/>", NULL);
	assert_true(management_deadline(m) == 6000);
	management_settle(m, &offer, 5999);
	assert_null(management_next_up(m));
	/* While nobody looks at the client, the server is not moved to send what it has. */
	up(m, STANZA_INACTIVE, "<inactive/>", 5999);
	says(m, "<inactive/>");
	assert_true(management_is_client_inactive(m));
	assert_true(management_deadline(m) == MS_NEVER);
	management_settle(m, &offer, 9000);
	assert_null(management_next_up(m));
	assert_int_equal(asked(m), 2);
	management_free(m);
}

/* What the server has said to have: the rest may be lost with it. */
static void
unanswered(void **state)
{
	struct management *m = ours();

	(void) state;
	up(m, STANZA_MESSAGE, "<message/>", 0);
	up(m, STANZA_OTHER, "<other xmlns='urn:x'/>", 0);
	assert_int_equal(management_unanswered(m), 2);
	assert_false(down(m, STANZA_SM_ANSWER, "<a h='1' xmlns='" NS "'/>", NULL));
	assert_int_equal(management_unanswered(m), 1);
	management_free(m);
}

/* What was unproven when the stream began anew is not counted in the new one, whenever it is proven. */
static void
begins_anew(void **state)
{
	struct management *m = ours();

	(void) state;
	down(m, STANZA_MESSAGE, "<message/>", NULL);
	down(m, STANZA_MESSAGE, "<message/>", NULL);
	management_end(m);
	says(m, "<a xmlns='" NS "' h='0'/>");
	assert_false(management_is_ours(m));
	up(m, STANZA_PRESENCE, "<presence/>", 0);
	says(m, "<enable xmlns='" NS "'/>");
	says(m, "<presence/>");
	down(m, STANZA_SM, "<enabled/>", NULL);
	down(m, STANZA_MESSAGE, "<message/>", NULL);
	management_proven(m, 2);
	assert_int_equal(asked(m), 0);
	management_proven(m, 3);
	assert_int_equal(asked(m), 1);
	management_end(m);
	management_free(m);
}

/* Nothing waits longer for a server that does not say what it offers. */
static void
held(void **state)
{
	struct upstream_offer none = offer;
	struct management *m = management_new();
	struct stanza *st = stanza_copy(SLICE("<presence/>"), STANZA_PRESENCE);

	(void) state;
	none.awaits_features = true;
	management_up(m, &none, &st, 1000);
	assert_null(management_next_up(m));
	assert_true(management_queued(m) > 0);
	assert_true(management_deadline(m) == 11000);
	management_settle(m, &none, 10999);
	assert_null(management_next_up(m));
	management_settle(m, &none, 11000);
	says(m, "<presence/>");
	assert_true(management_deadline(m) == MS_NEVER);
	assert_int_equal(management_queued(m), 0);
	management_free(m);
	management_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_counts),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(begins_anew),
		cmocka_unit_test(held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
