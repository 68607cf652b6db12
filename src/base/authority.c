#include "base/authority.h"

#include "base/network.h"

static bool
is_ipv6(struct slice s)
{
	unsigned char address[NETWORK_BYTES];

	return s.n > 0 && memchr(s.p, ':', s.n) != NULL && network_address(s, address);
}

static bool
split(struct slice s, struct slice *host, uint16_t *port, bool may_have_scope)
{
	struct slice rest, address, scope;
	uint64_t number;

	if (s.n > 0 && s.p[0] == '[') {
		if (!slice_cut(slice_of(s.p + 1, s.n - 1), ']', host, &rest))
			return false;
		address = *host;
		if (may_have_scope)
			slice_cut(*host, '%', &address, &scope);
		if (!is_ipv6(address))
			return false;
		if (rest.n == 0)
			return true;
		if (rest.p[0] != ':')
			return false;
		rest = slice_of(rest.p + 1, rest.n - 1);
	} else if (!slice_cut(s, ':', host, &rest)) {
		return true;
	}
	if (!slice_number(rest, UINT16_MAX, &number))
		return false;
	*port = (uint16_t) number;
	return true;
}

bool
authority_split(struct slice s, struct slice *host, uint16_t *port)
{
	return split(s, host, port, false);
}

bool
authority_split_scoped(struct slice s, struct slice *host, uint16_t *port)
{
	return split(s, host, port, true);
}
