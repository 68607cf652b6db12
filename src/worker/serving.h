/*
 * serving.h: the keeper as a serving process sees it (keeper.h): what it was
 * handed, and what happens next.
 */
#ifndef CULVERT_WORKER_SERVING_H
#define CULVERT_WORKER_SERVING_H

#include <stdbool.h>

#include "base/slice.h"
#include "io/files.h"

#define SERVING_WORD "serving" /* the first argument of a serving process */
#define SERVING_CHANNEL 3      /* its descriptor of the channel */

struct serving;

enum serving_event {
	SERVING_TERMINATE, /* SIGTERM */
	SERVING_INTERRUPT, /* SIGINT */
	SERVING_ORPHANED,  /* the keeper is gone */
	SERVING_USR1,
	SERVING_ALARM,
	SERVING_TIME,   /* nothing has, so long */
	SERVING_RELOAD, /* serving_files() are new; wants serving_reloaded() */
};

/*
 * What the keeper hands over to begin with; waits for it.  Blocks the signals
 * that serving_next() tells of: threads inherit that.  NULL: there is no keeper.
 */
struct serving *serving_new(void);
void serving_free(struct serving *s);

/* What was handed over last; sealed, and borrowed. */
struct files *serving_files(const struct serving *s);
/* The sockets of the configuration's listeners, in their order; each the caller's.  False: they are not n. */
bool serving_take_listeners(struct serving *s, int *fd, size_t n);
/* For log_sink_new(); the caller's. */
int serving_take_log(struct serving *s);

/* Tells the keeper. */
void serving_ready(struct serving *s);
/* Are the files taken?  words are lines for people: what takes a restart, or why they are not. */
void serving_reloaded(struct serving *s, bool is_taken, struct slice words);

/* Waits for what happens next, so many milliseconds at most; -1: for ever. */
enum serving_event serving_next(struct serving *s, int ms);

#endif
