#include "worker/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "worker/holder.h"

#define BACKLOG 1024
#define DEFER_SECONDS 1 /* the kernel holds a connection back until its request is there, for about as long */

/* Closes without losing errno. */
static int
give_up(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

static int
open_tcp(const struct sockaddr *address, socklen_t n)
{
	int one = 1, zero = 0, defer = DEFER_SECONDS;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer);
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, address, n) != 0 || listen(fd, BACKLOG) != 0)
		return give_up(fd);
	return fd;
}

/* "*" is every address of both families; where there is no IPv6, of IPv4. */
static int
open_any(uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = open_tcp((const struct sockaddr *) &v6, sizeof v6);

	if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
		fd = open_tcp((const struct sockaddr *) &v4, sizeof v4);
	return fd;
}

static int
open_named(const char *address, uint16_t port, struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
	char service[8];
	int fd, status;

	snprintf(service, sizeof service, "%u", (unsigned) port);
	status = getaddrinfo(address, service, &hints, &found);
	if (status != 0) {
		buf_printf(error,
			"cannot listen on %s:%u: %s; write an address of this machine, or \"*\" for all of them",
			address, (unsigned) port, gai_strerror(status));
		return -1;
	}
	fd = open_tcp(found->ai_addr, found->ai_addrlen);
	status = errno;
	freeaddrinfo(found);
	errno = status;
	return fd;
}

static const char *
tcp_cure(int error)
{
	switch (error) {
	case EACCES:
		return "; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has this address";
	case EAFNOSUPPORT:
		return "; this machine has no IPv6";
	default:
		return "";
	}
}

static int
listen_tcp(const struct conf_listen *l, struct buf *error)
{
	bool is_star = strcmp(l->address, "*") == 0, is_v6 = strchr(l->address, ':') != NULL;
	int fd = is_star ? open_any(l->port) : open_named(l->address, l->port, error);
	int why = errno;

	if (fd >= 0 || error->n > 0)
		return fd;
	buf_printf(error, is_v6 ? "cannot listen on [%s]:%u: %s" : "cannot listen on %s:%u: %s", l->address,
		(unsigned) l->port, strerror(why));
	if (why != EADDRINUSE)
		buf_append_str(error, tcp_cure(why));
	else if (holder_of_port(l->port, error))
		buf_append_str(error, "; free it, or choose another port");
	else
		buf_printf(error, "; free it (as root, \"ss -ltnp sport = :%u\" names it), or choose another port",
			(unsigned) l->port);
	return -1;
}

/* Unix sockets ---------------------------------------------------------- */

static bool
is_answering(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* EAGAIN: somebody listens, and has more to accept than he may have. */
	bool is_answering =
		fd >= 0 && (connect(fd, (const struct sockaddr *) address, sizeof *address) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return is_answering;
}

/*
 * We may be root, in a directory of somebody else's: what the path leads to is
 * not looked at again once the socket has been made, but for its owner, and
 * then no link is followed.  Nobody connects before that.
 */
static int
open_unix(const struct sockaddr_un *address, unsigned mode, uid_t uid, gid_t gid)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t before;
	int status;

	if (fd < 0)
		return -1;
	before = umask((mode_t) (~mode & 0777));
	status = bind(fd, (const struct sockaddr *) address, sizeof *address);
	umask(before);
	if (status != 0)
		return give_up(fd);
	if (((uid != geteuid() || gid != getegid()) && lchown(address->sun_path, uid, gid) != 0) ||
		listen(fd, BACKLOG) != 0) {
		status = errno;
		unlink(address->sun_path);
		errno = status;
		return give_up(fd);
	}
	return fd;
}

/* False: one of them is not known, and error says which. */
static bool
find_owner(const struct conf_listen *l, const struct account *otherwise, uid_t *uid, gid_t *gid, struct buf *error)
{
	struct account owner = *otherwise;

	if (l->owner != NULL && !account_find(l->owner, &owner)) {
		buf_printf(error, "there is no user %s; change \"owner\"", l->owner);
		return false;
	}
	*uid = owner.uid;
	*gid = owner.gid;
	if (l->group == NULL || account_find_group(l->group, gid))
		return true;
	buf_printf(error, "there is no group %s; change \"group\"", l->group);
	return false;
}

static const char *
unix_cure(int error)
{
	switch (error) {
	case EPERM:
		return "; only root can give a socket to another owner or group";
	case EACCES:
		return "; the user that culvert runs as may not make files there: change the directory's owner, or the path";
	case ENOENT:
		return "; make its directory first";
	case ENOTDIR:
		return "; a part of the path is a file";
	case EROFS:
		return "; choose a path below /run";
	default:
		return "";
	}
}

/* A socket that a daemon left behind is replaced; one that somebody answers on is not, nor is anything else. */
static int
listen_unix(const struct conf_listen *l, const struct account *owner, struct buf *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	uid_t uid;
	gid_t gid;
	int fd;

	buf_printf(error, "cannot listen on %s: ", l->unix_path);
	if (!find_owner(l, owner, &uid, &gid, error))
		return -1;
	if (strlen(l->unix_path) >= sizeof address.sun_path) {
		buf_printf(error, "the path of a socket may have %zu bytes", sizeof address.sun_path - 1);
		return -1;
	}
	memcpy(address.sun_path, l->unix_path, strlen(l->unix_path) + 1);
	if (lstat(l->unix_path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		buf_printf(error, "there is %s, no socket; remove it, or choose another path",
			S_ISDIR(st.st_mode)            ? "a directory"
				: S_ISLNK(st.st_mode)  ? "a symbolic link"
				: S_ISFIFO(st.st_mode) ? "a FIFO"
				: S_ISREG(st.st_mode)  ? "a file"
						       : "a device");
		return -1;
	}
	if (is_answering(&address)) {
		buf_append_str(error, strerror(EADDRINUSE));
		holder_of_socket(l->unix_path, error);
		buf_append_str(error, "; free it, or choose another path");
		return -1;
	}
	unlink(l->unix_path);
	fd = open_unix(&address, l->mode, uid, gid);
	if (fd < 0)
		buf_printf(error, "%s%s", strerror(errno), unix_cure(errno));
	else
		buf_clear(error, 0);
	return fd;
}

int
listen_open(const struct conf_listen *l, const struct account *owner, struct buf *error)
{
	return l->unix_path != NULL ? listen_unix(l, owner, error) : listen_tcp(l, error);
}

/* Opened by somebody else ----------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
	struct sockaddr_un local;
	struct sockaddr_storage room;
};

static bool
is_any(const union address *a)
{
	return a->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&a->ip6.sin6_addr)
					    : a->ip4.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* The addresses alone, not the ports. */
static bool
is_same_address(const union address *a, const struct sockaddr *b)
{
	const struct sockaddr_in *ip4 = (const struct sockaddr_in *) (const void *) b;
	const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *) (const void *) b;

	if (a->any.sa_family != b->sa_family)
		return false;
	return b->sa_family == AF_INET6 ? memcmp(&a->ip6.sin6_addr, &ip6->sin6_addr, sizeof ip6->sin6_addr) == 0
					: a->ip4.sin_addr.s_addr == ip4->sin_addr.s_addr;
}

static bool
is_named(const union address *a, const char *name)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
	bool is_same = false;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *i = found; i != NULL && !is_same; i = i->ai_next)
		is_same = is_same_address(a, i->ai_addr);
	freeaddrinfo(found);
	return is_same;
}

bool
listen_is_at(int fd, const struct conf_listen *l)
{
	union address a = {.room = {.ss_family = AF_UNSPEC}};
	socklen_t n = sizeof a;

	if (getsockname(fd, &a.any, &n) != 0)
		return false;
	if (l->unix_path != NULL)
		return a.any.sa_family == AF_UNIX &&
			strncmp(a.local.sun_path, l->unix_path, sizeof a.local.sun_path) == 0;
	if (a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)
		return false;
	if (l->port != 0 && l->port != ntohs(a.any.sa_family == AF_INET6 ? a.ip6.sin6_port : a.ip4.sin_port))
		return false;
	return strcmp(l->address, "*") == 0 ? is_any(&a) : is_named(&a, l->address);
}
