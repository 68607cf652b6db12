#include "base/fatal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
out_of_memory(size_t n)
{
	fprintf(stderr, "culvert: out of memory (%zu bytes)\n", n);
	abort();
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		out_of_memory(n);
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size > 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n > 0 ? n : 1);

	if (p == NULL)
		out_of_memory(n);
	return p;
}

char *
xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	if (n > 0)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

void
fatal_must(const char *what, const char *file, int line)
{
	fprintf(stderr, "culvert: %s:%d: this must hold: %s\n", file, line, what);
	abort();
}
