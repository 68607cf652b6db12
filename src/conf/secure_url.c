#include "conf/secure_url.h"

#include <stdlib.h>

#include "conf/conf_value.h"

#define PORT_HTTPS 443

/* The host of "host:port"; an IPv6 address keeps its brackets. */
static struct slice
without_port(struct slice host)
{
	struct slice head, tail;

	if (host.n > 0 && host.p[0] == '[')
		return slice_of(host.p, (size_t) ((const char *) memchr(host.p, ']', host.n) + 1 - host.p));
	slice_cut(host, ':', &head, &tail);
	return head;
}

/* The host of public_url, or of one of the domains, or below one. */
static bool
is_known(const struct conf *c, struct slice name)
{
	struct slice origin = slice_str(c->public_origin);

	return slice_eq_nocase(name, without_port(slice_of(origin.p + 8, origin.n - 8))) || conf_has_name(c, name);
}

/* Only characters that mean the same to all, on the path of this host. */
static bool
is_plain(struct slice target)
{
	if (target.n == 0 || target.n > SECURE_URL_MAX || target.p[0] != '/')
		return false;
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= 0x20 || target.p[i] >= 0x7f || strchr("\"<>\\^`{|}", target.p[i]) != NULL)
			return false;
	return true;
}

bool
secure_url(const struct conf *c, uint16_t port, struct slice host, struct slice target, struct buf *out)
{
	bool is_sound = host.n > 0 && conf_is_web_host(host);
	struct slice name = is_sound ? without_port(host) : SLICE("");
	char *lower;

	if (c->public_origin != NULL && (!is_sound || !is_known(c, name))) {
		buf_append_str(out, c->public_origin);
	} else if (is_sound) {
		lower = conf_lower(name);
		buf_printf(out, "https://%s", lower);
		if (port != PORT_HTTPS)
			buf_printf(out, ":%u", (unsigned) port);
		free(lower);
	} else {
		return false;
	}
	buf_append(out, is_plain(target) ? target : SLICE("/"));
	return true;
}
