#include "conf/meta.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "conf/conf_value.h"
#include "conf/json.h"

#define ASCII_MAX 1024 /* room for a domain's A-label form */
#define HTTPS "https://"

/* The host of "host:port"; an IPv6 address keeps its brackets, and is no domain of ours anyway. */
static struct slice
without_port(struct slice host)
{
	struct slice port;

	if (host.n == 0 || host.p[0] != '[')
		slice_cut(host, ':', &host, &port);
	return host;
}

static bool
is_served(const struct conf *c, struct slice domain, const struct hooks *hooks)
{
	char ascii[ASCII_MAX];

	if (domain.n == 0)
		return false;
	if (conf_find_domain(c, domain) != NULL)
		return true;
	if (hooks == NULL || hooks->to_ascii == NULL || !hooks->to_ascii(hooks->arg, domain, ascii, sizeof ascii))
		return false;
	return conf_find_domain(c, slice_str(ascii)) != NULL;
}

/*
 * A proxy in front knows better than its own request what the client asked
 * for.  Who fetches https://DOMAIN/.well-known/host-meta names the domain by
 * that; ?domain= is for those who ask somewhere else.
 */
enum meta_answer
meta_ask(const struct conf *c, const struct meta_question *q, const struct hooks *hooks, char base[META_BASE_MAX],
	bool *is_derived)
{
	struct slice host = slice_trim(slice_is_set(q->forwarded_host) ? q->forwarded_host : q->host);
	struct slice domain = slice_is_set(q->domain) ? q->domain : without_port(host);
	char *lower;

	if (!is_served(c, domain, hooks))
		return META_NO_DOMAIN;
	*is_derived = c->public_url == NULL;
	if (c->public_url != NULL) {
		must(snprintf(base, META_BASE_MAX, "%s", c->public_url) < META_BASE_MAX);
		return META_FOUND;
	}
	if (!q->is_secure || !conf_is_web_host(host) || host.n + sizeof HTTPS > META_BASE_MAX)
		return META_NO_URL;
	lower = conf_lower(host);
	snprintf(base, META_BASE_MAX, HTTPS "%s", lower);
	free(lower);
	return META_FOUND;
}

struct link {
	const char *rel, *scheme;
	const struct conf_list *paths;
};

#define LINKS 2

/* Of several paths the first is made known: the others are there for clients that know them already. */
static size_t
find_links(const struct conf *c, struct link link[LINKS])
{
	size_t n = 0;

	if (c->bosh_paths.n > 0)
		link[n++] = (struct link){"urn:xmpp:alt-connections:xbosh", "https", &c->bosh_paths};
	if (c->websocket_paths.n > 0)
		link[n++] = (struct link){"urn:xmpp:alt-connections:websocket", "wss", &c->websocket_paths};
	return n;
}

static void
append_url(struct buf *out, const struct link *link, const char *base)
{
	buf_printf(out, "%s%s%s", link->scheme, base + strlen("https"), link->paths->v[0]);
}

/* Hosts and paths are of characters that mean nothing inside double quotes; conf_value.c lets no others in. */
void
meta_xrd(const struct conf *c, const char *base, struct buf *out)
{
	struct link link[LINKS];
	size_t n = find_links(c, link);

	buf_append_str(out,
		"<?xml version='1.0' encoding='utf-8'?>\n"
		"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "\t<Link rel=\"%s\" href=\"", link[i].rel);
		append_url(out, &link[i], base);
		buf_append_str(out, "\"/>\n");
	}
	buf_append_str(out, "</XRD>\n");
}

void
meta_jrd(const struct conf *c, const char *base, struct buf *out)
{
	struct link link[LINKS];
	size_t n = find_links(c, link);
	struct json *j = json_new(out);
	struct buf url;

	json_object(j);
	json_key(j, "links");
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		buf_init(&url, BUF_UNLIMITED);
		append_url(&url, &link[i], base);
		json_object(j);
		json_key(j, "rel");
		json_string(j, slice_str(link[i].rel));
		json_key(j, "href");
		json_string(j, buf_slice(&url));
		json_end_object(j);
		buf_fini(&url);
	}
	json_end_array(j);
	json_end_object(j);
	json_free(j);
}
