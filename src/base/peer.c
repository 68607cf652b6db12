#include "base/peer.h"

#include <stdio.h>
#include <string.h>

void
peer_set_address(struct peer *peer, const unsigned char address[NETWORK_BYTES], uint16_t port)
{
	char text[NETWORK_TEXT];
	bool has_colons;

	memcpy(peer->address, address, NETWORK_BYTES);
	peer->is_unix = false;
	network_text(address, text);
	has_colons = strchr(text, ':') != NULL;
	if (port == 0)
		snprintf(peer->text, sizeof peer->text, "%s", text);
	else
		snprintf(peer->text, sizeof peer->text, has_colons ? "[%s]:%u" : "%s:%u", text, (unsigned) port);
}

/* An IPv6 address without brackets has none behind it. */
uint16_t
peer_port(const struct peer *peer)
{
	const char *last = strrchr(peer->text, ':');
	uint64_t port = 0;

	if (last != NULL && (last == strchr(peer->text, ':') || peer->text[0] == '['))
		slice_number(slice_str(last + 1), UINT16_MAX, &port);
	return (uint16_t) port;
}

void
peer_set_nobody(struct peer *peer, const char *text)
{
	memset(peer->address, 0, NETWORK_BYTES);
	peer->is_client = false;
	snprintf(peer->text, sizeof peer->text, "%s", text);
}
