/* secure_url.h: where a request that came without TLS should have gone. */
#ifndef CULVERT_CONF_SECURE_URL_H
#define CULVERT_CONF_SECURE_URL_H

#include "base/buf.h"
#include "conf/conf.h"

#define SECURE_URL_MAX 8192

/*
 * Appends the https:// URL of the same target on the same host; host is the
 * request's Host field, target as it stands in the request line, port that of
 * the listener with TLS.  With public_url a host that is not known is not
 * believed: then it is public_url's.  A target that could be read in two ways
 * is "/".  False when no host can be told.
 */
bool secure_url(const struct conf *c, uint16_t port, struct slice host, struct slice target, struct buf *out);

#endif
