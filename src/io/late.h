/*
 * late.h: an upgrade to WebSocket on a connection that served requests
 * before, as proxies send it.  The HTTP library lets go of the socket when it
 * is told that the request failed; a duplicate of the socket lives on, with
 * the head written anew.
 */
#ifndef CULVERT_IO_LATE_H
#define CULVERT_IO_LATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/peer.h"

struct late {
	struct list link; /* the owner's */
	int fd;           /* -1: handed on */
	struct buf head;
	struct peer peer;
};

/* NULL when there is no descriptor left. */
struct late *late_new(int fd, const struct peer *peer, const char *target);
void late_free(struct late *l);

/* Each: 0 or CV_EFULL.  The fields one by one, then the empty line. */
int late_field(struct late *l, const char *name, const char *value);
int late_end(struct late *l);

#endif
