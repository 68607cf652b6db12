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

void
peer_set_nobody(struct peer *peer, const char *text)
{
	memset(peer->address, 0, NETWORK_BYTES);
	peer->is_client = false;
	snprintf(peer->text, sizeof peer->text, "%s", text);
}
