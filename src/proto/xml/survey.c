#include "proto/xml/survey.h"

#include <string.h>

#include "proto/xml/markup.h"

bool
survey(struct slice bytes, unsigned depth, struct plain_text *text)
{
	const char *p = bytes.p, *end = p + bytes.n;
	size_t elements = 0, work = 0, longest = 0;
	unsigned open = 0;

	while (p < end) {
		struct markup m = {.kind = MARKUP_UNFINISHED};
		const char *next = memchr(p, '<', (size_t) (end - p)), *to;
		if (next == NULL)
			return true;
		if (open >= depth && next - p >= PLAIN_TEXT_MIN)
			plain_text_find(text, bytes.p, p, next, false);
		to = markup_feed(&m, next, end);
		switch ((enum markup_kind) m.kind) {
		case MARKUP_START:
			elements += ++open == depth;
			break;
		case MARKUP_EMPTY:
			elements += open + 1 == depth;
			break;
		case MARKUP_END:
			if (open == 0)
				return true;
			open--;
			break;
		case MARKUP_CDATA:
			if (open >= depth && to - next > PLAIN_TEXT_MIN)
				plain_text_find(
					text, bytes.p, next + sizeof "<![CDATA[" - 1, to - (sizeof "]]>" - 1), true);
			break;
		case MARKUP_DECLARATION:
			break;
		case MARKUP_TOO_MANY:
			return false;
		case MARKUP_UNFINISHED:
		case MARKUP_RESTRICTED:
		case MARKUP_MALFORMED:
			return true;
		}
		p = to;
		work += markup_work(&m, &longest);
		if (markup_has_too_many(elements, (size_t) (p - bytes.p)) || markup_is_too_much(work, bytes.n))
			return false;
	}
	return true;
}
