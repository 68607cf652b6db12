/*
 * state.h: a step from one state to the next.  Each machine has a table of
 * its states: what they are called, and what may come next.
 *
 *      static const struct state states[] = {
 *              [DOOR_SHUT] = {"shut", STEP(DOOR_OPEN)},
 *              [DOOR_OPEN] = {"open", STEP(DOOR_SHUT)},
 *      };
 *
 * A step that is not there is our mistake.  One that is becomes a line of the
 * log, like `state session=7 door="shut -> open"`, or `state session=7 rid=1001
 * request="held -> answered"` for a part of something.
 */
#ifndef CULVERT_BASE_STATE_H
#define CULVERT_BASE_STATE_H

#include <stdint.h>

#include "base/fatal.h"
#include "base/log.h"

struct state {
	const char *name;
	unsigned next; /* STEP() of each */
};

#define STEP(to) (1u << (to))

/* Whose states they are, for the log; log may be NULL. */
struct trace {
	const struct log *log;
	const char *kind; /* "session" */
	uint64_t number;
	const struct trace *of; /* what it is a part of; NULL: nothing */
};

/* From one state to another, or to where it is already, which is no step. */
static inline void
state_step(const struct state *states, const char *machine, const struct trace *trace, unsigned from, unsigned to)
{
	if (from == to)
		return;
	must((states[from].next & STEP(to)) != 0);
	if (!log_is_on(trace->log, LOG_DEBUG))
		return;
	if (trace->of == NULL)
		log_event(trace->log, LOG_DEBUG, "state", "%s=%llu %s=\"%s -> %s\"", trace->kind,
			(unsigned long long) trace->number, machine, states[from].name, states[to].name);
	else
		log_event(trace->log, LOG_DEBUG, "state", "%s=%llu %s=%llu %s=\"%s -> %s\"", trace->of->kind,
			(unsigned long long) trace->of->number, trace->kind, (unsigned long long) trace->number,
			machine, states[from].name, states[to].name);
}

#endif
