/*
 * handshake.h: threads that do TLS handshakes, with servers and with clients.
 * One takes milliseconds of CPU, in which a worker would answer a hundred
 * messages; so the connection goes to a thread of its own and comes back when
 * it is ready.
 *
 *      worker -- MAIL_HANDSHAKE --> handshake thread -- MAIL_SECURED --> the same worker
 *
 * Those with servers are done at once: somebody who was let in waits for them.
 * Clients wait for their turn (base/turns.h); who only resumes a session comes
 * soon.  A thread gives way to the workers when the machine is busy.
 */
#ifndef CULVERT_WORKER_HANDSHAKE_H
#define CULVERT_WORKER_HANDSHAKE_H

#include "base/log.h"
#include "io/credentials.h"
#include "io/files.h"
#include "worker/mailbox.h"

struct handshakes;

/*
 * n threads; mailboxes are the workers', found by a job's worker; files, which
 * is sealed and referenced, has what each ca_file has in it.  What our
 * listeners show is referenced, too, and NULL where there are none.  NULL when
 * a thread does not start, or the system gives no entropy.
 */
struct handshakes *handshakes_new(unsigned n, struct mailbox *const *mailboxes, struct files *files,
	struct credentials *credentials, const struct log *log);
/* From any thread; takes the job over, and gives it back by mail. */
void handshakes_post(struct handshakes *h, struct tls_job *job);
/* These files count from now on; those of the system, too, are read anew when they are needed next. */
void handshakes_reload(struct handshakes *h, struct files *files);
/* Handshakes that begin now show these, which were checked; connections that stand are not touched. */
void handshakes_show(struct handshakes *h, struct credentials *credentials);
/* Gives up what is under way and frees.  The workers must have ended, or be about to.  NULL is fine. */
void handshakes_stop(struct handshakes *h);

#endif
