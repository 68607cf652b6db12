/*
 * flood.h: how many lines a log takes in a second: of one kind, and in all.
 *
 * What a peer does wrong is worth a line, but whoever does it ten thousand
 * times a second must not fill the disk.  A kind of line is known by the words
 * it begins with.  Lines about sessions tell what an operator is asked about
 * later: there may be many more of them.  Some of each kind are always taken,
 * so that nobody hides what he does behind something else.  Lines for
 * debugging are one kind, and do not count among the others.
 */
#ifndef CULVERT_BASE_FLOOD_H
#define CULVERT_BASE_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define FLOOD_LINES 100          /* of one kind in a second */
#define FLOOD_SESSION_LINES 1000 /* of those that begin with "session " */
#define FLOOD_ALL_LINES 2000     /* of all kinds together ... */
#define FLOOD_FIRST_LINES 10     /* ... but for the first of each */
#define FLOOD_DEBUG_LINES 10000  /* for debugging */
#define FLOOD_KINDS 64           /* kinds beyond share a place with others */
#define FLOOD_NAME 40            /* of a kind, with its NUL; what is longer is cut */

struct flood_kind {
	char name[FLOOD_NAME];
	int64_t second;
	uint64_t lines, left_out;
};

/* All zero to begin with. */
struct flood {
	struct flood_kind kind[FLOOD_KINDS], debug;
	unsigned n, n_left_out; /* kinds of which lines were left out */
	int64_t second;
	uint64_t lines; /* of all kinds in this second */
};

/* May this line be written now?  It is counted when not. */
bool flood_admit(struct flood *f, bool is_debug, struct slice line, int64_t second);

/*
 * Takes out a kind of which lines were left out before this second, to be
 * told.  name is borrowed until the next call.  False when there is none.
 */
bool flood_next(struct flood *f, int64_t second, const char **name, uint64_t *left_out);

#endif
