/* libraries.h: the libraries we are made of, for --version. */
#ifndef CULVERT_WORKER_LIBRARIES_H
#define CULVERT_WORKER_LIBRARIES_H

#include "base/buf.h"

/* A line for each: "expat 2.5.0", and the version we were built with where it is another one. */
void libraries_print(struct buf *out);

#endif
