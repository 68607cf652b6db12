/*
 * nearest.h: which known word was probably meant by an unknown one.  All known
 * words are tried, one after the other; the last that was taken is the answer.
 */
#ifndef CULVERT_BASE_NEAREST_H
#define CULVERT_BASE_NEAREST_H

#include "base/slice.h"

struct nearest {
	struct slice unknown; /* borrowed */
	unsigned least;       /* slips between it and a word that may still be taken, plus one */
};

/* A word is meant when it is two slips of the pen away; one, when the unknown word has three letters or fewer. */
void nearest_init(struct nearest *n, struct slice unknown);
/* True when the word is near enough, and nearer than all before it. */
bool nearest_try(struct nearest *n, struct slice known);

#endif
