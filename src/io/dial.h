/*
 * dial.h: TCP to the servers: resolve, connect, read, write, pause.  Nothing
 * is told from within a call: dial_run() starts attempts and reports losses,
 * the loop reports the rest.
 */
#ifndef CULVERT_IO_DIAL_H
#define CULVERT_IO_DIAL_H

#include <sys/uio.h>
#include <uv.h>

#include "base/log.h"
#include "base/ms.h"
#include "conf/conf.h"
#include "io/dns.h"

struct dialer;
struct dial;

struct dial_handler {
	/* The connection stands.  is_private: it does not leave this machine. */
	void (*connected)(void *owner, bool is_private);
	void (*data)(void *owner, struct slice bytes);
	/* Output is taken again. */
	void (*writable)(void *owner);
	/* It could not be made, or is gone.  The dial is freed after. */
	void (*gone)(void *owner, bool was_connected);
};

/* handler, dns and log must outlive it. */
struct dialer *dialer_new(uv_loop_t *loop, struct dns *dns, const struct dial_handler *handler, const struct log *log);
/* All dials must have been dropped. */
void dialer_free(struct dialer *d);

/*
 * Connects to the first of the domain's servers that answers, all attempts
 * within timeout ms (0: as long as the system tries).  domain must stay until
 * dial_drop() or gone.  number is the session's, for the log.
 */
struct dial *dial_connect(struct dialer *d, void *owner, const struct conf_domain *domain, ms_t timeout,
			  uint64_t number);
/* How many bytes were taken, 0 when none now: writable is called when there is room. */
size_t dial_write(struct dial *dial, const struct iovec *v, int n);
void dial_pause(struct dial *dial, bool pause);
/* Ends it without telling the owner. */
void dial_drop(struct dial *dial);

/* Does what was put off; to be called once per turn of the loop. */
void dialer_run(struct dialer *d);
/* Attempts that take too long. */
ms_t dialer_deadline(const struct dialer *d);
void dialer_expire(struct dialer *d, ms_t now);

#endif
