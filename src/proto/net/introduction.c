#include "proto/net/introduction.h"

#include <stdio.h>
#include <string.h>

#include "base/fatal.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define HEAD 16 /* bytes of version 2 in front of the addresses */
#define DOMAIN_MAX 255

enum {
	LOCAL = 0x20,
	PROXY = 0x21,
	TCP4 = 0x11,
	TCP6 = 0x21,
	TYPE_AUTHORITY = 0x02,
	TYPE_SSL = 0x20,
	CLIENT_SSL = 0x01, /* it connected over TLS */
};

/* Who is introduced: the client, or we where it has no address. */
static const unsigned char *
whose(const struct introduction *i, uint16_t *port)
{
	if (i->client == NULL || i->client->kind != PEER_ADDRESS) {
		*port = i->self_port;
		return i->self;
	}
	*port = i->client->port;
	return i->client->address;
}

/* Both addresses are of one family: where one is IPv6, the other is its mapped form. */
static size_t
write_text(const struct introduction *i, char *out)
{
	char from[NETWORK_TEXT], to[NETWORK_TEXT];
	uint16_t port;
	const unsigned char *who = whose(i, &port);
	bool is_4 = network_is_ipv4(who) && network_is_ipv4(i->server);
	int n;

	network_text(who, from);
	network_text(i->server, to);
	n = snprintf(out, INTRODUCTION_MAX, "PROXY %s %s%s %s%s %u %u\r\n", is_4 ? "TCP4" : "TCP6",
		!is_4 && network_is_ipv4(who) ? "::ffff:" : "", from,
		!is_4 && network_is_ipv4(i->server) ? "::ffff:" : "", to, (unsigned) port, (unsigned) i->server_port);
	return (size_t) n;
}

static char *
put(char *out, const void *bytes, size_t n)
{
	memcpy(out, bytes, n);
	return out + n;
}

static char *
put_16(char *out, size_t value)
{
	*out++ = (char) (value >> 8);
	*out++ = (char) value;
	return out;
}

/* And their family. */
static char *
put_addresses(const struct introduction *i, char *family, char *out)
{
	uint16_t port;
	const unsigned char *who = whose(i, &port);
	bool is_4 = network_is_ipv4(who) && network_is_ipv4(i->server);
	size_t skip = is_4 ? NETWORK_BYTES - 4 : 0;

	*family = is_4 ? TCP4 : TCP6;
	out = put(out, who + skip, NETWORK_BYTES - skip);
	out = put(out, i->server + skip, NETWORK_BYTES - skip);
	return put_16(put_16(out, port), i->server_port);
}

static char *
put_tlvs(const struct introduction *i, char *out)
{
	/* Flags, then whether a certificate of the client's was verified, which it was not: 0 would say so. */
	static const char secure[] = {CLIENT_SSL, 0, 0, 0, 1};

	must(i->domain.n > 0 && i->domain.n <= DOMAIN_MAX);
	*out++ = TYPE_AUTHORITY;
	out = put(put_16(out, i->domain.n), i->domain.p, i->domain.n);
	if (i->client == NULL || !i->client->is_secure)
		return out;
	*out++ = TYPE_SSL;
	return put(put_16(out, sizeof secure), secure, sizeof secure);
}

static size_t
write_binary(const struct introduction *i, char *out)
{
	char *p = put(out, SIGNATURE, sizeof SIGNATURE - 1), *end = out + HEAD;

	*p++ = i->client != NULL ? PROXY : LOCAL;
	end = put_addresses(i, p++, end);
	end = put_tlvs(i, end);
	put_16(p, (size_t) (end - out) - HEAD);
	return (size_t) (end - out);
}

size_t
introduction_write(const struct introduction *i, char out[INTRODUCTION_MAX])
{
	return i->version == 1 ? write_text(i, out) : write_binary(i, out);
}
