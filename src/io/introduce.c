#include "io/introduce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/net/introduction.h"

typedef int ask(int fd, struct sockaddr *address, socklen_t *n);

/* One end of the connection, by getsockname() or getpeername(). */
static bool
take_end(int fd, ask *whose, unsigned char out[NETWORK_BYTES], uint16_t *port)
{
	struct sockaddr_storage address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) &address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) &address;
	socklen_t n = sizeof address;

	if (whose(fd, (struct sockaddr *) &address, &n) != 0)
		return false;
	if (address.ss_family == AF_INET) {
		network_map(&v4->sin_addr, out);
		*port = ntohs(v4->sin_port);
	} else {
		memcpy(out, &v6->sin6_addr, NETWORK_BYTES);
		*port = ntohs(v6->sin6_port);
	}
	return true;
}

/* A new connection has room for so little. */
const char *
introduce(int fd, const struct conf_domain *domain, const struct peer *client, const struct listeners *own)
{
	struct introduction i = {
		.version = domain->proxy_protocol, .client = client, .domain = slice_str(domain->ascii)};
	char bytes[INTRODUCTION_MAX];
	size_t n;

	if (!take_end(fd, getsockname, i.self, &i.self_port) || !take_end(fd, getpeername, i.server, &i.server_port))
		return strerror(errno);
	if (own != NULL && listeners_have(own, i.self, i.server, i.server_port))
		return "that is culvert itself: add \"connect\" with the address of the XMPP server to the domain";
	if (domain->proxy_protocol == 0)
		return NULL;
	n = introduction_write(&i, bytes);
	return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t) n ? NULL : strerror(errno);
}
