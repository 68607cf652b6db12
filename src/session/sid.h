/*
 * sid.h: session ids.  A sid says which worker of which process owns the
 * session, and is otherwise 128 random bits:
 *
 *      n.1f3c9a.2.0f1e2d3c4b5a69788796a5b4c3d2e1f0
 *      | |      | `- random, hexadecimal
 *      | |      `- worker
 *      | `- generation of the process, hexadecimal
 *      `- node
 *
 * It is a bearer secret: it is never logged.
 */
#ifndef CULVERT_SESSION_SID_H
#define CULVERT_SESSION_SID_H

#include <stdint.h>

#include "base/hooks.h"
#include "base/slice.h"

#define SID_MAX 80 /* room for a sid, with its NUL */

struct sid_prefix {
	const char *node;    /* at most 16 letters and digits */
	uint32_t generation; /* of the process: differs at each start */
};

/* Writes a new sid for a session of the worker. */
void sid_make(char out[SID_MAX], const struct sid_prefix *prefix, unsigned worker, const struct hooks *hooks);

/* Which worker owns it.  False when it is no sid of this process. */
bool sid_worker(struct slice sid, const struct sid_prefix *prefix, unsigned *worker);

#endif
