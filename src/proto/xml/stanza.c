#include "proto/xml/stanza.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wipe.h"

struct stanza *
stanza_new(size_t n, enum stanza_kind kind)
{
	struct stanza *st = xmalloc(sizeof *st + n);

	st->next = NULL;
	st->n = n;
	st->kind = kind;
	st->has_stream_prefix = st->is_returnable = false;
	return st;
}

struct stanza *
stanza_copy(struct slice bytes, enum stanza_kind kind)
{
	struct stanza *st = stanza_new(bytes.n, kind);

	if (bytes.n > 0)
		memcpy(st->bytes, bytes.p, bytes.n);
	return st;
}

void
stanza_free(struct stanza *st)
{
	if (st == NULL)
		return;
	wipe(st->bytes, st->n);
	free(st);
}

void
stanza_queue_init(struct stanza_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
	q->count = 0;
	q->bytes = 0;
}

void
stanza_queue_fini(struct stanza_queue *q)
{
	struct stanza *st;

	while ((st = stanza_queue_shift(q)) != NULL)
		stanza_free(st);
}

void
stanza_queue_push(struct stanza_queue *q, struct stanza **st)
{
	struct stanza *mine = *st;

	*st = NULL;
	mine->next = NULL;
	*q->end = mine;
	q->end = &mine->next;
	q->count++;
	q->bytes += mine->n;
}

void
stanza_queue_push_mark(struct stanza_queue *q, enum stanza_kind kind)
{
	struct stanza *mark = stanza_new(0, kind);

	stanza_queue_push(q, &mark);
}

struct stanza *
stanza_queue_shift(struct stanza_queue *q)
{
	struct stanza *st = q->first;

	if (st == NULL)
		return NULL;
	q->first = st->next;
	if (q->first == NULL)
		q->end = &q->first;
	st->next = NULL;
	q->count--;
	q->bytes -= st->n;
	return st;
}

void
stanza_queue_move(struct stanza_queue *to, struct stanza_queue *from)
{
	if (from->first == NULL)
		return;
	*to->end = from->first;
	to->end = from->end;
	to->count += from->count;
	to->bytes += from->bytes;
	stanza_queue_init(from);
}
