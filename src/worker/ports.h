/*
 * ports.h: the sockets that listen, as the keeper has them: opened by us, or
 * by who started us (LISTEN_FDS, as systemd.socket(5) does).  They outlive
 * serving processes, which get descriptors of the same sockets.
 */
#ifndef CULVERT_WORKER_PORTS_H
#define CULVERT_WORKER_PORTS_H

#include "base/buf.h"
#include "conf/conf.h"
#include "worker/account.h"

struct port {
	int fd;
	bool is_inherited;
};

struct ports {
	const struct conf *conf; /* one reference; NULL: none are open */
	struct port *v;          /* in the order of conf->listen */
	size_t n;
	int *inherited; /* that no listener has taken; -1: taken */
	size_t n_inherited;
};

/* Finds out what was opened for this process; before anything else opens descriptors. */
void ports_init(struct ports *p);
/*
 * The listeners of conf: those that are open already stay as they are, others
 * are opened, what is left is closed.  A unix socket belongs to owner unless
 * conf says otherwise.  False when one cannot be had: error is one line without
 * its end, and p is what it was.
 */
bool ports_open(struct ports *p, const struct conf *conf, const struct account *owner, struct buf *error);
/* Closes all, and removes the unix sockets that were made by us. */
void ports_close(struct ports *p);

#endif
