#include "unit.h"

#include "proto/closing.h"

/* XEP-0124, 17.2 */
static const char *const conditions[] = {"bad-request", "host-gone", "host-unknown", "improper-addressing",
	"internal-server-error", "item-not-found", "other-request", "policy-violation", "remote-connection-failed",
	"remote-stream-error", "see-other-uri", "system-shutdown", "undefined-condition"};

/* RFC 6120, 4.9.3 */
static const char *const errors[] = {"bad-format", "bad-namespace-prefix", "conflict", "connection-timeout",
	"host-gone", "host-unknown", "improper-addressing", "internal-server-error", "invalid-from",
	"invalid-namespace", "invalid-xml", "not-authorized", "not-well-formed", "policy-violation",
	"remote-connection-failed", "reset", "resource-constraint", "restricted-xml", "see-other-host",
	"system-shutdown", "undefined-condition", "unsupported-encoding", "unsupported-feature",
	"unsupported-stanza-type", "unsupported-version"};

/* RFC 6455, 7.4.1: what an endpoint may send; and 1013, "try again later", of the registry (11.7). */
static const unsigned codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1013};

static bool
is_among(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static void
rows_say_what_the_documents_define(void **state)
{
	(void) state;
	for (unsigned i = 0; i < CLOSING_REASONS; i++) {
		const struct closing_row *row = closing_row(i);
		bool has_code = false;
		assert_non_null(row);
		assert_non_null(row->name);
		assert_true(row->text != NULL && row->text[0] != '\0');
		assert_true(row->level < LOG_LEVELS);
		assert_row(
			row->condition == NULL || is_among(row->condition, conditions, COUNT(conditions)), row->name);
		assert_row(row->error == NULL || is_among(row->error, errors, COUNT(errors)), row->name);
		for (size_t c = 0; c < COUNT(codes); c++)
			has_code = has_code || codes[c] == row->ws_code;
		assert_row(has_code, row->name);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(closing_row(k)->name, row->name);
	}
}

static void
rows_are_found_by_their_reason(void **state)
{
	(void) state;
	assert_int_equal(CLOSING_NONE, 0);
	assert_string_equal(closing_row(CLOSING_NONE)->name, "NONE");
	assert_string_equal(closing_row(CLOSING_RID_WINDOW)->name, "RID_WINDOW");
	assert_string_equal(closing_row(CLOSING_SHUTDOWN)->name, "SHUTDOWN");
	/* The error must not teach a guesser where the window is (XEP-0124, 14.3). */
	assert_string_equal(closing_row(CLOSING_RID_WINDOW)->condition, closing_row(CLOSING_RID_FORGOTTEN)->condition);
	assert_string_equal(closing_row(CLOSING_RID_WINDOW)->condition, "item-not-found");
}

/* What happens behind us is for the log; and a closing frame has room for 123 bytes. */
static void
texts_for_clients(void **state)
{
	(void) state;
	for (unsigned i = 0; i < CLOSING_REASONS; i++) {
		const char *text = closing_text(i);
		assert_row(text == NULL || strlen(text) <= 123, closing_row(i)->name);
		assert_row(text == NULL || strstr(text, "domain's") == NULL, closing_row(i)->name);
	}
	assert_string_equal(closing_text(CLOSING_HOST_UNKNOWN), "domain not configured");
	assert_null(closing_text(CLOSING_CLIENT_CLOSED));
	assert_null(closing_text(CLOSING_SERVER_TLS));
	assert_null(closing_text(CLOSING_CONNECT_FAILED));
}

static void
results_of_the_parser(void **state)
{
	(void) state;
	assert_int_equal(closing_of_xml(XML_OK), CLOSING_NONE);
	assert_int_equal(closing_of_xml(XML_STOPPED), CLOSING_NONE);
	assert_int_equal(closing_of_xml(XML_MALFORMED), CLOSING_MALFORMED);
	assert_int_equal(closing_of_xml(XML_RESTRICTED), CLOSING_RESTRICTED);
	assert_int_equal(closing_of_xml(XML_TEXT), CLOSING_BAD_BODY);
	assert_int_equal(closing_of_xml(XML_TOO_BIG), CLOSING_TOO_BIG);
	assert_int_equal(closing_of_xml(XML_TOO_DEEP), CLOSING_TOO_DEEP);
	assert_int_equal(closing_of_xml(XML_NO_ROOM), CLOSING_NO_ROOM);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_say_what_the_documents_define),
		cmocka_unit_test(rows_are_found_by_their_reason),
		cmocka_unit_test(texts_for_clients),
		cmocka_unit_test(results_of_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
