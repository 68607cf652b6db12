/*
 * probe.h: check --connect: each server of each domain is connected to, one by
 * one and many at a time, as a session would: resolved, TLS as the policy
 * says, a stream opened up to the server's features.
 */
#ifndef CULVERT_WORKER_PROBE_H
#define CULVERT_WORKER_PROBE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "io/files.h"

/*
 * Writes what was found to stdout, a block for each domain, then "ok" or how
 * many servers failed.  True when none did.  Ends after some minutes in any
 * case: who was not tried until then has failed.  files: see handshakes_new().
 */
bool probe_all(const struct conf *conf, struct files *files);

#endif
