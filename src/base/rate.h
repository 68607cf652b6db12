/*
 * rate.h: do bytes go as fast as they have to?  Measured over some ten seconds
 * at a time.  Who is silent is not slow: a link may be gone for a while, and
 * what comes behind it is measured from then on.  But silence has its end.
 *
 *      -- 10 s, enough -- | -- nothing at all -- | -- 10 s, too little --> low
 */
#ifndef CULVERT_BASE_RATE_H
#define CULVERT_BASE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ms.h"

#define RATE_LOOK 5000     /* rate_is_low() is to be asked about as often */
#define RATE_SILENCE 60000 /* nothing for so long is too slow, too */

struct rate {
	uint64_t bytes, seen; /* in all: when the window began, and at the last look */
	ms_t since, moved_at;
};

/* So many bytes had gone when it began. */
void rate_begin(struct rate *r, uint64_t bytes, ms_t now);
/* Now so many have: were they fewer than "least" a second?  least 0: never, but for silence. */
bool rate_is_low(struct rate *r, uint64_t bytes, size_t least, ms_t now);

#endif
