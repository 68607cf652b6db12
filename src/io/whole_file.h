/*
 * whole_file.h: reads files that the configuration names, whatever their path
 * turns out to be.  Opening or reading what is no file could wait for somebody,
 * never end, or do something: it is refused.
 */
#ifndef CULVERT_IO_WHOLE_FILE_H
#define CULVERT_IO_WHOLE_FILE_H

#include "base/buf.h"

#define WHOLE_FILE_MAX ((size_t) 16 << 20) /* bytes; a larger one is no configuration and no list of certificates */

/*
 * Appends what is in the file to text, which needs no cap of its own.  NULL,
 * or words for what is wrong: "a FIFO", "No such file or directory".  Then
 * errno says it too; it is EINVAL where the path names no file.
 */
const char *whole_file_read(const char *path, struct buf *text);

/* The same of standard input, which may be anything but a terminal, up to its end. */
const char *whole_file_read_input(struct buf *text);

#endif
