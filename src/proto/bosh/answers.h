/* answers.h: answers on their way to the client: a small queue that is emptied after each event. */
#ifndef CULVERT_PROTO_BOSH_ANSWERS_H
#define CULVERT_PROTO_BOSH_ANSWERS_H

#include <stdbool.h>

#include "base/req.h"
#include "base/slice.h"

#define ANSWER_LARGE 16384 /* bytes of an answer that are worth cutting a connection for */

struct answer {
	struct req_id req;
	bool is_cut;     /* there is none: the connection of the request is to be closed */
	unsigned status; /* of HTTP */
	struct slice body;
	char *own; /* what body points into when it is nobody else's */
};

struct answers {
	struct answer *v;
	unsigned n, first, room;
	char *last; /* of the answer that was taken last */
};

void answers_fini(struct answers *a);

/* body stays the caller's, and good until it is taken. */
void answers_push(struct answers *a, struct req_id req, unsigned status, struct slice body);
/* There is no answer. */
void answers_push_cut(struct answers *a, struct req_id req);
/* The body is malloc()ed, and now the queue's. */
void answers_push_own(struct answers *a, struct req_id req, unsigned status, char *body, size_t n);
bool answers_is_empty(const struct answers *a);
/* The next one, good until the next call; NULL when there is no more. */
const struct answer *answers_shift(struct answers *a);

#endif
