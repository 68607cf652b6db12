#include "proto/stream/envelope.h"

#include "proto/xml/markup.h"
#include "proto/xml/tag.h"

struct envelope
envelope_read(struct slice s)
{
	struct envelope e = {.from = SLICE_NONE, .to = SLICE_NONE, .id = SLICE_NONE, .type = SLICE_NONE};
	struct slice name, value;

	slice_take_to(&s, " \t\r\n>");
	while (tag_attribute(&s, &name, &value)) {
		if (slice_eq(name, SLICE("from")))
			e.from = value;
		else if (slice_eq(name, SLICE("to")))
			e.to = value;
		else if (slice_eq(name, SLICE("id")))
			e.id = value;
		else if (slice_eq(name, SLICE("type")))
			e.type = value;
	}
	return e;
}

enum stanza_kind
envelope_kind(struct slice tag)
{
	struct slice name = slice_take_to(&tag, " \t\r\n/>");

	if (slice_eq(name, SLICE("<message")))
		return STANZA_MESSAGE;
	if (slice_eq(name, SLICE("<presence")))
		return STANZA_PRESENCE;
	return slice_eq(name, SLICE("<iq")) ? STANZA_IQ : STANZA_OTHER;
}

/* Does this start tag declare a namespace of copies? */
static bool
declares_copy(struct slice tag)
{
	struct slice name, value;

	slice_take_to(&tag, " \t\r\n/>");
	while (tag_attribute(&tag, &name, &value))
		if (slice_has_prefix(name, SLICE("xmlns")) &&
			(slice_has_prefix(value, SLICE("urn:xmpp:carbons:")) ||
				slice_has_prefix(value, SLICE("urn:xmpp:mam:"))))
			return true;
	return false;
}

/* The same, of the children of a whole element. */
static bool
has_copy(struct slice s)
{
	const char *p = s.p, *end = s.p + s.n;
	unsigned depth = 0;

	while (p < end && (p = memchr(p, '<', (size_t) (end - p))) != NULL) {
		struct markup m = {.kind = MARKUP_UNFINISHED};
		const char *from = p;
		p = markup_feed(&m, p, end);
		if (m.kind == MARKUP_UNFINISHED)
			return false;
		if (depth == 1 && (m.kind == MARKUP_START || m.kind == MARKUP_EMPTY) &&
			declares_copy(slice_of(from, (size_t) (p - from))))
			return true;
		depth += m.kind == MARKUP_START;
		depth -= m.kind == MARKUP_END && depth > 0;
	}
	return false;
}

/* Hardly any element names such a namespace: then there is nothing to go through. */
bool
envelope_is_copy(const struct stanza *st)
{
	const char *p = st->bytes, *end = p + st->n;

	while ((p = memchr(p, ':', (size_t) (end - p))) != NULL) {
		struct slice rest = slice_of(p, (size_t) (end - p));
		if (slice_has_prefix(rest, SLICE(":xmpp:carbons:")) || slice_has_prefix(rest, SLICE(":xmpp:mam:")))
			return has_copy(stanza_slice(st));
		p++;
	}
	return false;
}

bool
envelope_is_returnable(const struct stanza *st)
{
	static const char *const others[] = {"error", "groupchat", "headline"};
	struct envelope e;

	if (st->kind != STANZA_MESSAGE)
		return false;
	e = envelope_read(stanza_slice(st));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (slice_eq(e.type, slice_str(others[i])))
			return false;
	return !envelope_is_copy(st);
}
