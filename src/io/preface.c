#include "io/preface.h"

#include <errno.h>
#include <sys/socket.h>

#include "proto/net/proxy_header.h"

/* A proxy that speaks for itself stays who it is; of one that does not say for whom, nothing is believed any more. */
static void
introduce(struct peer *peer, const struct proxy_header *h)
{
	switch (h->who) {
	case PROXY_HEADER_ITSELF:
		return;
	case PROXY_HEADER_ADDRESS:
		peer_set_address(peer, h->address, h->port);
		return;
	case PROXY_HEADER_UNKNOWN:
		peer_set_nobody(peer, PEER_UNKNOWN);
		return;
	}
}

enum preface
preface_take(int fd, struct peer *peer, const char **reason)
{
	char bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK);

	if (n < 0 && errno == EAGAIN)
		return PREFACE_MORE;
	if (n <= 0)
		return PREFACE_NOBODY;
	switch (proxy_header_read(&h, slice_of(bytes, (size_t) n))) {
	case PROXY_HEADER_MORE:
		return PREFACE_MORE;
	case PROXY_HEADER_DONE:
		if (recv(fd, bytes, h.n, 0) != (ssize_t) h.n)
			return PREFACE_NOBODY;
		introduce(peer, &h);
		return PREFACE_DONE;
	case PROXY_HEADER_BAD:
		break;
	}
	*reason = h.reason;
	return PREFACE_BAD;
}
