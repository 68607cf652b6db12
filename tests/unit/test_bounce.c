#include "unit.h"

#include "proto/stream/bounce.h"

#define GONE \
	"><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
#define NONE "><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

static void
bounces(void **state)
{
	static const struct {
		enum stanza_kind kind;
		const char *text, *want;
	} rows[] = {
		{STANZA_MESSAGE, "<message from='a'/>", "<message type='error' to='a'" GONE},
		{STANZA_MESSAGE, "<message\n\tid = \"1\"\r\n from = 'a'  ><body type='error'/></message>",
			"<message type='error' to='a' id=\"1\"" GONE},
		{STANZA_MESSAGE, "<c:message xmlns:c='jabber:client' from='a' type='groupchat'/>",
			"<message type='error' to='a'" GONE},
		{STANZA_MESSAGE, "<message xml:from='x' x:id='y' from=\"a'b&lt;\" id='>'/>",
			"<message type='error' to=\"a'b&lt;\" id='>'" GONE},
		{STANZA_MESSAGE, "<message to='b' type='' from='a'><body>from='c'</body></message>",
			"<message type='error' to='a'" GONE},
		{STANZA_IQ, "<iq type='get' from='a' id='1'><query xmlns='u'/></iq>",
			"<iq type='error' to='a' id='1'" NONE},
		{STANZA_IQ, "<iq type='set' from='a' id=''/>", "<iq type='error' to='a' id=''" NONE},
		{STANZA_IQ, "<iq type='result' from='a' id='1'/>", NULL},
		{STANZA_IQ, "<iq from='a' id='1'/>", NULL},
		{STANZA_IQ, "<iq type='get' id='1'/>", NULL},
		{STANZA_MESSAGE, "<message/>", NULL},
		{STANZA_MESSAGE, "<message from=''/>", NULL},
		{STANZA_MESSAGE, "<message><a from='x'/></message>", NULL},
		{STANZA_MESSAGE, "<message from='a' type='error'/>", NULL},
		{STANZA_MESSAGE, "<message from='a' type=\"headline\"/>", NULL},
		{STANZA_MESSAGE, "<message from='a'><sent xmlns='urn:xmpp:carbons:2'/></message>", NULL},
		{STANZA_MESSAGE, "<message from='a'><result xmlns=\"urn:xmpp:mam:2\"/></message>", NULL},
		{STANZA_PRESENCE, "<presence from='a'/>", NULL},
		{STANZA_OTHER, "<message xmlns='u' from='a'/>", NULL},
		{STANZA_FEATURES, "<features from='a'/>", NULL},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stanza *st = stanza_copy(slice_str(rows[i].text), rows[i].kind);
		struct stanza *bounce = bounce_of(st);
		if (rows[i].want == NULL) {
			assert_row(bounce == NULL, rows[i].text);
		} else {
			assert_row(bounce != NULL && bounce->kind == rows[i].kind, rows[i].text);
			assert_slice(stanza_slice(bounce), rows[i].want);
		}
		stanza_free(st);
		stanza_free(bounce);
	}
}

/* Nothing is read beyond the bytes, wherever they end. */
static void
pieces(void **state)
{
	struct slice all = SLICE("<message id=\"1\" from = 'a' ><body/></message>");

	(void) state;
	for (size_t n = 0; n <= all.n; n++) {
		struct stanza *st = stanza_copy(slice_of(all.p, n), STANZA_MESSAGE);
		stanza_free(bounce_of(st));
		stanza_free(st);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounces),
		cmocka_unit_test(pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
