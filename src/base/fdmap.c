#include "base/fdmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define STEP 64

void
fdmap_put(struct fdmap *m, int fd, void *p)
{
	must(fd >= 0);
	if (fd >= m->n) {
		int n = fd + STEP;
		m->v = xrealloc(m->v, (size_t) n * sizeof(void *));
		memset(m->v + m->n, 0, (size_t) (n - m->n) * sizeof(void *));
		m->n = n;
	}
	m->v[fd] = p;
}

void *
fdmap_take(struct fdmap *m, int fd)
{
	void *p = fd >= 0 && fd < m->n ? m->v[fd] : NULL;

	if (p != NULL)
		m->v[fd] = NULL;
	return p;
}

void
fdmap_fini(struct fdmap *m, void (*free_one)(void *p))
{
	for (int fd = 0; free_one != NULL && fd < m->n; fd++)
		if (m->v[fd] != NULL)
			free_one(m->v[fd]);
	free(m->v);
	*m = (struct fdmap){.n = 0};
}
