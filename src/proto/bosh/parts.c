#include "proto/bosh/parts.h"

#include <stdlib.h>

#include "base/fatal.h"

void
parts_note(struct parts *p, const struct stanza_queue *q)
{
	must(p->n == 0);
	if (q->count == 0)
		return;
	p->v = xmalloc(q->count * sizeof *p->v);
	for (const struct stanza *st = q->first; st != NULL; st = st->next)
		p->v[p->n++] = (struct part){st->kind, st->n};
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
}
