#include "proto/http/origin.h"

#include "base/authority.h"
#include "base/fatal.h"
#include "base/network.h"

/* An Origin, or an entry of the list, in its parts. */
struct site {
	struct slice scheme;
	struct slice host; /* without brackets, and without the dot at the end of a name */
	uint16_t port;     /* the scheme's own when none is written; 0: it has none */
};

/* 0: it is none of the web's. */
static uint16_t
web_port(struct slice scheme)
{
	if (slice_eq_nocase(scheme, SLICE("https")))
		return 443;
	return slice_eq_nocase(scheme, SLICE("http")) ? 80 : 0;
}

/* "example.com." is example.com; browsers keep the dot, in Origin and in Host. */
static struct slice
without_dot(struct slice host)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

/* SCHEME://[HOST[:PORT]] */
static bool
site_read(struct slice s, struct site *site)
{
	struct slice rest;

	if (s.n > ORIGIN_MAX || !slice_cut(s, ':', &site->scheme, &rest) || !slice_has_prefix(rest, SLICE("//")))
		return false;
	rest = slice_of(rest.p + 2, rest.n - 2);
	site->port = web_port(site->scheme);
	if (!authority_split(rest, &site->host, &site->port))
		return false;
	if (web_port(site->scheme) != 0 ? site->host.n == 0 || site->port == 0 : site->host.n == 0 && rest.n > 0)
		return false;
	site->host = without_dot(site->host);
	return true;
}

static bool
is_label(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0;
}

/* Does the host of an entry mean this one?  "*." stands for exactly one label. */
static bool
has_host(struct slice entry, struct slice host)
{
	struct slice label, behind;

	if (!slice_has_prefix(entry, SLICE("*.")))
		return slice_eq_nocase(entry, host);
	return slice_cut(host, '.', &label, &behind) && is_label(label) &&
		slice_eq_nocase(slice_of(entry.p + 2, entry.n - 2), behind);
}

static bool
has_site(const struct site *entry, const struct site *site)
{
	return slice_eq_nocase(entry->scheme, site->scheme) && entry->port == site->port &&
		has_host(entry->host, site->host);
}

static bool
is_everybody(const struct origins *origins)
{
	for (size_t i = 0; i < origins->n; i++)
		if (strcmp(origins->v[i], "*") == 0)
			return true;
	return false;
}

enum origin_readers
origin_readers(const struct origins *origins, struct slice origin)
{
	struct site site, entry;

	if (is_everybody(origins))
		return ORIGIN_EVERYBODY;
	if (!site_read(origin, &site))
		return ORIGIN_NOBODY;
	for (size_t i = 0; i < origins->n; i++)
		if (site_read(slice_str(origins->v[i]), &entry) && has_site(&entry, &site))
			return ORIGIN_THIS;
	return ORIGIN_NOBODY;
}

bool
origin_readers_vary(const struct origins *origins)
{
	return origins->n > 0 && !is_everybody(origins);
}

/* Is the page's site what this Host means?  Whether the connection is encrypted as far as here says nothing. */
static bool
is_host_of(const struct site *site, struct slice host)
{
	struct slice name;
	uint16_t port = web_port(site->scheme);

	if (port == 0 || host.n == 0 || !authority_split(host, &name, &port))
		return false;
	return port == site->port && slice_eq_nocase(without_dot(name), site->host);
}

/* Names below it too never leave the machine (RFC 6761, 6.3). */
static bool
is_localhost(struct slice host)
{
	static const struct slice name = SLICE_INIT("localhost"), below = SLICE_INIT(".localhost");

	return slice_eq_nocase(host, name) ||
		(host.n > below.n && slice_eq_nocase(slice_of(host.p + host.n - below.n, below.n), below));
}

/* A host whose address nobody else can choose. */
static bool
is_known(const struct origins *origins, struct slice host)
{
	unsigned char address[NETWORK_BYTES];
	struct site entry;

	if (network_address(host, address) || is_localhost(host))
		return true;
	if (origins->own != NULL && site_read(slice_str(origins->own), &entry) && has_host(entry.host, host))
		return true;
	for (size_t i = 0; i < origins->n; i++)
		if (site_read(slice_str(origins->v[i]), &entry) && web_port(entry.scheme) != 0 &&
			has_host(entry.host, host))
			return true;
	return origins->has_name != NULL && origins->has_name(origins->arg, host);
}

enum origin_verdict
origin_judge(const struct origins *origins, const struct origin_asked *asked)
{
	struct site site, own;

	if (!slice_is_set(asked->origin) || origin_readers(origins, asked->origin) != ORIGIN_NOBODY)
		return ORIGIN_ALLOWED;
	if (!site_read(asked->origin, &site))
		return ORIGIN_OTHER_SITE;
	if (origins->own != NULL && site_read(slice_str(origins->own), &own) && has_site(&own, &site))
		return ORIGIN_ALLOWED;
	if (!is_host_of(&site, asked->host) && !is_host_of(&site, asked->forwarded_host))
		return ORIGIN_OTHER_SITE;
	return is_known(origins, site.host) ? ORIGIN_ALLOWED : ORIGIN_UNKNOWN_NAME;
}

const char *
origin_cure(enum origin_verdict verdict)
{
	must(verdict != ORIGIN_ALLOWED);
	if (verdict == ORIGIN_UNKNOWN_NAME)
		return "a page of the host that it connects to, by a name that is not known here: set public_url to the "
		       "address that browsers use, or add this Origin to origins";
	return "a page of another site: add this Origin to origins, if it may connect; if it is this very site, and a "
	       "proxy in front changed Host: set public_url";
}
