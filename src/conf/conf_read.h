/* conf_read.h: a configuration from the text of a file. */
#ifndef CULVERT_CONF_CONF_READ_H
#define CULVERT_CONF_CONF_READ_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"

/*
 * Reads a configuration file's text.  name is what the file is called in
 * messages.  hooks gives domains their A-label form; only to_ascii is used.
 * It may be NULL: then domains must be written in ASCII.
 *
 * Returns 0 and in *out a configuration with one reference, the caller's.
 * Otherwise CV_EINVAL: *out is NULL and errors got one line for each thing
 * that is wrong, each ending in a newline:
 *
 *	FILE:LINE:COLUMN: KEY.PATH: what was found, what was expected
 *
 * Lines and columns count from 1; a column is a character, a tab is one.
 * errors wants room: what does not fit is left out.
 */
int conf_read(struct conf **out, struct slice text, const char *name, const struct hooks *hooks, struct buf *errors);

#endif
