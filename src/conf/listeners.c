#include "conf/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"

static char *
describe(const struct listener *l)
{
	struct buf text;
	size_t n;

	if (l->conf->unix_path != NULL)
		return xstrdup(l->conf->unix_path);
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, strchr(l->conf->address, ':') != NULL ? "[%s]:%u" : "%s:%u", l->conf->address,
		(unsigned) l->port);
	buf_append_char(&text, '\0');
	return buf_take(&text, &n);
}

struct listeners *
listeners_new(const struct conf *conf)
{
	struct listeners *l = xcalloc(1, sizeof *l);

	l->conf = conf_ref(conf);
	l->n = conf->n_listen;
	l->v = xcalloc(l->n, sizeof *l->v);
	for (size_t i = 0; i < l->n; i++) {
		l->v[i] = (struct listener){.conf = &conf->listen[i], .port = conf->listen[i].port};
		l->v[i].text = describe(&l->v[i]);
	}
	return l;
}

void
listeners_free(struct listeners *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	conf_unref(l->conf);
	free(l);
}

void
listeners_opened(struct listeners *l, size_t index, uint16_t port)
{
	must(index < l->n);
	l->v[index].port = port;
	free(l->v[index].text);
	l->v[index].text = describe(&l->v[index]);
}

static bool
is_loopback(const unsigned char address[NETWORK_BYTES])
{
	struct network v4, v6;

	must(network_parse(SLICE("127.0.0.0/8"), &v4) && network_parse(SLICE("::1"), &v6));
	return network_has(&v4, address) || network_has(&v6, address);
}

/* Of a host name nobody knows here to what it led: any. */
static bool
is_at(const struct listener *l, const unsigned char address[NETWORK_BYTES])
{
	static const unsigned char any[NETWORK_BYTES];
	unsigned char own[NETWORK_BYTES], any_ipv4[NETWORK_BYTES];

	network_map(any, any_ipv4);
	if (!network_address(slice_str(l->conf->address), own))
		return true;
	return memcmp(own, address, NETWORK_BYTES) == 0 || memcmp(own, any, NETWORK_BYTES) == 0 ||
		memcmp(own, any_ipv4, NETWORK_BYTES) == 0;
}

bool
listeners_have(const struct listeners *l, const unsigned char self[NETWORK_BYTES],
	const unsigned char server[NETWORK_BYTES], uint16_t port)
{
	if (memcmp(self, server, NETWORK_BYTES) != 0 && !is_loopback(server))
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].conf->unix_path == NULL && l->v[i].port == port && is_at(&l->v[i], server))
			return true;
	return false;
}

const struct listener *
listeners_of(const struct listeners *l, const struct peer *peer)
{
	must(peer->listener < l->n);
	return &l->v[peer->listener];
}

bool
listener_hsts(const struct listener *l, char value[LISTENER_HSTS])
{
	if (l->conf->hsts == 0)
		return false;
	snprintf(value, LISTENER_HSTS, "max-age=%u", l->conf->hsts);
	return true;
}
