/*
 * introduce.h: what comes first on a connection that has just been made: does
 * it lead to a server at all, or back to us?  Then the server is told who its
 * client is (introduction.h).
 */
#ifndef CULVERT_IO_INTRODUCE_H
#define CULVERT_IO_INTRODUCE_H

#include "base/peer.h"
#include "conf/conf.h"
#include "conf/listeners.h"

/*
 * It is told if the domain's proxy_protocol says so; client NULL: we speak for
 * ourselves.  own may be NULL.  NULL, or why the connection is of no use.
 */
const char *introduce(int fd, const struct conf_domain *domain, const struct peer *client, const struct listeners *own);

#endif
