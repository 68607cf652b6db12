/* introduce.h: tells a server who its client is, on a connection that has just been made (introduction.h). */
#ifndef CULVERT_IO_INTRODUCE_H
#define CULVERT_IO_INTRODUCE_H

#include <stdbool.h>

#include "base/peer.h"
#include "conf/conf.h"

/* Does so if the domain's proxy_protocol says it; client NULL: we speak for ourselves.  False: it cannot be written. */
bool introduce(int fd, const struct conf_domain *domain, const struct peer *client);

#endif
