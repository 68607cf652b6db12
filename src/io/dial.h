/*
 * dial.h: a session's way to its server: attempts, as race.h says, until one
 * leads to an open connection; then that.  Nothing is told from within a call,
 * nor of an open connection while the loop looks at its sockets: that is done
 * in dialer_run(), when it is known who else is gone.
 *
 *      STARTING -> SEARCHING -> TRYING -> OPEN -> STARTTLS, in another thread, and back to OPEN
 *                  (by DNS)      ^  |      ^
 *                                HANDSHAKING            (xmpps, in another thread)
 *
 * A server that turns out to be the wrong one before dial_settle(): back to
 * TRYING, as long as there are others.  Nobody is left: LOST.
 */
#ifndef CULVERT_IO_DIAL_H
#define CULVERT_IO_DIAL_H

#include <sys/uio.h>
#include <uv.h>

#include "base/ms.h"
#include "conf/conf.h"
#include "io/dns.h"
#include "io/tls_job.h"
#include "proto/closing.h"
#include "proto/stream/upstream.h"
#include "session/context.h"
#include "session/outlet.h"

struct dialer;
struct dial;

struct dial_handler {
	void *arg;
	/* The connection stands, or is now TLS. */
	void (*connected)(void *owner, enum upstream_leg leg);
	/* The connection that stood is gone before dial_settle(), and another is tried: connected comes again, or gone. */
	void (*again)(void *owner);
	/* Sends the job to where handshakes are done; it comes back through dialer_secured(). */
	void (*handshake)(void *arg, struct tls_job *job);
	void (*data)(void *owner, struct slice bytes);
	/* Output is taken again. */
	void (*writable)(void *owner);
	/* It could not be made, or is gone: which, says the reason, and why the words.  The dial is freed after. */
	void (*gone)(void *owner, enum closing reason, const char *why);
	/* So many sockets have something that the loop tells of them again and again: to call dialer_run() now. */
	void (*crowd)(void *arg);
};

/* handler, dns and context must outlive it. */
struct dialer *
dialer_new(uv_loop_t *loop, struct dns *dns, const struct dial_handler *handler, struct context *context);
/* All dials must have been dropped. */
void dialer_free(struct dialer *d);

/*
 * Connects to the first of the domain's servers that answers, all attempts
 * within timeout ms (0: as long as the system tries), until dial_settle(); a
 * handshake that waits for one of our threads makes that longer.  client is
 * whom servers are told of, if the domain says so; NULL: nobody.  Both must
 * stay until dial_drop() or gone.  number is the session's, for the log.
 */
struct dial *dial_connect(struct dialer *d, void *owner, const struct conf_domain *domain, const struct peer *client,
	ms_t timeout, uint64_t number);
/* Where the connection leads, since connected, */
const struct dns_address *dial_address(const struct dial *dial);
/* and the same in words. */
void dial_describe(const struct dial *dial, struct server_link *link);
/* STARTTLS was agreed on: does the handshake, then connected is called again. */
void dial_start_tls(struct dial *dial);
/* It is the right server: its stream is the client's now. */
void dial_settle(struct dial *dial);
/* It is the wrong one.  True: the connection is gone, and another is tried, as with again; false: there is none. */
bool dial_pass_on(struct dial *dial, enum closing reason, const char *why);
/* How many bytes were taken, 0 when none now: writable is called when there is room. */
size_t dial_write(struct dial *dial, const struct iovec *v, int n);
void dial_pause(struct dial *dial, bool pause);
/* Ends it without telling the owner. */
void dial_drop(struct dial *dial);

/* A handshake has ended, well or not; takes the job over. */
void dialer_secured(struct dialer *d, struct tls_job *job);
/* Reads and tells what has come, and does what was put off; to be called once per turn of the loop.  True: call again without sleeping. */
bool dialer_run(struct dialer *d);
/* Attempts that take too long. */
ms_t dialer_deadline(const struct dialer *d);
void dialer_expire(struct dialer *d, ms_t now);

#endif
