/* front_bosh.h: BOSH as a front, and what only a BOSH front can be asked. */
#ifndef CULVERT_SESSION_FRONT_BOSH_H
#define CULVERT_SESSION_FRONT_BOSH_H

#include "base/hooks.h"
#include "proto/bosh/bosh.h"
#include "session/front.h"

/* hooks and trace must outlive it. */
void front_bosh_init(struct front *f, const struct conf *conf, const struct hooks *hooks, const char *sid,
	const struct trace *trace);
/* For requests and what happens to them; f must be BOSH. */
struct bosh *front_bosh(const struct front *f);

#endif
