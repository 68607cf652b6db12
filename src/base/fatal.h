/*
 * fatal.h: for our own mistakes and for memory that is gone.  Small fixed
 * objects come from here; bytes sized by a peer live in a buf with a cap.
 */
#ifndef CULVERT_BASE_FATAL_H
#define CULVERT_BASE_FATAL_H

#include <stddef.h>

/* Each ends the process with one line on stderr when there is no memory.  The caller owns what is returned. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Ends the process when condition is false; stays on in releases.  Never about something a peer can send. */
#define must(condition) ((condition) ? (void) 0 : fatal_must(#condition, __FILE__, __LINE__))

_Noreturn void fatal_must(const char *what, const char *file, int line);

#endif
