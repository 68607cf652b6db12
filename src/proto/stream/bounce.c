#include "proto/stream/bounce.h"

#include "base/buf.h"
#include "proto/xml/tag.h"

#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"

/* What of a stanza's start tag matters: values as they are written; the quote of each stands before it. */
struct envelope {
	struct slice from, id, type;
};

static struct envelope
read_envelope(struct slice s)
{
	struct envelope e = {.from = SLICE_NONE};
	struct slice name, value;

	slice_take_to(&s, " \t\r\n>");
	while (tag_attribute(&s, &name, &value)) {
		if (slice_eq(name, SLICE("from")))
			e.from = value;
		else if (slice_eq(name, SLICE("id")))
			e.id = value;
		else if (slice_eq(name, SLICE("type")))
			e.type = value;
	}
	return e;
}

/* Carbons and results of an archive: the messages in them have been delivered, or kept. */
static bool
is_copy(const struct stanza *st)
{
	static const char *const namespaces[] = {"urn:xmpp:carbons:", "urn:xmpp:mam:"};

	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
		if (memmem(st->bytes, st->n, namespaces[i], strlen(namespaces[i])) != NULL)
			return true;
	return false;
}

static struct stanza *
answer(const struct envelope *e, const char *name, const char *type, const char *condition, enum stanza_kind kind)
{
	struct stanza *st;
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_printf(&out, "<%s type='error' to=%c%.*s%c", name, e->from.p[-1], SLICE_ARG(e->from), e->from.p[-1]);
	if (slice_is_set(e->id))
		buf_printf(&out, " id=%c%.*s%c", e->id.p[-1], SLICE_ARG(e->id), e->id.p[-1]);
	buf_printf(&out, "><error type='%s'><%s xmlns='" NS_STANZAS "'/></error></%s>", type, condition, name);
	st = stanza_copy(buf_slice(&out), kind);
	buf_fini(&out);
	return st;
}

struct stanza *
bounce_of(const struct stanza *st)
{
	struct envelope e;

	if (st->kind != STANZA_MESSAGE && st->kind != STANZA_IQ)
		return NULL;
	e = read_envelope(stanza_slice(st));
	if (!slice_is_set(e.from) || e.from.n == 0)
		return NULL;
	if (st->kind == STANZA_IQ) {
		if (!slice_eq(e.type, SLICE("get")) && !slice_eq(e.type, SLICE("set")))
			return NULL;
		return answer(&e, "iq", "cancel", "service-unavailable", STANZA_IQ);
	}
	if (slice_eq(e.type, SLICE("error")) || slice_eq(e.type, SLICE("headline")) || is_copy(st))
		return NULL;
	return answer(&e, "message", "wait", "recipient-unavailable", STANZA_MESSAGE);
}
