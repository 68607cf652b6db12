#include "bench/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A process that is gone makes every further figure wrong. */
static FILE *
open_file(pid_t pid, const char *name)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long) pid, name);
	f = fopen(path, "r");
	if (f == NULL) {
		fprintf(stderr, "culvert-bench: %s: no such process, or not ours to look at\n", path);
		exit(1);
	}
	return f;
}

static int64_t
read_ticks(pid_t pid)
{
	char line[1024] = "", *p;
	unsigned long long user = 0, system = 0;
	FILE *f = open_file(pid, "stat");

	p = fgets(line, sizeof line, f);
	fclose(f);
	/* The name of the program, in parentheses, may be anything. */
	p = p != NULL ? strrchr(line, ')') : NULL;
	if (p == NULL || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
		return 0;
	return (int64_t) (user + system);
}

int64_t
process_cpu_us(const struct processes *p)
{
	int64_t ticks = 0;

	for (size_t i = 0; i < p->n; i++)
		ticks += read_ticks(p->pid[i]);
	return ticks * 1000000 / sysconf(_SC_CLK_TCK);
}

int64_t
process_kib(const struct processes *p)
{
	int64_t sum = 0;

	for (size_t i = 0; i < p->n; i++) {
		FILE *f = open_file(p->pid[i], "smaps_rollup");
		char line[256];
		long long kib;
		while (fgets(line, sizeof line, f) != NULL)
			if (sscanf(line, "Rss: %lld kB", &kib) == 1)
				sum += kib;
		fclose(f);
	}
	return sum;
}
