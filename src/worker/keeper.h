/*
 * keeper.h: the process whose pid is culvert's.  It opens the listeners, reads
 * the configuration and the files that are named there, and starts a serving
 * process (main.c) as conf.user, to which it hands all that (handover.h).  So
 * root's rights, if there are any, stay where nothing from the network is read.
 *
 *      SIGTERM, SIGINT   the listeners are closed; the signal goes on; who serves ends, and so do we, as it did
 *      SIGHUP, control.h everything is read again and handed over; what is wrong changes nothing
 *      SIGUSR1           goes on
 *      a serving process that ends by itself is replaced, at once at first, then after longer and longer pauses
 *
 * Nothing here assumes that there is only one serving process.
 */
#ifndef CULVERT_WORKER_KEEPER_H
#define CULVERT_WORKER_KEEPER_H

#include "worker/options.h"

/*
 * Runs until it is told to end; argv is what a serving process gets, too.
 * Takes over what o has.  Returns the exit status; when nothing could be
 * started, the reason has been written to standard error.
 */
int keeper_run(int argc, char **argv, struct options *o);

#endif
