/*
 * context.h: what all parts of a worker share.  One for each worker, in its
 * thread; the parts keep a pointer to it and ask it each time.
 *
 * A reload is one assignment to conf, and a call to those parts that have state
 * of their own made of it.  Nobody else keeps a pointer into the configuration
 * over a turn of the loop but who holds a reference: a session keeps the one it
 * began with, for as long as it lives.
 */
#ifndef CULVERT_SESSION_CONTEXT_H
#define CULVERT_SESSION_CONTEXT_H

#include "base/budget.h"
#include "base/hooks.h"
#include "base/log.h"
#include "base/req.h"
#include "base/sockets.h"
#include "conf/conf.h"
#include "conf/listeners.h"
#include "session/admission.h"

struct context {
	const struct conf *conf;
	const struct listeners *listeners; /* of the process: a reload leaves them */
	const char *node;                  /* the same */
	struct owner self;
	unsigned n_workers;
	uint64_t first_number; /* of sessions: so that they differ from those of an earlier process */
	const struct hooks *hooks;
	const struct log *log;
	struct counters *counters;
	struct quota *quota; /* of the process */
	struct budget budget;
	struct sockets *sockets; /* of the process; only who holds sockets asks */
};

static inline struct admission
context_admission(const struct context *c)
{
	return (struct admission){c->quota, c->log, c->counters};
}

/* Another configuration.  The reference is the caller's. */
static inline void
context_set_conf(struct context *c, const struct conf *conf)
{
	c->conf = conf;
	quota_set_rules(c->quota, conf->limits.quota);
}

#endif
