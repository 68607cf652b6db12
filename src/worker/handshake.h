/*
 * handshake.h: threads that do TLS handshakes.  One takes milliseconds of
 * CPU, in which a worker would answer a hundred messages; so the connection
 * goes to a thread of its own and comes back when it is ready.
 *
 *      worker -- MAIL_HANDSHAKE --> handshake thread -- MAIL_SECURED --> the same worker
 */
#ifndef CULVERT_WORKER_HANDSHAKE_H
#define CULVERT_WORKER_HANDSHAKE_H

#include "worker/mailbox.h"

struct handshakes;

/* n threads; mailboxes are the workers', found by a job's worker.  NULL when a thread does not start. */
struct handshakes *handshakes_new(unsigned n, struct mailbox *const *mailboxes);
/* From any thread; takes the job over, and gives it back by mail. */
void handshakes_post(struct handshakes *h, struct tls_job *job);
/* Files of authorities may have changed: each is read anew when it is needed next. */
void handshakes_reload(struct handshakes *h);
/* Gives up what is under way and frees.  The workers must have ended, or be about to.  NULL is fine. */
void handshakes_stop(struct handshakes *h);

#endif
