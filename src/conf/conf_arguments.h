/* conf_arguments.h: a configuration from the command line, for a quick start. */
#ifndef CULVERT_CONF_CONF_ARGUMENTS_H
#define CULVERT_CONF_CONF_ARGUMENTS_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"

/*
 * Like conf_read() without a file: n_listen strings "ADDRESS:PORT", ":PORT",
 * "[IPV6]:PORT" or "unix:/PATH" (none: the default listener) and n_domain
 * strings "NAME=TARGET"; a NAME given again gets one more target to try.
 * Everything else has its default.  Messages begin with "--listen TEXT: " or
 * "--domain TEXT: " instead of a place in a file.
 */
int conf_read_arguments(struct conf **out, const char *const *listen, size_t n_listen, const char *const *domain,
	size_t n_domain, const struct hooks *hooks, struct buf *errors);

/* Pages are to come from this directory; for a configuration that nobody shares yet.  0 or CV_EINVAL. */
int conf_read_pages_argument(struct conf *c, const char *directory, struct buf *errors);

#endif
