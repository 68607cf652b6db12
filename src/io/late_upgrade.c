#include "io/late_upgrade.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"

#define MAX_HEAD 16384

struct late_upgrade *
late_upgrade_new(int fd, const struct peer *peer, const char *target)
{
	struct late_upgrade *l;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return NULL;
	l = xcalloc(1, sizeof *l);
	l->fd = copy;
	l->peer = *peer;
	list_init(&l->link);
	buf_init(&l->head, MAX_HEAD);
	if (buf_printf(&l->head, "GET %s HTTP/1.1\r\n", target) == 0)
		return l;
	late_upgrade_free(l);
	return NULL;
}

void
late_upgrade_free(struct late_upgrade *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	list_remove(&l->link);
	buf_fini(&l->head);
	free(l);
}

int
late_upgrade_field(struct late_upgrade *l, const char *name, const char *value)
{
	return buf_printf(&l->head, "%s: %s\r\n", name, value);
}

int
late_upgrade_end(struct late_upgrade *l)
{
	return buf_append_str(&l->head, "\r\n");
}
