/*
 * late_upgrade.h: an upgrade to WebSocket on a connection that served requests
 * before, as proxies send it.  The HTTP library lets go of the socket when it
 * is told that the request failed; a duplicate of the socket lives on, with
 * the head written anew.
 */
#ifndef CULVERT_IO_LATE_UPGRADE_H
#define CULVERT_IO_LATE_UPGRADE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/peer.h"

struct late_upgrade {
	struct list link; /* the owner's */
	int fd;           /* -1: handed on */
	struct buf head;
	struct peer peer;
};

/* NULL when there is no descriptor left. */
struct late_upgrade *late_upgrade_new(int fd, const struct peer *peer, const char *target);
void late_upgrade_free(struct late_upgrade *l);

/* Each: 0 or CV_EFULL.  The fields one by one, then the empty line. */
int late_upgrade_field(struct late_upgrade *l, const char *name, const char *value);
int late_upgrade_end(struct late_upgrade *l);

#endif
