#include "io/late_upgrade.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"

struct late_upgrade *
late_upgrade_new(int fd, const struct upgrade_head *head, const struct peer *peer)
{
	struct late_upgrade *l;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return NULL;
	l = xcalloc(1, sizeof *l);
	l->fd = copy;
	l->head = *head;
	l->peer = *peer;
	list_init(&l->link);
	return l;
}

void
late_upgrade_free(struct late_upgrade *l)
{
	if (l->fd >= 0)
		close(l->fd);
	list_remove(&l->link);
	free(l);
}
