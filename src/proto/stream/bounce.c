#include "proto/stream/bounce.h"

#include "base/buf.h"
#include "proto/stream/envelope.h"

#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_CLIENT "jabber:client"

/* What an error says: its type and condition (RFC 6120, 8.3). */
struct trouble {
	const char *type, *condition;
};

static const struct trouble gone = {"wait", "recipient-unavailable"}, cannot = {"cancel", "service-unavailable"},
			    too_large = {"modify", "policy-violation"}, unsent = {"wait", "remote-server-timeout"};

static void
append_attribute(struct buf *out, const char *name, struct slice value)
{
	char quote;

	if (!slice_is_set(value))
		return;
	quote = envelope_quote(value);
	buf_printf(out, " %s=%c%.*s%c", name, quote, SLICE_ARG(value), quote);
}

/* way: "to" towards a server; "from" towards a client, who knows its own address, but no namespace that is not written. */
static struct stanza *
answer(enum stanza_kind kind, const char *way, struct slice whom, struct slice id, const struct trouble *t)
{
	const char *name = kind == STANZA_IQ ? "iq" : "message";
	struct stanza *st;
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_printf(&out, "<%s%s type='error'", name, way[0] == 'f' ? " xmlns='" NS_CLIENT "'" : "");
	append_attribute(&out, way, whom);
	append_attribute(&out, "id", id);
	buf_printf(&out, "><error type='%s'><%s xmlns='" NS_STANZAS "'/></error></%s>", t->type, t->condition, name);
	st = stanza_copy(buf_slice(&out), kind);
	buf_fini(&out);
	return st;
}

/* May an element of this kind and type be answered with an error? */
static bool
has_answer(enum stanza_kind kind, struct slice type)
{
	if (kind == STANZA_IQ)
		return slice_eq(type, SLICE("get")) || slice_eq(type, SLICE("set"));
	return kind == STANZA_MESSAGE && !slice_eq(type, SLICE("error")) && !slice_eq(type, SLICE("headline"));
}

struct stanza *
bounce_of(const struct stanza *st)
{
	struct envelope e = envelope_read(stanza_slice(st));

	if (!has_answer(st->kind, e.type) || !slice_is_set(e.from) || e.from.n == 0)
		return NULL;
	if (st->kind == STANZA_IQ)
		return answer(STANZA_IQ, "to", e.from, e.id, &cannot);
	return envelope_is_copy(st) ? NULL : answer(STANZA_MESSAGE, "to", e.from, e.id, &gone);
}

struct stanza *
bounce_too_large(struct slice tag)
{
	struct envelope e = envelope_read(tag);
	enum stanza_kind kind = envelope_kind(tag);

	if (!has_answer(kind, e.type) || !slice_is_set(e.from) || e.from.n == 0)
		return NULL;
	return answer(kind, "to", e.from, e.id, &too_large);
}

struct stanza *
bounce_unsent(const struct stanza *st)
{
	struct envelope e = envelope_read(stanza_slice(st));

	if (!has_answer(st->kind, e.type))
		return NULL;
	return answer(st->kind, "from", e.to, e.id, &unsent);
}
