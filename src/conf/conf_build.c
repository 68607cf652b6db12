#include "conf/conf_build.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

#define ASCII_MAX 1024 /* room for a domain's A-label form */

struct conf *
conf_new(void)
{
	struct conf *c = xcalloc(1, sizeof *c);

	atomic_init(&c->refs, 1);
	return c;
}

/* A relative path begins where the file is; *path is made anew. */
static void
settle_path(char **path, const char *file)
{
	const char *slash = strrchr(file, '/');
	struct buf whole;
	size_t n;

	if (slash == NULL || *path == NULL || (*path)[0] == '/')
		return;
	buf_init(&whole, BUF_UNLIMITED);
	buf_append(&whole, slice_of(file, (size_t) (slash + 1 - file)));
	buf_append(&whole, slice_of(*path, strlen(*path) + 1));
	free(*path);
	*path = buf_take(&whole, &n);
}

void
conf_listen_settle(struct conf_listen *l, const char *file)
{
	settle_path(&l->acme, file);
	if (l->unix_path == NULL)
		return;
	free(l->address);
	l->address = NULL;
	l->port = 0;
}

void
conf_pages_settle(struct conf *c, const char *file)
{
	settle_path(&c->pages.directory, file);
}

void
conf_identity_settle(struct conf_identity *i, const char *file)
{
	settle_path(&i->certificate, file);
	settle_path(&i->key, file);
}

void
conf_add_identity(struct conf_listen *l, struct conf_identity *i)
{
	l->tls = xrealloc(l->tls, (l->n_tls + 1) * sizeof *l->tls);
	l->tls[l->n_tls++] = *i;
	*i = (struct conf_identity){0};
}

void
conf_fields_settle(struct conf *c)
{
	struct buf lines, names;
	size_t n;

	buf_init(&lines, BUF_UNLIMITED);
	buf_init(&names, BUF_UNLIMITED);
	for (size_t i = 0; i < c->n_response_header; i++) {
		buf_printf(&lines, "%s: %s\r\n", c->response_header[i].name, c->response_header[i].value);
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", c->response_header[i].name);
	}
	buf_append_char(&lines, '\0');
	buf_append_char(&names, '\0');
	free(c->response_lines);
	free(c->response_names);
	c->response_lines = buf_take(&lines, &n);
	c->response_names = buf_take(&names, &n);
}

void
conf_add_listen(struct conf *c, struct conf_listen *l)
{
	c->listen = xrealloc(c->listen, (c->n_listen + 1) * sizeof *c->listen);
	c->listen[c->n_listen++] = *l;
	*l = (struct conf_listen){0};
}

/* Not sorted yet: keeping them so while they come would move all of them each time. */
void
conf_add_domain(struct conf *c, struct conf_domain *d)
{
	if ((c->n_domain & (c->n_domain - 1)) == 0)
		c->domain = xrealloc(c->domain, (c->n_domain > 0 ? c->n_domain * 2 : 1) * sizeof *c->domain);
	c->domain[c->n_domain++] = *d;
	*d = (struct conf_domain){0};
}

static int
compare_domains(const void *a, const void *b)
{
	const struct conf_domain *one = a, *other = b;

	return strcmp(one->ascii, other->ascii);
}

void
conf_sort_domains(struct conf *c)
{
	if (c->n_domain > 0)
		qsort(c->domain, c->n_domain, sizeof *c->domain, compare_domains);
}

size_t
conf_find_listen(const struct conf *c, const struct conf_listen *l)
{
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct conf_listen *other = &c->listen[i];
		if (l->unix_path != NULL) {
			if (other->unix_path != NULL && strcmp(other->unix_path, l->unix_path) == 0)
				return i;
		} else if (l->port != 0 && l->port == other->port && other->unix_path == NULL &&
			strcmp(other->address, l->address) == 0) {
			return i;
		}
	}
	return c->n_listen;
}

const char *
conf_domain_to_ascii(struct conf_domain *d, const struct hooks *hooks)
{
	char ascii[ASCII_MAX];

	if (d->ascii != NULL)
		return NULL;
	if (hooks == NULL || hooks->to_ascii == NULL)
		return "a domain in ASCII (xn--...)";
	if (!hooks->to_ascii(hooks->arg, slice_str(d->name), ascii, sizeof ascii))
		return "a valid domain (IDNA 2008)";
	d->ascii = xstrdup(ascii);
	return NULL;
}

void
conf_domain_set_any(struct conf_domain *d)
{
	d->name = xstrdup("*");
	d->ascii = xstrdup("*");
	d->is_any = true;
}

const struct conf_target *
conf_domain_settle(struct conf_domain *d, bool is_tls_written, bool is_verify_written)
{
	const struct conf_target *direct = NULL;
	bool is_local = !d->by_dns;

	for (size_t i = 0; i < d->n_connect; i++) {
		if (!d->connect[i].loopback)
			is_local = false;
		if (d->connect[i].tls_direct && direct == NULL)
			direct = &d->connect[i];
	}
	if (!is_tls_written)
		d->tls = is_local ? TLS_IF_REQUIRED : TLS_REQUIRED;
	if (!is_verify_written)
		d->verify = !is_local;
	return d->tls == TLS_OFF ? direct : NULL;
}

static bool
has_path(const struct conf_list *paths, const char *path)
{
	for (size_t i = 0; i < paths->n; i++)
		if (strcmp(paths->v[i], path) == 0)
			return true;
	return false;
}

/* Each of them one site? */
static bool
has_only_names(const struct conf_list *origins)
{
	for (size_t i = 0; i < origins->n; i++)
		if (strchr(origins->v[i], '*') != NULL)
			return false;
	return origins->n > 0;
}

/* A PROXY header is believed of trusted proxies, and of who comes by a unix socket. */
static bool
has_tcp_with_proxy_header(const struct conf *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].proxy_protocol && c->listen[i].unix_path == NULL)
			return true;
	return false;
}

const char *
conf_contradiction(const struct conf *c, const char **key)
{
	if (c->limits.queue < c->limits.stanza) {
		*key = "limits.queue";
		return "is less than limits.stanza, expected at least as much";
	}
	if (c->n_trusted_proxy == 0 && has_tcp_with_proxy_header(c)) {
		*key = "trusted_proxies";
		return "is empty beside \"proxy_protocol\": true, expected the address of the proxy that connects there";
	}
	if (c->cors_credentials && !has_only_names(&c->origins)) {
		*key = "cors_credentials";
		return "is true, expected \"origins\" with each site by its name, like \"https://chat.example.com\", "
		       "and none with \"*\"";
	}
	for (size_t i = 0; i < c->websocket_paths.n; i++) {
		if (has_path(&c->bosh_paths, c->websocket_paths.v[i])) {
			*key = "paths.websocket";
			return "has a path that paths.bosh has too, expected different paths";
		}
	}
	if (c->websocket_paths.n == 0 && c->bosh_paths.n == 0) {
		*key = "paths";
		return "both transports are off, expected at least one path";
	}
	return NULL;
}
