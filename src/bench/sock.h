/*
 * sock.h: TCP connections of one epoll set.  What arrives is offered to the
 * owner, who says how much of it was whole; the rest is offered again with
 * what comes next.  What does not fit into the kernel waits here.
 */
#ifndef CULVERT_BENCH_SOCK_H
#define CULVERT_BENCH_SOCK_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/list.h"

struct sock;

struct sock_handler {
	/* Returns how many of the bytes are dealt with.  May send, and may drop the socket. */
	size_t (*input)(struct sock *s, struct slice bytes);
	/* The connection is lost or was refused; s is closed already. */
	void (*gone)(struct sock *s);
};

struct sock {
	const struct sock_handler *handler;
	void *owner;
	int epoll, fd;   /* fd: -1 when there is no connection */
	bool is_waiting; /* for room in the kernel, or to be connected */
	struct buf in, out;
};

/* Ready to be connected; owns nothing yet. */
void sock_init(struct sock *s, int epoll, const struct sock_handler *handler, void *owner);
/* Begins to connect: what is sent before it is done waits.  0, or -1 with errno. */
int sock_connect(struct sock *s, const struct sockaddr_in *to);
/* Takes over a connected descriptor. */
void sock_take(struct sock *s, int fd);
/* All bytes of v are sent or kept.  Without a connection they are lost. */
void sock_send(struct sock *s, const struct iovec *v, int n);
/* Cuts the connection, with a reset so that nothing of it stays behind; s may be connected again. */
void sock_drop(struct sock *s);

/* A listening socket of loopback; port 0: any.  Exits the program when that cannot be.  *port becomes the one it has. */
int sock_listen(uint16_t *port);
/* As many descriptors as the system lets us have. */
void sock_raise_limit(void);

/*
 * Waits at most timeout_ms (-1: for ever) and deals with what has happened.
 * Descriptors that belong to no sock are watched by sock_watch(); their
 * on_ready is called instead.
 */
struct sock_watch {
	void (*on_ready)(struct sock_watch *w);
	int fd;
};

void sock_watch(int epoll, struct sock_watch *w);
void sock_wait(int epoll, int timeout_ms);

#endif
