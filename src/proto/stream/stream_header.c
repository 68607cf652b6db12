#include "proto/stream/stream_header.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "proto/xml/xml.h"

static char *
copy(struct slice s)
{
	return slice_is_set(s) ? xstrndup(s.p, s.n) : NULL;
}

void
stream_header_set(struct stream_header *h, struct slice to, struct slice from, struct slice lang, struct slice version,
	struct slice id)
{
	struct stream_header next = {copy(to), copy(from), copy(lang), copy(version), copy(id)};

	stream_header_fini(h);
	*h = next;
}

void
stream_header_fini(struct stream_header *h)
{
	free(h->to);
	free(h->from);
	free(h->lang);
	free(h->version);
	free(h->id);
	*h = (struct stream_header){NULL, NULL, NULL, NULL, NULL};
}

int
stream_header_attribute(struct buf *b, const char *name, const char *value)
{
	int error;

	if (value == NULL)
		return 0;
	if ((error = buf_printf(b, " %s='", name)) != 0 || (error = xml_escape(b, slice_str(value))) != 0)
		return error;
	return buf_append_char(b, '\'');
}
