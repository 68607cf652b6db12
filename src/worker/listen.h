/*
 * listen.h: opens one listener, or says why that is not possible and what
 * would help.
 */
#ifndef CULVERT_WORKER_LISTEN_H
#define CULVERT_WORKER_LISTEN_H

#include "base/buf.h"
#include "conf/conf.h"
#include "worker/account.h"

/*
 * A socket that listens and does not block; -1 when there is none: error then
 * is one line without its end.  A unix socket is owner's, unless l says
 * otherwise.  While it is made, no other thread may make files.
 */
int listen_open(const struct conf_listen *l, const struct account *owner, struct buf *error);

/* Does fd listen where l says?  For descriptors that somebody else has opened. */
bool listen_is_at(int fd, const struct conf_listen *l);

#endif
