/*
 * listen.h: opens one listener, or says why that is not possible and what
 * would help.
 */
#ifndef CULVERT_WORKER_LISTEN_H
#define CULVERT_WORKER_LISTEN_H

#include "base/buf.h"
#include "conf/conf.h"

/* A socket that listens and does not block; -1 when there is none: error then is one line without its end. */
int listen_open(const struct conf_listen *l, struct buf *error);

#endif
