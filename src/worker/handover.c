#include "worker/handover.h"

#include "base/fatal.h"
#include "base/octets.h"
#include "io/whole_file.h"

bool
handover_is_answer(enum handover_kind kind)
{
	return kind == HANDOVER_READY || kind == HANDOVER_RELOADED || kind == HANDOVER_REFUSED;
}

unsigned
handover_descriptors(enum handover_kind kind)
{
	return kind == HANDOVER_LISTENER || kind == HANDOVER_LOG;
}

static bool
has_text(enum handover_kind kind)
{
	return kind == HANDOVER_FILE || kind == HANDOVER_RELOADED || kind == HANDOVER_REFUSED;
}

/* How many bytes may follow a head. */
static size_t
most(enum handover_kind kind)
{
	switch (kind) {
	case HANDOVER_FILE:
		return 2 + HANDOVER_NAME_MAX + 4 + WHOLE_FILE_MAX;
	case HANDOVER_LISTENER:
		return 4;
	case HANDOVER_RELOADED:
	case HANDOVER_REFUSED:
		return 4 + HANDOVER_WORDS_MAX;
	default:
		return 0;
	}
}

size_t
handover_size(const struct handover *h)
{
	switch (h->kind) {
	case HANDOVER_FILE:
		return HANDOVER_HEAD + 2 + h->name.n + 4 + h->text.n;
	case HANDOVER_LISTENER:
		return HANDOVER_HEAD + 4;
	case HANDOVER_RELOADED:
	case HANDOVER_REFUSED:
		return HANDOVER_HEAD + 4 + h->text.n;
	default:
		return HANDOVER_HEAD;
	}
}

void
handover_write(const struct handover *h, char *out)
{
	size_t n = handover_size(h) - HANDOVER_HEAD;
	const char *end = out + HANDOVER_HEAD + n;

	must(h->name.n <= HANDOVER_NAME_MAX && n <= most(h->kind));
	out = octets_put_number(out, HANDOVER_VERSION, 1);
	out = octets_put_number(out, h->kind, 1);
	out = octets_put_number(out, handover_descriptors(h->kind), 1);
	out = octets_put_number(out, n, 4);
	if (h->kind == HANDOVER_FILE)
		out = octets_put_text(out, h->name, 2);
	if (has_text(h->kind))
		out = octets_put_text(out, h->text, 4);
	else if (h->kind == HANDOVER_LISTENER)
		out = octets_put_number(out, h->index, 4);
	must(out == end);
}

bool
handover_read_head(const char *head, enum handover_kind *kind, size_t *n)
{
	struct octets o = {.rest = slice_of(head, HANDOVER_HEAD)};
	unsigned version = (unsigned) octets_take_number(&o, 1);
	unsigned descriptors;

	*kind = (enum handover_kind) octets_take_choice(&o, 1, HANDOVER_KINDS);
	descriptors = (unsigned) octets_take_number(&o, 1);
	*n = (size_t) octets_take_number(&o, 4);
	return version == HANDOVER_VERSION && !o.is_bad && *kind != HANDOVER_NONE &&
		descriptors == handover_descriptors(*kind) && *n <= most(*kind);
}

bool
handover_read(enum handover_kind kind, struct slice rest, struct handover *h)
{
	struct octets o = {.rest = rest};

	*h = (struct handover){.kind = kind, .name = SLICE(""), .text = SLICE("")};
	if (kind == HANDOVER_FILE)
		h->name = octets_take_text(&o, 2);
	if (has_text(kind))
		h->text = octets_take_text(&o, 4);
	else if (kind == HANDOVER_LISTENER)
		h->index = (uint32_t) octets_take_number(&o, 4);
	if (memchr(h->name.p, '\0', h->name.n) != NULL)
		o.is_bad = true;
	return !o.is_bad && o.rest.n == 0;
}
