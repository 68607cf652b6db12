/*
 * spawn.h: starts serving processes: this program again, from the file that
 * runs now, with a memory of its own.  It inherits nothing but the arguments,
 * the environment, standard output and error, and one end of a channel.
 */
#ifndef CULVERT_WORKER_SPAWN_H
#define CULVERT_WORKER_SPAWN_H

#include <sys/types.h>

#include "base/buf.h"
#include "worker/account.h"

struct spawn;

/* argv are the arguments of this process, which must outlive it. */
struct spawn *spawn_new(int argc, char **argv);
void spawn_free(struct spawn *s);

/*
 * A process that runs as who.  *channel is our end, the caller's.  -1, with a
 * line without its end in error, when there is none; one that fails later says
 * so itself, on standard error, and its status is 1.
 */
pid_t spawn_start(struct spawn *s, const struct account *who, int *channel, struct buf *error);

#endif
