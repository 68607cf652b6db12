#include "worker/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "worker/listen.h"

#define FIRST 3 /* of the descriptors that were opened for us: SD_LISTEN_FDS_START of sd_listen_fds(3) */
#define MOST 1024

/* ---- what was opened for us ---- */

static uint64_t
number_of(const char *variable)
{
	uint64_t number = 0;

	(void) slice_number(slice_str(getenv(variable)), INT32_MAX, &number);
	return number;
}

static void
prepare(int fd)
{
	(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void
ports_init(struct ports *p)
{
	uint64_t n = number_of("LISTEN_PID") == (uint64_t) getpid() ? number_of("LISTEN_FDS") : 0;

	*p = (struct ports){.n_inherited = n < MOST ? (size_t) n : MOST};
	p->inherited = xcalloc(p->n_inherited + 1, sizeof *p->inherited);
	for (size_t i = 0; i < p->n_inherited; i++) {
		p->inherited[i] = FIRST + (int) i;
		prepare(p->inherited[i]);
	}
	/* Not for whom we start. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static int
take_inherited(struct ports *p, const struct conf_listen *l)
{
	for (size_t i = 0; i < p->n_inherited; i++) {
		int fd = p->inherited[i];
		if (fd < 0 || !listen_is_at(fd, l))
			continue;
		p->inherited[i] = -1;
		return fd;
	}
	return -1;
}

/* What somebody has opened for us must be of use: otherwise nobody would answer there. */
static bool
are_all_taken(const struct ports *p, struct buf *error)
{
	for (size_t i = 0; i < p->n_inherited; i++) {
		int listens = 0, fd = p->inherited[i];
		socklen_t n = sizeof listens;
		if (fd < 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0)
			buf_printf(error, "descriptor %d of LISTEN_FDS: %s", fd, strerror(errno));
		else if (listens == 0)
			buf_printf(error, "descriptor %d of LISTEN_FDS does not listen", fd);
		else
			buf_printf(error,
				"descriptor %d of LISTEN_FDS listens where \"listen\" of the configuration does not; "
				"write the same address and port, or path, there",
				fd);
		return false;
	}
	return true;
}

/* ---- what is open already ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_socket(const struct conf_listen *a, const struct conf_listen *b)
{
	return is_same_text(a->address, b->address) && a->port == b->port && is_same_text(a->unix_path, b->unix_path) &&
		a->mode == b->mode && is_same_text(a->owner, b->owner) && is_same_text(a->group, b->group);
}

static bool
is_taken(const struct port *v, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].fd == fd)
			return true;
	return false;
}

/* An open one for l, that is not among the n of v; NULL: none. */
static const struct port *
find_open(const struct ports *p, const struct conf_listen *l, const struct port *v, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_same_socket(&p->conf->listen[i], l) && !is_taken(v, n, p->v[i].fd))
			return &p->v[i];
	return NULL;
}

static void
close_port(const struct port *port, const struct conf_listen *l)
{
	close(port->fd);
	if (l->unix_path != NULL && !port->is_inherited)
		unlink(l->unix_path);
}

/* ---- all ---- */

static bool
open_one(
	struct ports *p, const struct conf_listen *l, const struct account *owner, struct port *port, struct buf *error)
{
	port->fd = take_inherited(p, l);
	port->is_inherited = port->fd >= 0;
	if (port->fd < 0)
		port->fd = listen_open(l, owner, error);
	return port->fd >= 0;
}

bool
ports_open(struct ports *p, const struct conf *conf, const struct account *owner, struct buf *error)
{
	struct port *v = xcalloc(conf->n_listen, sizeof *v);
	size_t n;

	for (n = 0; n < conf->n_listen; n++) {
		const struct port *open = find_open(p, &conf->listen[n], v, n);
		if (open != NULL)
			v[n] = *open;
		else if (!open_one(p, &conf->listen[n], owner, &v[n], error))
			break;
	}
	if (n < conf->n_listen || !are_all_taken(p, error)) {
		while (n-- > 0)
			if (!is_taken(p->v, p->n, v[n].fd))
				close_port(&v[n], &conf->listen[n]);
		free(v);
		return false;
	}
	for (size_t i = 0; i < p->n; i++)
		if (!is_taken(v, n, p->v[i].fd))
			close_port(&p->v[i], &p->conf->listen[i]);
	free(p->v);
	conf_unref(p->conf);
	p->v = v;
	p->n = n;
	p->conf = conf_ref(conf);
	return true;
}

void
ports_close(struct ports *p)
{
	for (size_t i = 0; i < p->n; i++)
		close_port(&p->v[i], &p->conf->listen[i]);
	free(p->v);
	free(p->inherited);
	conf_unref(p->conf);
	*p = (struct ports){0};
}
