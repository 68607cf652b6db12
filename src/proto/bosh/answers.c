#include "proto/bosh/answers.h"

#include <stdlib.h>

#include "base/fatal.h"

void
answers_fini(struct answers *a)
{
	while (answers_shift(a) != NULL)
		;
	free(a->v);
}

static void
push(struct answers *a, struct answer answer)
{
	if (a->first == a->n)
		a->first = a->n = 0;
	if (a->n == a->room) {
		a->room = a->room > 0 ? a->room * 2 : 4;
		a->v = xrealloc(a->v, a->room * sizeof *a->v);
	}
	a->v[a->n++] = answer;
}

void
answers_push(struct answers *a, struct req_id req, unsigned status, struct slice body)
{
	push(a, (struct answer){.req = req, .status = status, .body = body});
}

void
answers_push_cut(struct answers *a, struct req_id req)
{
	push(a, (struct answer){.req = req, .is_cut = true});
}

void
answers_push_own(struct answers *a, struct req_id req, unsigned status, char *body, size_t n)
{
	push(a, (struct answer){.req = req, .status = status, .body = slice_of(body, n), .own = body});
}

bool
answers_is_empty(const struct answers *a)
{
	return a->first == a->n;
}

const struct answer *
answers_shift(struct answers *a)
{
	struct answer *next;

	free(a->last);
	a->last = NULL;
	if (answers_is_empty(a))
		return NULL;
	next = &a->v[a->first++];
	a->last = next->own;
	return next;
}
