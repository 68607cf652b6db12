#include "base/peer.h"

#include <stdio.h>
#include <string.h>

/* What is left of an address when only its network is told: one site, not one household or person. */
#define NETWORK_BITS_4 24
#define NETWORK_BITS_6 48

void
peer_set_address(struct peer *peer, const unsigned char address[NETWORK_BYTES], uint16_t port)
{
	peer->kind = PEER_ADDRESS;
	memcpy(peer->address, address, NETWORK_BYTES);
	peer->port = port;
}

void
peer_set_nobody(struct peer *peer, enum peer_kind kind)
{
	peer->kind = kind;
	memset(peer->address, 0, NETWORK_BYTES);
	peer->port = 0;
	peer->is_client = false;
}

static void
write_address(char *out, const struct peer *peer)
{
	char text[NETWORK_TEXT];

	network_text(peer->address, text);
	if (peer->port == 0)
		snprintf(out, PEER_TEXT, "%s", text);
	else
		snprintf(out, PEER_TEXT, strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u", text, (unsigned) peer->port);
}

static void
write_network(char *out, const struct peer *peer)
{
	bool is_ipv4 = network_is_ipv4(peer->address);
	unsigned bits = is_ipv4 ? NETWORK_BITS_4 : NETWORK_BITS_6;
	unsigned char address[NETWORK_BYTES] = {0};
	char text[NETWORK_TEXT];

	memcpy(address, peer->address, (is_ipv4 ? NETWORK_BYTES - 4 : 0) + bits / 8);
	network_text(address, text);
	snprintf(out, PEER_TEXT, "%s/%u", text, bits);
}

struct peer_text
log_peer(const struct log *log, const struct peer *peer)
{
	static const char *const nobody[PEER_KINDS] = {[PEER_UNKNOWN] = "unknown", [PEER_UNIX] = "unix"};
	struct peer_text t;

	if (nobody[peer->kind] != NULL)
		snprintf(t.text, sizeof t.text, "%s", nobody[peer->kind]);
	else if (log->addresses == LOG_ADDRESSES_FULL)
		write_address(t.text, peer);
	else if (log->addresses == LOG_ADDRESSES_NETWORK)
		write_network(t.text, peer);
	else
		snprintf(t.text, sizeof t.text, "-");
	return t;
}
