#include "proto/net/special.h"

#include "base/fatal.h"

#define NAT64_HEAD 12 /* bytes in front of the address of IPv4 (RFC 6052, 2.2) */

static const char nat64[] = "NAT64", mapped[] = "IPv4-mapped";

struct range {
	const char *network, *kind;
};

static const struct range ip4[] = {
	{"0.0.0.0/8", "this network"},
	{"10.0.0.0/8", "private"},
	{"100.64.0.0/10", "shared"},
	{"127.0.0.0/8", "loopback"},
	{"169.254.0.0/16", "link-local"},
	{"172.16.0.0/12", "private"},
	{"192.0.0.0/24", "protocol assignments"},
	{"192.0.2.0/24", "documentation"},
	{"192.88.99.0/24", "6to4"},
	{"192.168.0.0/16", "private"},
	{"198.18.0.0/15", "benchmarking"},
	{"198.51.100.0/24", "documentation"},
	{"203.0.113.0/24", "documentation"},
	{"224.0.0.0/4", "multicast"},
	{"240.0.0.0/4", "reserved"},
};

static const struct range ip6[] = {
	{"::/128", "unspecified"},
	{"::1/128", "loopback"},
	{"64:ff9b::/96", nat64},
	{"64:ff9b:1::/48", "local NAT64"},
	{"100::/64", "discard"},
	{"2001::/23", "protocol assignments"}, /* Teredo, benchmarking and ORCHID are in it */
	{"2001:db8::/32", "documentation"},
	{"2002::/16", "6to4"},
	{"3fff::/20", "documentation"},
	{"fc00::/7", "private"},
	{"fe80::/10", "link-local"},
	{"fec0::/10", "site-local"},
	{"ff00::/8", "multicast"},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool
is_in(const unsigned char address[NETWORK_BYTES], const char *text)
{
	struct network n;

	must(network_parse(slice_str(text), &n));
	return network_has(&n, address);
}

static const char *
kind_of(const unsigned char address[NETWORK_BYTES], const struct range *range, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(address, range[i].network))
			return range[i].kind;
	return NULL;
}

static const char *
special_kind(const unsigned char address[NETWORK_BYTES], bool is_ip6)
{
	const char *kind;

	if (network_is_ipv4(address)) {
		kind = kind_of(address, ip4, COUNT(ip4));
		return kind == NULL && is_ip6 ? mapped : kind;
	}
	kind = kind_of(address, ip6, COUNT(ip6));
	return kind == NULL && !is_in(address, "2000::/3") ? "reserved" : kind;
}

const char *
special_refused(const unsigned char address[NETWORK_BYTES], bool is_ip6, const struct network *allowed, size_t n)
{
	const char *kind = special_kind(address, is_ip6);
	unsigned char within[NETWORK_BYTES];

	for (size_t i = 0; kind != NULL && i < n; i++) {
		if (!network_has(&allowed[i], address))
			continue;
		if (kind != nat64)
			return NULL;
		network_map(address + NAT64_HEAD, within);
		return special_refused(within, false, allowed, n);
	}
	return kind;
}

bool
special_has_port(uint16_t port)
{
	return port == 443 || port == 5222 || port == 5223 || port >= 1024;
}
