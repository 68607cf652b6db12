/*
 * holder.h: which process has a port or a unix socket, as far as /proc tells:
 * root sees all of it, others only their own processes.
 */
#ifndef CULVERT_WORKER_HOLDER_H
#define CULVERT_WORKER_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Each appends " by NAME (pid N)", or less if less is known; false when nothing was. */
bool holder_of_port(uint16_t port, struct buf *out);
bool holder_of_socket(const char *path, struct buf *out);

#endif
