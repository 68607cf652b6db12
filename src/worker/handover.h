/*
 * handover.h: what the keeper and a serving process say to each other, as
 * values with an encoding.  The two may be of different versions one day, and
 * a serving process is who talks to the network: the keeper believes nothing
 * of what comes from there.
 *
 *      keeper                                          serving process
 *         FILE, LISTENER, LOG ... START   ---------->
 *                                         <----------  READY
 *         FILE ... RELOAD                 ---------->
 *                                         <----------  RELOADED or REFUSED
 *
 * All numbers are big-endian:
 *
 *      version (1)  kind (1)  descriptors (1)  length of what follows (4)
 *      FILE:      name (2+n)  text (4+n)
 *      LISTENER:  index (4); one descriptor
 *      LOG:       nothing; one descriptor
 *      RELOADED, REFUSED: words (4+n)
 *      START, READY, RELOAD: nothing
 */
#ifndef CULVERT_WORKER_HANDOVER_H
#define CULVERT_WORKER_HANDOVER_H

#include <stdbool.h>

#include "base/slice.h"

#define HANDOVER_VERSION 1
#define HANDOVER_HEAD 7                        /* bytes */
#define HANDOVER_NAME_MAX 65535                /* bytes of a file's name */
#define HANDOVER_WORDS_MAX ((size_t) 64 << 10) /* bytes of such words; what is longer is cut */

enum handover_kind {
	HANDOVER_NONE,
	/* from the keeper */
	HANDOVER_FILE,     /* the text of a file that the configuration names, or of itself */
	HANDOVER_LISTENER, /* the descriptor of listen[index] */
	HANDOVER_LOG,      /* the descriptor the log goes to */
	HANDOVER_START,    /* that is all: begin */
	HANDOVER_RELOAD,   /* these files count from now on */
	/* from a serving process */
	HANDOVER_READY,    /* it serves */
	HANDOVER_RELOADED, /* they do; words say what takes a restart */
	HANDOVER_REFUSED,  /* words say what is wrong with them; what was before stays */
	HANDOVER_KINDS,
};

struct handover {
	enum handover_kind kind;
	uint32_t index;
	struct slice name, text; /* borrowed; text is the words, too */
};

/* Does a serving process say this? */
bool handover_is_answer(enum handover_kind kind);
/* How many descriptors come with it. */
unsigned handover_descriptors(enum handover_kind kind);

/* How many bytes handover_write() writes. */
size_t handover_size(const struct handover *h);
/* name and words must not be longer than they may be. */
void handover_write(const struct handover *h, char *out);

/*
 * Reads the HANDOVER_HEAD bytes at head: which kind it is, and how many bytes
 * follow.  False: nothing of this version, or more than this kind may have.
 */
bool handover_read_head(const char *head, enum handover_kind *kind, size_t *n);
/* Reads what follows a head of this kind, all of it; the slices point into rest. */
bool handover_read(enum handover_kind kind, struct slice rest, struct handover *h);

#endif
