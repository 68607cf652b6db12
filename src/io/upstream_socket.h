/*
 * upstream_socket.h: open connections to servers: read, write, pause, by TLS
 * or without.  Nothing is told from within a call, nor while the loop looks at
 * its sockets: what has come is only noted then, and read and told in
 * upstream_sockets_run(), when it is known who else is gone.
 *
 *      loop: there is something -> noted -> upstream_sockets_run(): data, writable, lost
 */
#ifndef CULVERT_IO_UPSTREAM_SOCKET_H
#define CULVERT_IO_UPSTREAM_SOCKET_H

#include <stdbool.h>
#include <sys/uio.h>
#include <uv.h>

#include "base/log.h"
#include "base/slice.h"
#include "io/tls.h"

#define UPSTREAM_REASON 80 /* room for why one was lost, with its NUL */

/* All of one loop. */
struct upstream_sockets;
struct upstream_socket;

struct upstream_socket_handler {
	void (*data)(void *owner, struct slice bytes);
	/* Output is taken again. */
	void (*writable)(void *owner);
	/* It broke, or the server closed it: why is for people.  To be closed in this call. */
	void (*lost)(void *owner, const char *why);
	/* So many have something that the loop tells of them again and again: upstream_sockets_run() is to be called now. */
	void (*crowd)(void *arg);
	void *arg;
};

/* handler must outlive it. */
struct upstream_sockets *
upstream_sockets_new(uv_loop_t *loop, const struct upstream_socket_handler *handler, const struct log *log);
/* All sockets must have been closed. */
void upstream_sockets_free(struct upstream_sockets *all);
/* Reads and tells; to be called once per turn of the loop.  True: call again without sleeping. */
bool upstream_sockets_run(struct upstream_sockets *all);

/* A connection that stands; takes fd and tls (NULL: none) over. */
struct upstream_socket *upstream_socket_open(struct upstream_sockets *all, int fd, struct tls *tls, void *owner);
/* Says goodbye if there is TLS, and closes.  Nothing is told any more.  NULL is fine. */
void upstream_socket_close(struct upstream_socket *s);
/*
 * The same, but gives the descriptor back, which the loop does not look at any more; there must be no TLS.  -1 when the
 * connection has broken: that will be told.
 */
int upstream_socket_detach(struct upstream_socket *s);

/* NULL when there is none.  Borrowed. */
const struct tls *upstream_socket_tls(const struct upstream_socket *s);
/* How many bytes were taken, 0 when none now: writable is called when there is room. */
size_t upstream_socket_write(struct upstream_socket *s, const struct iovec *v, int n);
void upstream_socket_pause(struct upstream_socket *s, bool pause);

#endif
