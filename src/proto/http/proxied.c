#include "proto/http/proxied.h"

void
proxied_begin(struct proxied *p, const struct proxied_rules *rules)
{
	*p = (struct proxied){.rules = rules};
	forwarded_begin(&p->forwarded, rules->kind, rules->trusted, rules->n_trusted);
}

static bool
is_chain(enum forwarded_kind kind, struct slice name)
{
	switch (kind) {
	case FORWARDED_FOR:
		return slice_eq_nocase(name, SLICE("x-forwarded-for"));
	case FORWARDED_RFC:
		return slice_eq_nocase(name, SLICE("forwarded"));
	case FORWARDED_NONE:
		break;
	}
	return false;
}

/* Of an upgrade some proxies say the scheme of WebSocket (RFC 6455, 11.1.2); Traefik does. */
static bool
is_secure(struct slice scheme)
{
	scheme = slice_trim(scheme);
	return slice_eq_nocase(scheme, SLICE("https")) || slice_eq_nocase(scheme, SLICE("wss"));
}

void
proxied_field(struct proxied *p, struct slice name, struct slice value)
{
	if (!p->rules->is_trusted)
		return;
	if (is_chain(p->rules->kind, name))
		forwarded_field(&p->forwarded, value);
	else if (slice_eq_nocase(name, SLICE("x-forwarded-proto")))
		p->is_https = p->protos++ == 0 && is_secure(value);
}

/*
 * Of a proxy that is believed it is the proxy's word that counts, also against
 * TLS between it and us; said twice, or with a list, it may be the client's own.
 */
struct peer
proxied_client(const struct proxied *p)
{
	struct peer client = *p->rules->peer;
	unsigned char address[NETWORK_BYTES];

	client.is_client = !p->rules->is_trusted && client.kind == PEER_ADDRESS;
	if (p->protos > 0)
		client.is_secure = p->is_https;
	switch (forwarded_client(&p->forwarded, address)) {
	case FORWARDED_NOBODY:
		break;
	case FORWARDED_ADDRESS:
		peer_set_address(&client, address, 0);
		client.is_client = !forwarded_is_trusted(&p->forwarded, address);
		break;
	case FORWARDED_UNKNOWN:
		peer_set_nobody(&client, PEER_UNKNOWN);
		break;
	}
	return client;
}
