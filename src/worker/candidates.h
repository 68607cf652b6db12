/*
 * candidates.h: the servers of each domain in the order in which a session
 * would try them, for a check: as they are written, or as DNS has them now.
 */
#ifndef CULVERT_WORKER_CANDIDATES_H
#define CULVERT_WORKER_CANDIDATES_H

#include "base/hooks.h"
#include "conf/conf.h"
#include "io/dns.h"

struct candidates {
	struct conf_target *target;
	struct srv_record *record; /* of each target, where DNS has them; NULL: there are none */
	size_t n;
	char *remark; /* what DNS said; NULL: it was not asked */
};

/* One for each domain of conf, in its order.  Runs the loop until DNS has answered.  hooks: random. */
struct candidates *
candidates_find(const struct conf *conf, uv_loop_t *loop, struct dns *dns, const struct hooks *hooks);
/* c: what that returned. */
void candidates_free(struct candidates *c, const struct conf *conf);

#endif
