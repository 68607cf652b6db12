#include "proto/closing.h"

#include <string.h>

#include "base/fatal.h"

const struct closing_row *
closing_row(enum closing reason)
{
	static const struct closing_row row[CLOSING_REASONS] = {
#define X(name, condition, error, code, level, text) {#name, condition, error, code, level, text},
		CLOSING_ROWS(X)
#undef X
	};

	must(reason < CLOSING_REASONS);
	return &row[reason];
}

const char *
closing_text(enum closing reason)
{
	const struct closing_row *row = closing_row(reason);

	if (row->error == NULL || strcmp(row->error, "remote-connection-failed") == 0)
		return NULL;
	return row->text;
}

enum closing
closing_of_xml(enum xml_result result)
{
	static const enum closing closings[] = {
		[XML_OK] = CLOSING_NONE,
		[XML_STOPPED] = CLOSING_NONE,
		[XML_MALFORMED] = CLOSING_MALFORMED,
		[XML_RESTRICTED] = CLOSING_RESTRICTED,
		[XML_TEXT] = CLOSING_BAD_BODY,
		[XML_TOO_BIG] = CLOSING_TOO_BIG,
		[XML_TOO_DEEP] = CLOSING_TOO_DEEP,
		[XML_NO_ROOM] = CLOSING_NO_ROOM,
	};

	must(result != XML_MORE);
	return closings[result];
}

unsigned
closing_http_status(enum closing reason)
{
	static const struct {
		const char *condition;
		unsigned status;
	} superseded[] = {
		{"bad-request", 400},
		{"policy-violation", 403},
		{"item-not-found", 404},
	};
	const char *condition = closing_row(reason)->condition;

	for (size_t i = 0; condition != NULL && i < sizeof superseded / sizeof *superseded; i++)
		if (strcmp(condition, superseded[i].condition) == 0)
			return superseded[i].status;
	return 200;
}
