#include "proto/bosh/parts.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "proto/bosh/body.h"

void
parts_note(struct parts *p, const struct stanza_queue *q)
{
	must(p->n == 0);
	if (q->count == 0)
		return;
	p->v = xmalloc(q->count * sizeof *p->v);
	for (const struct stanza *st = q->first; st != NULL; st = st->next)
		p->v[p->n++] = (struct part){st->kind, st->has_stream_prefix, st->is_returnable, st->n};
}

void
parts_fini(struct parts *p)
{
	free(p->v);
	*p = (struct parts){.v = NULL};
}

void
parts_count(const struct parts *p, struct stanza_tally *tally)
{
	for (size_t i = 0; i < p->n; i++)
		stanza_count(tally, p->v[i].kind, p->v[i].n);
	tally->returnable += parts_returnable(p);
}

size_t
parts_returnable(const struct parts *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].is_returnable;
	return n;
}

static size_t
sum(const struct parts *p)
{
	size_t bytes = 0;

	for (size_t i = 0; i < p->n; i++)
		bytes += p->v[i].n;
	return bytes;
}

void
parts_take_back(struct parts *p, struct slice answer, struct stanza_queue *q)
{
	struct slice end = SLICE(BODY_END);
	struct stanza_queue back;
	const char *at;

	must(answer.n >= sum(p) + end.n);
	at = answer.p + answer.n - end.n - sum(p);
	stanza_queue_init(&back);
	for (size_t i = 0; i < p->n; i++) {
		struct stanza *st = stanza_copy(slice_of(at, p->v[i].n), p->v[i].kind);
		st->has_stream_prefix = p->v[i].has_stream_prefix;
		st->is_returnable = p->v[i].is_returnable;
		at += st->n;
		stanza_queue_push(&back, &st);
	}
	stanza_queue_move(&back, q);
	stanza_queue_move(q, &back);
	parts_fini(p);
}
