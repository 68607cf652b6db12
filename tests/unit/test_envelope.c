#include "unit.h"

#include "proto/stream/envelope.h"

static void
reads(void **state)
{
	struct envelope e = envelope_read(SLICE("<message from = 'a'\n to=\"b'c\" id='' x:type='y'><body type='z'/>"));

	(void) state;
	assert_slice(e.from, "a");
	assert_slice(e.to, "b'c");
	assert_int_equal(envelope_quote(e.to), '"');
	assert_true(slice_is_set(e.id) && e.id.n == 0);
	assert_false(slice_is_set(e.type));
}

static void
kinds(void **state)
{
	(void) state;
	assert_int_equal(envelope_kind(SLICE("<message>")), STANZA_MESSAGE);
	assert_int_equal(envelope_kind(SLICE("<presence/>")), STANZA_PRESENCE);
	assert_int_equal(envelope_kind(SLICE("<iq\ntype='get'")), STANZA_IQ);
	assert_int_equal(envelope_kind(SLICE("<messages>")), STANZA_OTHER);
	assert_int_equal(envelope_kind(SLICE("<c:iq>")), STANZA_OTHER);
	assert_int_equal(envelope_kind(SLICE("")), STANZA_OTHER);
}

static void
returnable(void **state)
{
	static const struct {
		enum stanza_kind kind;
		bool is_returnable;
		const char *text;
	} rows[] = {
		{STANZA_MESSAGE, true, "<message/>"},
		{STANZA_MESSAGE, true, "<message type='chat'><body>hi</body></message>"},
		{STANZA_MESSAGE, true, "<message type='normal'/>"},
		{STANZA_MESSAGE, true, "<message type='of my own'/>"},
		{STANZA_MESSAGE, false, "<message type='error'/>"},
		{STANZA_MESSAGE, false, "<message type='groupchat'/>"},
		{STANZA_MESSAGE, false, "<message type=\"headline\"/>"},
		{STANZA_MESSAGE, false, "<message><received xmlns='urn:xmpp:carbons:2'><f/></received></message>"},
		{STANZA_MESSAGE, false, "<message><a><b/></a><c:sent xmlns:c=\"urn:xmpp:carbons:2\"/></message>"},
		{STANZA_MESSAGE, false, "<message><result id='1' xmlns='urn:xmpp:mam:2'/></message>"},
		/* It is written in a text, in an attribute, or deeper than a server puts it. */
		{STANZA_MESSAGE, true, "<message><body>xmlns='urn:xmpp:carbons:2'</body></message>"},
		{STANZA_MESSAGE, true,
			"<message><body><![CDATA[<sent xmlns='urn:xmpp:carbons:2'/>]]></body></message>"},
		{STANZA_MESSAGE, true, "<message><body a='urn:xmpp:mam:2'/></message>"},
		{STANZA_MESSAGE, true, "<message><x><sent xmlns='urn:xmpp:carbons:2'/></x></message>"},
		{STANZA_PRESENCE, false, "<presence/>"},
		{STANZA_IQ, false, "<iq type='get'/>"},
		{STANZA_OTHER, false, "<message xmlns='urn:x'/>"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stanza *st = stanza_copy(slice_str(rows[i].text), rows[i].kind);
		assert_row(envelope_is_returnable(st) == rows[i].is_returnable, rows[i].text);
		stanza_free(st);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(kinds),
		cmocka_unit_test(returnable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
