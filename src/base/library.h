/* library.h: which version of a library we were built with, and which one runs. */
#ifndef CULVERT_BASE_LIBRARY_H
#define CULVERT_BASE_LIBRARY_H

#include <stdio.h>

#define LIBRARY_VERSION 32

struct library {
	const char *name;
	char built[LIBRARY_VERSION], runs[LIBRARY_VERSION]; /* "2.1.0"; what is longer is cut */
};

static inline void
library_set(struct library *l, const char *name, const char *built, const char *runs)
{
	l->name = name;
	snprintf(l->built, sizeof l->built, "%s", built);
	snprintf(l->runs, sizeof l->runs, "%s", runs);
}

/* The same with versions as numbers. */
static inline void
library_set_numbers(struct library *l, const char *name, const unsigned built[3], const unsigned runs[3])
{
	l->name = name;
	snprintf(l->built, sizeof l->built, "%u.%u.%u", built[0], built[1], built[2]);
	snprintf(l->runs, sizeof l->runs, "%u.%u.%u", runs[0], runs[1], runs[2]);
}

#endif
