/* configuration.h: the configuration as files: what -c names, and what is named in there. */
#ifndef CULVERT_WORKER_CONFIGURATION_H
#define CULVERT_WORKER_CONFIGURATION_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"
#include "io/files.h"

/*
 * Reads a file, or standard input ("-"), and looks whether the files and users
 * that are named in it can be used.  What it reads stays in files.  hooks: see
 * conf_read().  Returns 0 and a
 * configuration with one reference, or a negative CV_E* code and NULL; errors
 * got a line for each thing that is wrong, with its place.  notes, unless
 * NULL, gets lines about what was found in other files.
 */
int configuration_read(struct conf **out, const char *file, struct files *files, const struct hooks *hooks,
	struct buf *errors, struct buf *notes);

/* 0, or CV_ESYS: pages that somebody asked for are not there; place is where, for errors. */
int configuration_check_pages(const struct conf *c, const char *place, struct buf *errors);

#endif
