#include "proto/bosh/content.h"

#include <string.h>

static const char *const names[CONTENTS] = {
	[CONTENT_TEXT_XML] = "text/xml; charset=utf-8",
	[CONTENT_APPLICATION_XML] = "application/xml; charset=utf-8",
	[CONTENT_TEXT_PLAIN] = "text/plain; charset=utf-8",
};

/*
 * DEVIATES: XEP-0124, 7.1 has any value that the client writes into "content"
 * appear in the responses.
 */
enum content
content_read(struct slice wanted)
{
	struct slice type, parameters;

	slice_cut(wanted, ';', &type, &parameters);
	type = slice_trim(type);
	for (unsigned i = 0; i < CONTENTS; i++)
		if (slice_eq_nocase(type, slice_of(names[i], strcspn(names[i], ";"))))
			return (enum content) i;
	return CONTENT_TEXT_XML;
}

const char *
content_name(enum content content)
{
	return names[content];
}
