#include "conf/conf_value.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/authority.h"
#include "base/buf.h"
#include "base/fatal.h"

#define NODE_MAX 16
#define ACCOUNT_MAX 255 /* bytes of a name of a user or group */
#define DOMAIN_MAX 1023 /* bytes, RFC 7622, 3.2 */
#define HOST_MAX 253
#define SCOPE_MAX 15 /* characters of an interface's name */
#define URL_MAX 512
#define ORIGIN_MAX 300 /* no more than proto/http/origin.h reads */

/* Of response_headers: all together must fit into what the libraries keep for the head of an answer. */
#define FIELDS_MAX 8
#define FIELD_NAME_MAX 64
#define FIELD_VALUE_MAX 256

#define PORT "a port from 1 to 65535"

const char conf_dns_alone[] = "\"dns\" alone, or addresses alone";
const char conf_ascii_host[] = "the host in ASCII (xn--...)";

enum host_kind {
	HOST_BAD,
	HOST_NAME,
	HOST_IPV4,
	HOST_IPV6,
};

void
conf_list_add(struct conf_list *list, struct slice s)
{
	list->v = xrealloc(list->v, (list->n + 1) * sizeof *list->v);
	list->v[list->n++] = xstrndup(s.p, s.n);
}

char *
conf_lower(struct slice s)
{
	char *copy = xstrndup(s.p, s.n);

	for (char *p = copy; *p != '\0'; p++)
		*p = slice_lower(*p);
	return copy;
}

/* Host names ----------------------------------------------------------- */

static bool
is_literal(int family, struct slice s, void *address)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, address) == 1;
}

/*
 * A name is labels of letters, digits, '-' and '_' between dots; one whose
 * last label is a number would be taken for a strange way to write an
 * address, so it is none.
 */
static bool
is_host_name(struct slice s)
{
	bool has_letter = false;
	char last = '.';

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '.') {
			if (last == '.')
				return false;
			if (i + 1 < s.n)
				has_letter = false;
		} else if (!slice_is_letter(c) && !slice_is_digit(c) && c != '-' && c != '_') {
			return false;
		} else if (!slice_is_digit(c)) {
			has_letter = true;
		}
		last = c;
	}
	return has_letter;
}

static enum host_kind
host_kind(struct slice s)
{
	struct in6_addr address;

	if (is_literal(AF_INET, s, &address))
		return HOST_IPV4;
	if (is_literal(AF_INET6, s, &address))
		return HOST_IPV6;
	return is_host_name(s) ? HOST_NAME : HOST_BAD;
}

/* An IPv6 address with the interface behind which it is (RFC 4007, 11): "fe80::1%eth0". */
static bool
is_scoped(struct slice s)
{
	struct slice address, scope;

	if (!slice_cut(s, '%', &address, &scope) || host_kind(address) != HOST_IPV6 || scope.n == 0 ||
		scope.n > SCOPE_MAX)
		return false;
	for (size_t i = 0; i < scope.n; i++)
		if (!slice_is_letter(scope.p[i]) && !slice_is_digit(scope.p[i]) && strchr("-_.@", scope.p[i]) == NULL)
			return false;
	return true;
}

static bool
is_loopback(struct slice host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (is_literal(AF_INET, host, address))
		return address[0] == 127;
	if (is_literal(AF_INET6, host, address))
		return memcmp(address, &in6addr_loopback, sizeof in6addr_loopback) == 0;
	return slice_eq_nocase(host, SLICE("localhost"));
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char) s.p[i] >= 0x80)
			return false;
	return true;
}

/* Is s a host with a port that is no port? */
static bool
is_port_wrong(struct slice s)
{
	struct slice host, number;
	uint64_t value;
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != ':')
		i--;
	if (i == 0 || i == s.n)
		return false;
	number = slice_of(s.p + i, s.n - i);
	for (size_t k = 0; k < number.n; k++)
		if (!slice_is_digit(number.p[k]))
			return false;
	host = slice_of(s.p, i - 1);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = slice_of(host.p + 1, host.n - 2);
	else if (host_kind(host) == HOST_IPV6)
		return false;
	return (host.n == 0 || host_kind(host) != HOST_BAD) &&
		(!slice_number(number, UINT16_MAX, &value) || value == 0);
}

/* What to expect where this host with its port was refused: its form, unless something less is wrong. */
static const char *
host_expected(struct slice s, const char *form, const char *port)
{
	if (!is_ascii(s))
		return conf_ascii_host;
	return is_port_wrong(s) ? port : form;
}

/* Listeners ------------------------------------------------------------ */

const char *
conf_take_listen_address(void *base, struct slice s)
{
	struct conf_listen *l = base;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = slice_of(s.p + 1, s.n - 2);
	if (!slice_eq(s, SLICE("*")) && host_kind(s) == HOST_BAD)
		return is_ascii(s) ? "\"*\", an address or a host name (the port has its own key)" : conf_ascii_host;
	free(l->address);
	l->address = xstrndup(s.p, s.n);
	return NULL;
}

const char *
conf_take_listen_unix(void *base, struct slice s)
{
	struct conf_listen *l = base;

	if (s.n < 2 || s.p[0] != '/' || s.n >= sizeof(((struct sockaddr_un *) 0)->sun_path))
		return "an absolute path of at most 107 bytes";
	free(l->unix_path);
	l->unix_path = xstrndup(s.p, s.n);
	return NULL;
}

const char *
conf_take_listen_mode(void *base, struct slice s)
{
	struct conf_listen *l = base;
	unsigned mode = 0;

	if (s.n < 3 || s.n > 4 || (s.n == 4 && s.p[0] != '0'))
		return "permissions in octal like \"0660\"";
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return "permissions in octal like \"0660\"";
		mode = mode * 8 + (unsigned) (s.p[i] - '0');
	}
	l->mode = mode;
	return NULL;
}

static const char user_words[] = "the name or number of a user";

/* Whether there is one, the system knows; what it would never call one is refused here. */
static const char *
take_account(char **place, struct slice s, const char *expected)
{
	if (s.n == 0 || s.n > ACCOUNT_MAX)
		return expected;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char) s.p[i] <= 0x20 || strchr(":/\"\\\x7f", s.p[i]) != NULL)
			return expected;
	free(*place);
	*place = xstrndup(s.p, s.n);
	return NULL;
}

const char *
conf_take_listen_owner(void *base, struct slice s)
{
	return take_account(&((struct conf_listen *) base)->owner, s, user_words);
}

const char *
conf_take_listen_group(void *base, struct slice s)
{
	return take_account(&((struct conf_listen *) base)->group, s, "the name or number of a group");
}

const char *
conf_take_user(void *base, struct slice s)
{
	return take_account(&((struct conf *) base)->user, s, user_words);
}

const char *
conf_take_listen(void *base, struct slice s)
{
	static const char *const form = "ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH";
	struct conf_listen *l = base;
	struct slice host;
	uint16_t port = CONF_PORT_WEB;

	if (slice_has_prefix(s, SLICE("unix:")))
		return conf_take_listen_unix(l, slice_of(s.p + 5, s.n - 5));
	if (!authority_split(s, &host, &port))
		return host_expected(s, form, "a port from 0 to 65535");
	if (host.n == 0 && s.n > 0)
		host = SLICE("*");
	if (conf_take_listen_address(l, host) != NULL)
		return host_expected(s, form, form);
	l->port = port;
	return NULL;
}

static const char *
take_file(char **file, struct slice s)
{
	if (s.n == 0)
		return "the path of a file";
	free(*file);
	*file = xstrndup(s.p, s.n);
	return NULL;
}

const char *
conf_take_acme(void *base, struct slice s)
{
	struct conf_listen *l = base;

	return take_file(&l->acme, s) == NULL ? NULL : "the path of a directory";
}

const char *
conf_take_certificate(void *base, struct slice s)
{
	struct conf_identity *i = base;

	return take_file(&i->certificate, s);
}

const char *
conf_take_key(void *base, struct slice s)
{
	struct conf_identity *i = base;

	return take_file(&i->key, s);
}

/* Paths ---------------------------------------------------------------- */

/*
 * Paths are compared byte by byte with what the client sent, so nothing that
 * could be written in two ways is allowed in one.
 */
static bool
is_path(struct slice s)
{
	static const char marks[] = "-._~!$'()*+,;=:@/";

	if (s.n < 2 || s.p[0] != '/')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!slice_is_letter(c) && !slice_is_digit(c) && (c == '\0' || strchr(marks, c) == NULL))
			return false;
		if (c == '/' && (i + 1 == s.n || s.p[i + 1] == '/'))
			return false;
	}
	return true;
}

static const char *
take_path(struct conf_list *list, struct slice s)
{
	if (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	if (!is_path(s))
		return "a path like \"/http-bind\": \"/\", then letters, digits, "
		       "- . _ ~ ! $ ' ( ) * + , ; = : @ and single \"/\"";
	conf_list_add(list, s);
	return NULL;
}

const char *
conf_take_bosh_path(void *base, struct slice s)
{
	struct conf *c = base;

	return take_path(&c->bosh_paths, s);
}

const char *
conf_take_websocket_path(void *base, struct slice s)
{
	struct conf *c = base;

	return take_path(&c->websocket_paths, s);
}

const char *
conf_take_pages(void *base, struct slice s)
{
	struct conf *c = base;

	if (s.n == 0)
		return "the path of a directory, true or false";
	free(c->pages.directory);
	c->pages.directory = xstrndup(s.p, s.n);
	c->pages.is_on = true;
	return NULL;
}

/* The public address --------------------------------------------------- */

bool
conf_is_web_host(struct slice s)
{
	struct slice host;
	uint16_t port = 1;

	return authority_split(s, &host, &port) && host_kind(host) != HOST_BAD && port != 0;
}

const char *
conf_take_public_url(void *base, struct slice s)
{
	static const char *const form = "\"https://HOST[:PORT]\", perhaps with a path";
	struct conf *c = base;
	struct slice rest, host;
	const char *slash;
	char *lower;
	struct buf url;
	size_t n;

	if (s.n < 8 || s.n > URL_MAX || !slice_eq_nocase(slice_of(s.p, 8), SLICE("https://")))
		return form;
	rest = slice_of(s.p + 8, s.n - 8);
	while (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
	host = slash != NULL ? slice_of(rest.p, (size_t) (slash - rest.p)) : rest;
	rest = slice_of(rest.p + host.n, rest.n - host.n);
	if (!conf_is_web_host(host))
		return host_expected(host, form, PORT);
	if (rest.n > 0 && !is_path(rest))
		return form;
	lower = conf_lower(host);
	buf_init(&url, BUF_UNLIMITED);
	buf_printf(&url, "https://%s%.*s", lower, SLICE_ARG(rest));
	buf_append_char(&url, '\0');
	free(c->public_url);
	c->public_url = buf_take(&url, &n);
	buf_init(&url, BUF_UNLIMITED);
	buf_printf(&url, "https://%s", lower);
	buf_append_char(&url, '\0');
	free(c->public_origin);
	c->public_origin = buf_take(&url, &n);
	free(lower);
	return NULL;
}

/* Fields of answers ---------------------------------------------------- */

/* The framing is the libraries', and what the rest means is said by other keys or by what is answered. */
static bool
is_own_field(struct slice name)
{
	static const char *const own[] = {"connection", "content-length", "content-type", "content-encoding",
		"content-range", "transfer-encoding", "trailer", "te", "keep-alive", "upgrade", "date", "allow",
		"location", "etag", "last-modified", "cache-control", "accept-ranges", "www-authenticate"};
	static const char *const own_prefixes[] = {"access-control-", "sec-websocket-", "proxy-"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (slice_eq_nocase(name, slice_str(own[i])))
			return true;
	for (size_t i = 0; i < sizeof own_prefixes / sizeof *own_prefixes; i++) {
		struct slice prefix = slice_str(own_prefixes[i]);
		if (name.n >= prefix.n && slice_eq_nocase(slice_of(name.p, prefix.n), prefix))
			return true;
	}
	return false;
}

const char *
conf_take_response_name(void *base, struct slice s)
{
	static const char *const form = "the name of a header field: letters, digits, - and others of RFC 9110, 5.6.2";
	struct conf *c = base;

	if (s.n == 0 || s.n > FIELD_NAME_MAX)
		return form;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]) &&
			(s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
			return form;
	if (is_own_field(s))
		return "a field that culvert does not write itself";
	for (size_t i = 0; i < c->n_response_header; i++)
		if (slice_eq_nocase(slice_str(c->response_header[i].name), s))
			return "each field once";
	if (c->n_response_header == FIELDS_MAX)
		return "at most 8 fields";
	c->response_header = xrealloc(c->response_header, (c->n_response_header + 1) * sizeof *c->response_header);
	c->response_header[c->n_response_header++] = (struct conf_field){.name = xstrndup(s.p, s.n)};
	return NULL;
}

const char *
conf_take_response_value(void *base, struct slice s)
{
	static const char *const form = "1 to 256 characters, no control characters, no blank at either end";
	struct conf *c = base;
	struct conf_field *field = &c->response_header[c->n_response_header - 1];

	if (s.n == 0 || s.n > FIELD_VALUE_MAX || s.p[0] == ' ' || s.p[s.n - 1] == ' ')
		return form;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char) s.p[i] < 0x20 || s.p[i] == 0x7f)
			return form;
	free(field->value);
	field->value = xstrndup(s.p, s.n);
	return NULL;
}

/* Origins and resolvers ------------------------------------------------ */

static const char origin_form[] = "\"*\" or SCHEME://HOST[:PORT] without a path";

static bool
is_scheme(struct slice s)
{
	if (s.n == 0 || !slice_is_letter(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' &&
			s.p[i] != '.')
			return false;
	return true;
}

static bool
is_web(struct slice scheme)
{
	return slice_eq_nocase(scheme, SLICE("https")) || slice_eq_nocase(scheme, SLICE("http"));
}

/* What applications and extensions have for a host: letters, digits, - . _ */
static bool
is_app_host(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]) && strchr("-._", s.p[i]) == NULL)
			return false;
	return true;
}

/* NULL: the host of an origin is one. */
static const char *
judge_origin_host(struct slice scheme, struct slice host)
{
	struct slice label, behind;

	if (slice_eq_nocase(scheme, SLICE("file")))
		return host.n == 0 ? NULL : "\"file://\", which is all that browsers say of files";
	if (!is_web(scheme))
		return is_app_host(host) ? NULL : origin_form;
	if (!slice_has_prefix(host, SLICE("*.")))
		return host_kind(host) != HOST_BAD ? NULL : origin_form;
	host = slice_of(host.p + 2, host.n - 2);
	if (host_kind(host) != HOST_NAME || !slice_cut(host, '.', &label, &behind) || behind.n == 0)
		return "https://*.DOMAIN, with a dot in DOMAIN, for the names right below it";
	return NULL;
}

/*
 * Written as browsers write it (RFC 6454, 6.2): lower case, and no port when
 * it is the scheme's own.
 */
const char *
conf_take_origin(void *base, struct slice s)
{
	struct conf *c = base;
	struct slice scheme, rest, host;
	uint16_t port = 0;
	size_t with_port;
	const char *expected;
	char *origin;

	if (slice_eq(s, SLICE("*"))) {
		conf_list_add(&c->origins, s);
		return NULL;
	}
	if (slice_eq(s, SLICE("null")))
		return "SCHEME://HOST[:PORT], or \"*\", which alone admits the origin \"null\"";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char) s.p[i] > 0x7e)
			return "the host in ASCII (xn--...), as browsers send it";
	if (s.n > ORIGIN_MAX || !slice_cut(s, ':', &scheme, &rest) || !is_scheme(scheme) ||
		!slice_has_prefix(rest, SLICE("//")))
		return origin_form;
	rest = slice_of(rest.p + 2, rest.n - 2);
	if (!authority_split(rest, &host, &port))
		return is_port_wrong(rest) ? PORT : origin_form;
	expected = judge_origin_host(scheme, host);
	if (expected != NULL)
		return expected;
	with_port = s.n - rest.n + host.n + (rest.n > 0 && rest.p[0] == '[' ? 2 : 0);
	if (s.n > with_port && (port == 0 || host.n == 0))
		return is_port_wrong(rest) ? PORT : origin_form;
	if ((port == 443 && slice_eq_nocase(scheme, SLICE("https"))) ||
		(port == 80 && slice_eq_nocase(scheme, SLICE("http"))))
		s.n = with_port;
	origin = conf_lower(s);
	conf_list_add(&c->origins, slice_str(origin));
	free(origin);
	return NULL;
}

static const char *
take_network(struct network **v, size_t *n, struct slice s)
{
	struct network one;

	if (!network_parse(s, &one))
		return "an address or a network like \"192.0.2.1\", \"10.0.0.0/8\" or \"2001:db8::/32\", "
		       "nothing set behind the prefix";
	*v = xrealloc(*v, (*n + 1) * sizeof **v);
	(*v)[(*n)++] = one;
	return NULL;
}

const char *
conf_take_trusted_proxy(void *base, struct slice s)
{
	struct conf *c = base;

	return take_network(&c->trusted_proxy, &c->n_trusted_proxy, s);
}

const char *
conf_take_deny(void *base, struct slice s)
{
	struct conf *c = base;

	return take_network(&c->deny, &c->n_deny, s);
}

const char *
conf_take_allow_address(void *base, struct slice s)
{
	struct conf *c = base;

	return take_network(&c->allow_address, &c->n_allow_address, s);
}

const char *
conf_take_resolver(void *base, struct slice s)
{
	static const char *const form =
		"an address with or without port: \"192.0.2.1\", \"192.0.2.1:53\" or \"[2001:db8::1]:53\"";
	struct conf *c = base;
	struct slice host = s;
	uint16_t port = 53;

	if (host_kind(s) != HOST_IPV6 && !authority_split(s, &host, &port))
		return is_port_wrong(s) ? PORT : form;
	if (host_kind(host) != HOST_IPV4 && host_kind(host) != HOST_IPV6)
		return form;
	if (port == 0)
		return PORT;
	conf_list_add(&c->resolver_servers, s);
	return NULL;
}

/* Single words --------------------------------------------------------- */

const char *
conf_take_node(void *base, struct slice s)
{
	static const char *const form = "1 to 16 letters and digits";
	struct conf *c = base;

	if (s.n == 0 || s.n > NODE_MAX)
		return form;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]))
			return form;
	free(c->node);
	c->node = xstrndup(s.p, s.n);
	return NULL;
}

/* Domains -------------------------------------------------------------- */

const char *
conf_take_ca_file(void *base, struct slice s)
{
	struct conf_domain *d = base;

	return take_file(&d->ca_file, s);
}

/* SNI has no addresses and no dot at the end (RFC 6066, 3), and certificates name nothing else. */
const char *
conf_take_server_name(void *base, struct slice s)
{
	struct conf_domain *d = base;

	if (host_kind(s) != HOST_NAME)
		return is_ascii(s) ? "a host name" : conf_ascii_host;
	if (s.p[s.n - 1] == '.')
		return "a host name without a dot at its end";
	free(d->server_name);
	d->server_name = conf_lower(s);
	return NULL;
}

const char *
conf_take_connect(void *base, struct slice s)
{
	static const char *const form = "\"dns\", xmpp://HOST[:PORT] or xmpps://HOST[:PORT]";
	struct conf_domain *d = base;
	bool is_direct = slice_has_prefix(s, SLICE("xmpps://"));
	struct slice scheme = is_direct ? SLICE("xmpps://") : SLICE("xmpp://"), host;
	uint16_t port = is_direct ? CONF_PORT_XMPPS : CONF_PORT_XMPP;

	if (d->by_dns || (d->n_connect > 0 && slice_eq(s, SLICE("dns"))))
		return conf_dns_alone;
	if (slice_eq(s, SLICE("dns"))) {
		d->by_dns = true;
		return NULL;
	}
	if (!slice_has_prefix(s, scheme))
		return form;
	s = slice_of(s.p + scheme.n, s.n - scheme.n);
	if (!authority_split_scoped(s, &host, &port) || (host_kind(host) == HOST_BAD && !is_scoped(host)) || port == 0)
		return host_expected(s, form, PORT);
	d->connect = xrealloc(d->connect, (d->n_connect + 1) * sizeof *d->connect);
	d->connect[d->n_connect++] = (struct conf_target){
		.host = xstrndup(host.p, host.n),
		.port = port,
		.tls_direct = is_direct,
		.loopback = is_loopback(host),
	};
	return NULL;
}

/* What XML, a JID or a log line gives a meaning has none in a domain. */
const char *
conf_take_domain_name(void *base, struct slice s)
{
	static const char *const form = "a domain like example.com";
	struct conf_domain *d = base;
	char last = '.';

	if (s.n == 0 || s.n > DOMAIN_MAX)
		return form;
	if (slice_eq(s, SLICE("*")))
		return "the name of a domain (\"*\" only in a configuration file)";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((unsigned char) c < 0x80 &&
			((!slice_is_letter(c) && !slice_is_digit(c) && c != '-' && c != '_' && c != '.') ||
				(c == '.' && last == '.')))
			return form;
		last = c;
	}
	if (last == '.')
		return "a domain without a dot at its end";
	d->name = conf_lower(s);
	d->ascii = is_ascii(s) ? xstrdup(d->name) : NULL;
	return NULL;
}
