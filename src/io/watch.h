/*
 * watch.h: notices peers that vanish.  The HTTP library takes the socket of
 * a held request out of its own epoll set, so nobody would see that its
 * client is gone.  This is a second set for all of them: edge-triggered and
 * only for hang-ups, so that it costs nothing while all is well.
 */
#ifndef CULVERT_IO_WATCH_H
#define CULVERT_IO_WATCH_H

#include <uv.h>

struct watch;

/* gone(arg, item) is told each item whose peer hung up; it may only mark: sockets must not be closed or removed in it. */
struct watch *watch_new(uv_loop_t *loop, void (*gone)(void *arg, void *item), void *arg);
/* Ends in two steps: the memory goes when the loop has run. */
void watch_close(struct watch *w);

/* 0 or CV_ESYS.  The item is what gone() is told. */
int watch_add(struct watch *w, int fd, void *item);
/* Before the socket is closed. */
void watch_remove(struct watch *w, int fd);

#endif
