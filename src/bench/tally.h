/* tally.h: gathers durations and tells which were exceeded by how few. */
#ifndef CULVERT_BENCH_TALLY_H
#define CULVERT_BENCH_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
	uint32_t *v;
	size_t n, room;
};

void tally_add(struct tally *t, int64_t us);
/* The value that share (0 to 1) of all do not exceed; 0 when there are none.  Sorts. */
uint32_t tally_quantile(struct tally *t, double share);
void tally_fini(struct tally *t);

#endif
