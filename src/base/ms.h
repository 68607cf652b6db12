/* ms.h: time as a number of milliseconds.  The core is told the time; it never asks. */
#ifndef CULVERT_BASE_MS_H
#define CULVERT_BASE_MS_H

#include <stdint.h>

typedef int64_t ms_t;

#define MS_NEVER INT64_MAX

/* The earlier of two deadlines. */
static inline ms_t
ms_min(ms_t a, ms_t b)
{
	return a < b ? a : b;
}

static inline ms_t
ms_max(ms_t a, ms_t b)
{
	return a > b ? a : b;
}

#endif
