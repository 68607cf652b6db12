#include "proto/stream/answered.h"

#include "proto/stream/envelope.h"

/* The character that a predefined entity stands for; s goes on behind it. */
static char
take_character(struct slice *s)
{
	static const struct {
		struct slice name;
		char is;
	} entities[] = {{SLICE_INIT("&amp;"), '&'}, {SLICE_INIT("&lt;"), '<'}, {SLICE_INIT("&gt;"), '>'},
		{SLICE_INIT("&apos;"), '\''}, {SLICE_INIT("&quot;"), '"'}};
	char c = s->p[0];
	size_t n = 1;

	for (size_t i = 0; c == '&' && i < sizeof entities / sizeof *entities; i++) {
		if (slice_has_prefix(*s, entities[i].name)) {
			c = entities[i].is;
			n = entities[i].name.n;
		}
	}
	*s = slice_of(s->p + n, s->n - n);
	return c;
}

/* FNV-1a, of a value as it is meant: each side quotes in its own way. */
static uint64_t
hash_value(uint64_t h, struct slice value)
{
	while (value.n > 0)
		h = (h ^ (unsigned char) take_character(&value)) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u; /* no byte of UTF-8: here a value ends */
}

/* Never 0. */
static uint64_t
name_of(struct slice whom, struct slice id)
{
	return hash_value(hash_value(14695981039346656037u, whom), id) | 1;
}

static bool
is_request(const struct stanza *st, const struct envelope *e)
{
	return st->kind == STANZA_IQ && (slice_eq(e->type, SLICE("get")) || slice_eq(e->type, SLICE("set")));
}

bool
answered_is_answer(const struct stanza *st)
{
	struct envelope e;

	if (st->kind != STANZA_IQ)
		return false;
	e = envelope_read(stanza_slice(st));
	return slice_eq(e.type, SLICE("result")) || slice_eq(e.type, SLICE("error"));
}

void
answered_note(struct answered *a, const struct stanza *answer)
{
	struct envelope e = envelope_read(stanza_slice(answer));

	a->v[a->next] = name_of(e.to, e.id);
	a->next = (a->next + 1) % ANSWERED_MAX;
}

void
answered_ask(struct answered *a, const struct stanza *st)
{
	struct envelope e = envelope_read(stanza_slice(st));
	uint64_t name;

	if (!is_request(st, &e))
		return;
	name = name_of(e.from, e.id);
	for (unsigned i = 0; i < ANSWERED_MAX; i++)
		if (a->v[i] == name)
			a->v[i] = 0;
}

bool
answered_has(const struct answered *a, const struct stanza *st)
{
	struct envelope e = envelope_read(stanza_slice(st));
	uint64_t name;

	if (a == NULL || !is_request(st, &e))
		return false;
	name = name_of(e.from, e.id);
	for (unsigned i = 0; i < ANSWERED_MAX; i++)
		if (a->v[i] == name)
			return true;
	return false;
}
