/*
 * beneath.h: opens files below a directory and nowhere else, whatever the
 * path says and whatever links lie on the way.
 */
#ifndef CULVERT_IO_BENEATH_H
#define CULVERT_IO_BENEATH_H

/*
 * Opens a file or directory for reading; path is relative to the directory.
 * A link that leads out of it, or is absolute, is not followed.  Never waits,
 * not even for somebody to write into a pipe.  Returns -1 and errno, ENOENT
 * also for what must not be reached.
 */
int beneath_open(int directory, const char *path);

#endif
