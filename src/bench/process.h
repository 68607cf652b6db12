/* process.h: what measured processes cost, as the kernel counts it. */
#ifndef CULVERT_BENCH_PROCESS_H
#define CULVERT_BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_MAX 16

/* Several are measured as one. */
struct processes {
	pid_t pid[PROCESS_MAX];
	size_t n;
};

/* Microseconds of user and system time of all their threads since they began, in steps of a clock tick. */
int64_t process_cpu_us(const struct processes *p);
/* Resident memory. */
int64_t process_kib(const struct processes *p);

#endif
