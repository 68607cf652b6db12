/*
 * control.h: "culvert reload", both ends: a word to the keeper that runs with
 * this configuration file, which answers when it is done.
 *
 * They meet at an abstract unix socket (unix(7)) that has the name of the file,
 * so no directory needs to be writable.  The kernel says who is at the other
 * end: the keeper listens to root and to its own user; the command believes
 * root, its own user and the owner of the file.
 */
#ifndef CULVERT_WORKER_CONTROL_H
#define CULVERT_WORKER_CONTROL_H

#include <poll.h>
#include <stdbool.h>

#include "base/slice.h"

#define CONTROL_FDS 9 /* at most so many has control_fds() */

struct control;

/* For the keeper that was started with this file; NULL: errno says why not. */
struct control *control_open(const char *file);
/* NULL is fine. */
void control_close(struct control *c);

/* Fills in what to wait for, and how much of it; 0 when c is NULL. */
size_t control_fds(const struct control *c, struct pollfd *p);
/* Looks what has come.  True: somebody asks for a reload. */
bool control_step(struct control *c);
/* A reload begins: whoever has asked until now waits for it. */
void control_begin(struct control *c);
/* It is over: tells who waits, words being lines for people. */
void control_end(struct control *c, bool is_good, struct slice words);

/* The command: asks, waits, says what came of it.  The exit status. */
int control_reload(const char *file);

#endif
