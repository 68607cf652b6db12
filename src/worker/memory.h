/*
 * memory.h: how much memory this process may use, as far as the system says,
 * and how much of it may be kept for peers (limits.buffer_total: null).
 *
 *      a control group's limit, or that of one above it      half of it
 *      RLIMIT_AS, RLIMIT_DATA                                half of it
 *      the machine's memory                                  a quarter of it
 *
 * The least of these counts.  The other half is for what is not counted byte by
 * byte: the process itself, idle sessions, the allocator's waste, and the
 * kernel's buffers of sockets, which a control group pays for, too.  A machine
 * has others to serve: mostly the XMPP server.
 */
#ifndef CULVERT_WORKER_MEMORY_H
#define CULVERT_WORKER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_FROM 256 /* room for a name, with its NUL */

struct memory {
	uint64_t limit;         /* bytes the process may use */
	unsigned divisor;       /* how many times what may be kept goes into it */
	char from[MEMORY_FROM]; /* who says so: the file, without root */
};

/*
 * Reads ROOT/proc/self/cgroup, the control groups' files in ROOT/sys/fs/cgroup
 * (version 2: memory.max and memory.high; version 1: memory.limit_in_bytes),
 * ROOT/proc/self/limits and ROOT/proc/meminfo, or asks sysconf() where that is
 * hidden; root is "" but in tests.  False when nothing is known.
 */
bool memory_find(const char *root, struct memory *m);

/* How much may be kept for peers. */
static inline size_t
memory_share(const struct memory *m)
{
	uint64_t share = m->limit / m->divisor;

	return share < SIZE_MAX ? (size_t) share : SIZE_MAX;
}

#endif
