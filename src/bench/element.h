/*
 * element.h: finds where elements end in bytes that are known to be sound.
 * This is no parser: both ends of a benchmark write what they read.
 */
#ifndef CULVERT_BENCH_ELEMENT_H
#define CULVERT_BENCH_ELEMENT_H

#include "base/slice.h"

/* Length of the tag that p begins with ('<' up to its '>'), or 0 when its end has not come. */
size_t element_tag(struct slice p);
/* Length of the whole element that p begins with, or 0 when its end has not come. */
size_t element_whole(struct slice p);
/* The value of the first name='value' in the tag, either kind of quotes; SLICE_NONE when there is none. */
struct slice element_attribute(struct slice tag, const char *name);
/* True when needle is somewhere in p. */
bool element_has(struct slice p, const char *needle);

#endif
