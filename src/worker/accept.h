/*
 * accept.h: one thread owns all listeners and deals accepted sockets to the
 * workers in turn.
 */
#ifndef CULVERT_WORKER_ACCEPT_H
#define CULVERT_WORKER_ACCEPT_H

#include "base/buf.h"
#include "base/log.h"
#include "base/sockets.h"
#include "conf/listeners.h"
#include "worker/mailbox.h"

struct acceptor;

/*
 * Opens the listeners, which must outlive it; each is logged with its address
 * and port, and what is accepted carries its index.  NULL when one cannot be
 * opened: error then says which and why.
 */
struct acceptor *acceptor_new(struct listeners *listeners, struct mailbox *const *mailboxes, unsigned n_mailboxes,
	struct sockets *sockets, const struct log *log, struct buf *error);
/* Starts the thread; 0 or CV_ESYS. */
int acceptor_start(struct acceptor *a);
/* Closes the listeners, ends the thread and frees; NULL is fine. */
void acceptor_stop(struct acceptor *a);

#endif
