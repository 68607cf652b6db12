#include "worker/control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/log.h"

#define PREFIX "culvert:"
#define BACKLOG 16
#define CLIENTS (CONTROL_FDS - 1)
#define WORDS_MAX ((size_t) 32 << 10) /* of an answer; what is longer is cut */
#define WAIT_MS 60000

static const char good = '0', bad = '1';

/* Which file, so that two culverts whose files have the same path in different worlds are not mixed up. */
struct request {
	char word[8];
	uint64_t device, inode;
};

enum client_state {
	CLIENT_NONE,
	CLIENT_SILENT,  /* has connected */
	CLIENT_ASKED,   /* for the next reload */
	CLIENT_WAITING, /* for the one that is under way */
};

struct client {
	enum client_state state;
	int fd;
};

struct control {
	int fd;
	char *file;
	struct client client[CLIENTS];
};

/* ---- both ends ---- */

/* False: errno says why there is no such name. */
static bool
name_of(const char *file, struct sockaddr_un *address, socklen_t *n)
{
	char *path = realpath(file, NULL);
	size_t length = path != NULL ? strlen(path) : 0;

	if (path == NULL)
		return false;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (1 + strlen(PREFIX) + length > sizeof address->sun_path) {
		free(path);
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address->sun_path + 1, PREFIX, strlen(PREFIX));
	memcpy(address->sun_path + 1 + strlen(PREFIX), path, length);
	*n = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(PREFIX) + length);
	free(path);
	return true;
}

static bool
describe(const char *file, struct request *r)
{
	struct stat st;

	*r = (struct request){.word = "reload"};
	if (stat(file, &st) != 0)
		return false;
	r->device = st.st_dev;
	r->inode = st.st_ino;
	return true;
}

static bool
is_user(int fd, uid_t another)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid() || peer.uid == another);
}

/* ---- the keeper's end ---- */

struct control *
control_open(const char *file)
{
	struct sockaddr_un address;
	struct control *c;
	socklen_t n;
	int fd;

	if (!name_of(file, &address, &n))
		return NULL;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return NULL;
	if (bind(fd, (const struct sockaddr *) &address, n) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return NULL;
	}
	c = xcalloc(1, sizeof *c);
	c->fd = fd;
	c->file = xstrdup(file);
	return c;
}

static void
drop(struct client *client)
{
	if (client->state != CLIENT_NONE)
		close(client->fd);
	client->state = CLIENT_NONE;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		drop(&c->client[i]);
	close(c->fd);
	free(c->file);
	free(c);
}

size_t
control_fds(const struct control *c, struct pollfd *p)
{
	size_t n = 0;

	if (c == NULL)
		return 0;
	for (size_t i = 0; i < CLIENTS; i++)
		if (c->client[i].state != CLIENT_NONE)
			p[n++] = (struct pollfd){.fd = c->client[i].fd, .events = POLLIN};
	if (n < CLIENTS)
		p[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	return n;
}

static void
accept_one(struct control *c)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &c->client[i];
		if (client->state != CLIENT_NONE)
			continue;
		client->fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client->fd < 0)
			return;
		client->state = CLIENT_SILENT;
		if (!is_user(client->fd, 0))
			drop(client);
		return;
	}
}

static void
answer(struct client *client, char status, struct slice words)
{
	char *text = xmalloc(1 + WORDS_MAX);
	size_t n = words.n < WORDS_MAX ? words.n : WORDS_MAX;

	text[0] = status;
	if (n > 0)
		memcpy(text + 1, words.p, n);
	(void) send(client->fd, text, 1 + n, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(text);
	drop(client);
}

/* Reads what a client says, once; whoever says more, or leaves, is forgotten. */
static bool
hear(const struct control *c, struct client *client)
{
	struct request asked, own;
	ssize_t n = recv(client->fd, &asked, sizeof asked, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (client->state != CLIENT_SILENT || n != (ssize_t) sizeof asked) {
		drop(client);
		return false;
	}
	(void) describe(c->file, &own);
	if (memcmp(&asked, &own, sizeof own) != 0) {
		answer(client, bad, SLICE("the culvert that runs has another file at this path\n"));
		return false;
	}
	client->state = CLIENT_ASKED;
	return true;
}

bool
control_step(struct control *c)
{
	bool is_asked = false;

	if (c == NULL)
		return false;
	for (size_t i = 0; i < CLIENTS; i++)
		if (c->client[i].state != CLIENT_NONE && hear(c, &c->client[i]))
			is_asked = true;
	accept_one(c);
	return is_asked;
}

void
control_begin(struct control *c)
{
	for (size_t i = 0; c != NULL && i < CLIENTS; i++)
		if (c->client[i].state == CLIENT_ASKED)
			c->client[i].state = CLIENT_WAITING;
}

void
control_end(struct control *c, bool is_good, struct slice words)
{
	for (size_t i = 0; c != NULL && i < CLIENTS; i++)
		if (c->client[i].state == CLIENT_WAITING)
			answer(&c->client[i], is_good ? good : bad, words);
}

/* ---- the command's end ---- */

static int
fail(const char *file, const char *what, const char *cure)
{
	fprintf(stderr, "culvert: %s: %s; %s\n", file, what, cure);
	return EXIT_FAILURE;
}

static int
not_reached(const char *file)
{
	if (errno == ECONNREFUSED)
		return fail(file, "no culvert runs with this file",
			"name the file that it was started with; \"systemctl status culvert\" or \"ps\" shows it");
	if (errno == ENOENT)
		return fail(file, strerror(errno), "name the file that culvert was started with");
	return fail(file, strerror(errno), "SIGHUP to culvert is another way to have it read its file again");
}

/* Some of it comes from a process that the network speaks to: nothing in it may steer a terminal. */
static void
make_plain(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char) text[i] == 0x7f || ((unsigned char) text[i] < 0x20 && text[i] != '\n'))
			text[i] = '?';
}

static int
hear_answer(int fd, const char *file)
{
	char *text = xmalloc(1 + WORDS_MAX);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, WAIT_MS) > 0 ? recv(fd, text, 1 + WORDS_MAX, 0) : -1;
	int status = EXIT_FAILURE;

	if (n > 0) {
		make_plain(text + 1, (size_t) n - 1);
		status = text[0] == good ? EXIT_SUCCESS : EXIT_FAILURE;
		fwrite(text + 1, 1, (size_t) n - 1, status == EXIT_SUCCESS ? stdout : stderr);
		if (fflush(stdout) != 0)
			status = EXIT_FAILURE;
	} else if (n == 0 || errno == ECONNRESET) {
		fail(file, "culvert ended meanwhile, or listens to another user only", "see its log");
	} else {
		fail(file, "culvert has not answered in time", "see its log; it may still do what was asked");
	}
	free(text);
	return status;
}

int
control_reload(const char *file)
{
	struct sockaddr_un address;
	struct request request;
	struct stat st;
	socklen_t n;
	int fd, status;

	if (stat(file, &st) != 0 || !describe(file, &request) || !name_of(file, &address, &n))
		return not_reached(file);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return not_reached(file);
	if (connect(fd, (const struct sockaddr *) &address, n) != 0)
		status = not_reached(file);
	else if (!is_user(fd, st.st_uid))
		status = fail(file, "somebody else answers", "see \"ss -xlp\" for who it is");
	else if (send(fd, &request, sizeof request, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		status = not_reached(file);
	else
		status = hear_answer(fd, file);
	close(fd);
	return status;
}
