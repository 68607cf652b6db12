/*
 * accept.h: one thread owns all listeners and deals accepted sockets to the
 * workers in turn.
 */
#ifndef CULVERT_WORKER_ACCEPT_H
#define CULVERT_WORKER_ACCEPT_H

#include "base/log.h"
#include "base/sockets.h"
#include "conf/listeners.h"
#include "session/counters.h"
#include "worker/mailbox.h"

struct acceptor;

/*
 * Takes over the sockets of the listeners, which must outlive it: fd[i] is that
 * of the i-th.  Each is logged with its address and port, and what is accepted
 * carries its index.  What it refuses it counts: the counters are its own.
 */
struct acceptor *acceptor_new(struct listeners *listeners, const int *fd, struct mailbox *const *mailboxes,
	unsigned n_mailboxes, struct sockets *sockets, struct counters *counters, const struct log *log);
/* Starts the thread; 0 or CV_ESYS. */
int acceptor_start(struct acceptor *a);
/* Closes the listeners, ends the thread and frees; NULL is fine. */
void acceptor_stop(struct acceptor *a);

#endif
