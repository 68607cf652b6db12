/* key_files.h: the files with certificates and keys of our listeners: read, and looked at whether they can be used. */
#ifndef CULVERT_WORKER_KEY_FILES_H
#define CULVERT_WORKER_KEY_FILES_H

#include "conf/conf.h"
#include "io/credentials.h"
#include "io/files.h"

/*
 * Those that c names, for the listeners of running: as they were opened, which
 * may be by an earlier configuration.  A listener that c has not keeps what it
 * had there.  What is read stays in files.  NULL when one cannot be used: errors has a line for each that
 * begins with its place in the file name; notes, which may be NULL, gets lines
 * for what will be a trouble soon.
 */
struct credentials *key_files_read(const struct conf *c, const struct conf *running, const char *name,
	struct files *files, struct buf *errors, struct buf *notes);

#endif
