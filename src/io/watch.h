/*
 * watch.h: an epoll set that tells of each arrival once (edge-triggered), one
 * look per turn of the loop.  For sockets that somebody else reads, or nobody
 * yet: the HTTP library takes the socket of a held request out of its own set,
 * and would not see that the client is gone or has sent more; the door leaves
 * an unfinished head where it is.
 */
#ifndef CULVERT_IO_WATCH_H
#define CULVERT_IO_WATCH_H

#include <stdbool.h>
#include <uv.h>

struct watch;

/*
 * event(arg, item, is_gone) is told each item whose peer hung up, or sent
 * something; it may only mark: sockets must not be closed or removed in it.
 */
struct watch *watch_new(uv_loop_t *loop, void (*event)(void *arg, void *item, bool is_gone), void *arg);
/* Ends in two steps: the memory goes when the loop has run. */
void watch_close(struct watch *w);

/* 0 or CV_ESYS.  The item is what event() is told. */
int watch_add(struct watch *w, int fd, void *item);
/* Has the peer hung up by now?  What came before the item was added is told a turn later. */
bool watch_is_gone(int fd);
/* Before the socket is closed. */
void watch_remove(struct watch *w, int fd);

#endif
