/*
 * worker.h: one thread with one loop, and one of each part: registry, door,
 * HTTP, WebSocket, dialer, resolver.  A session lives and dies here; other
 * threads reach it by mail only.
 */
#ifndef CULVERT_WORKER_WORKER_H
#define CULVERT_WORKER_WORKER_H

#include "base/budget.h"
#include "base/log.h"
#include "base/sockets.h"
#include "conf/listeners.h"
#include "session/counters.h"
#include "session/quota.h"
#include "worker/mailbox.h"

struct worker;

struct worker_config {
	unsigned index, n_workers;
	uint32_t generation;   /* of the process, for sids */
	uint64_t first_number; /* of sessions: above those of an earlier process */
	const struct conf *conf;
	const struct listeners *listeners; /* whose ports are known before any worker runs */
	const struct log *log;
	struct budget_pool *budget; /* of the process, as this: */
	struct sockets *sockets;
	struct quota *quota;
	/* All n_workers mailboxes, and the handshake threads; filled before any worker runs. */
	struct mailbox *const *mailboxes;
	struct handshakes *const *handshakes;
};

/*
 * Builds the worker in the calling thread; one at a time.  NULL, with a log
 * line, when a part does not start.  RLIMIT_NOFILE must have its final value.
 */
struct worker *worker_new(const struct worker_config *config);
struct mailbox *worker_mailbox(struct worker *w);
/* Starts the thread; 0 or CV_ESYS. */
int worker_start(struct worker *w);
/* Waits until the thread has ended, which MAIL_STOP brings about. */
void worker_join(struct worker *w);
/* After worker_join(), when no other thread runs any more. */
void worker_free(struct worker *w);

/* May be read by any thread. */
const struct counters *worker_counters(const struct worker *w);

#endif
