/*
 * late_upgrade.h: an upgrade to WebSocket on a connection that served requests
 * before, as proxies send it.  The HTTP library lets go of the socket when it
 * is told that the request failed; a duplicate of the socket lives on.
 */
#ifndef CULVERT_IO_LATE_UPGRADE_H
#define CULVERT_IO_LATE_UPGRADE_H

#include "base/list.h"
#include "base/peer.h"
#include "proto/http/upgrade.h"

struct late_upgrade {
	struct list link; /* the owner's */
	int fd;           /* -1: handed on */
	struct upgrade_head head;
	struct peer peer;
};

/* NULL when there is no descriptor left. */
struct late_upgrade *late_upgrade_new(int fd, const struct upgrade_head *head, const struct peer *peer);
void late_upgrade_free(struct late_upgrade *l);

#endif
