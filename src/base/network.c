#include "base/network.h"

#include <arpa/inet.h>

#include "base/fatal.h"

#define IPV4_BITS 32
#define MAPPED_BITS 96 /* in front of the address proper */

void
network_map(const void *ipv4, unsigned char address[NETWORK_BYTES])
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, ipv4, 4);
}

bool
network_address(struct slice text, unsigned char address[NETWORK_BYTES])
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char ipv4[4];

	if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET6, copy, address) == 1)
		return true;
	if (inet_pton(AF_INET, copy, ipv4) != 1)
		return false;
	network_map(ipv4, address);
	return true;
}

bool
network_is_ipv4(const unsigned char address[NETWORK_BYTES])
{
	static const unsigned char mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, sizeof mapped) == 0;
}

void
network_text(const unsigned char address[NETWORK_BYTES], char text[NETWORK_TEXT])
{
	const char *written = network_is_ipv4(address)
		? inet_ntop(AF_INET, address + MAPPED_BITS / 8, text, NETWORK_TEXT)
		: inet_ntop(AF_INET6, address, text, NETWORK_TEXT);

	must(written != NULL);
}

static unsigned
bit(const unsigned char address[NETWORK_BYTES], unsigned i)
{
	return address[i / 8] >> (7 - i % 8) & 1;
}

bool
network_parse(struct slice text, struct network *n)
{
	struct slice address, behind;
	bool has_prefix = slice_cut(text, '/', &address, &behind);
	bool is_ipv4 = address.n > 0 && memchr(address.p, ':', address.n) == NULL;
	unsigned bits = is_ipv4 ? IPV4_BITS : 8 * NETWORK_BYTES;
	struct network read = {.bits = 0};
	uint64_t prefix = bits;

	if (!network_address(address, read.address))
		return false;
	if (has_prefix && !slice_number(behind, bits, &prefix))
		return false;
	read.bits = (unsigned) prefix + (is_ipv4 ? MAPPED_BITS : 0);
	for (unsigned i = read.bits; i < 8 * NETWORK_BYTES; i++)
		if (bit(read.address, i))
			return false;
	*n = read;
	return true;
}

bool
network_has(const struct network *n, const unsigned char address[NETWORK_BYTES])
{
	unsigned rest = n->bits % 8;

	if (memcmp(n->address, address, n->bits / 8) != 0)
		return false;
	return rest == 0 || (n->address[n->bits / 8] ^ address[n->bits / 8]) >> (8 - rest) == 0;
}
