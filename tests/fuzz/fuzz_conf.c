/*
 * conf_read() with any text: a configuration, or complaints, one a line.
 * What is accepted keeps the promises of conf.h.
 */
#include "fuzz/input.h"

#include "base/err.h"
#include "conf/conf_read.h"
#include "proto/http/origin.h"

/* Stands in for a library: any domain in letters, with xn-- in front. */
static bool
to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	size_t n = 0;

	(void) arg;
	if (domain.n == 0 || domain.n + 5 > room)
		return false;
	memcpy(out, "xn--", 4);
	for (n = 0; n < domain.n; n++)
		out[4 + n] = (char) ('a' + (domain.p[n] & 15));
	out[4 + n] = '\0';
	return true;
}

static const struct hooks hooks = {.to_ascii = to_ascii};

/* An address or a path, never both. */
static void
check_listeners(const struct conf *c)
{
	must(c->n_listen > 0);
	for (size_t i = 0; i < c->n_listen; i++)
		must((c->listen[i].address != NULL) != (c->listen[i].unix_path != NULL));
}

static void
check_domains(const struct conf *c)
{
	must(c->n_domain > 0);
	for (size_t i = 0; i < c->n_domain; i++) {
		const struct conf_domain *d = &c->domain[i];
		must(conf_find_domain(c, slice_str(d->ascii)) == (d->is_any ? NULL : d));
		must(i == 0 || strcmp(c->domain[i - 1].ascii, d->ascii) < 0);
		must((d->n_connect > 0) != d->by_dns && d->tls <= TLS_OFF);
		for (size_t k = 0; k < d->n_connect; k++) {
			must(d->connect[k].host != NULL && d->connect[k].host[0] != '\0' && d->connect[k].port > 0);
			must(!d->connect[k].tls_direct || d->tls != TLS_OFF);
		}
	}
}

static void
check_list(const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		must(list->v[i] != NULL && list->v[i][0] != '\0');
}

/* What the configuration takes as a site's name, a page of that site is known by. */
static void
check_origins(const struct conf *c)
{
	for (size_t i = 0; i < c->origins.n; i++) {
		const struct origins one = {.v = &c->origins.v[i], .n = 1};
		if (strchr(c->origins.v[i], '*') == NULL)
			must(origin_readers(&one, slice_str(c->origins.v[i])) == ORIGIN_THIS);
		must(!c->cors_credentials || strchr(c->origins.v[i], '*') == NULL);
	}
	must((c->public_url == NULL) == (c->public_origin == NULL));
}

static void
check(const struct conf *c)
{
	check_listeners(c);
	check_domains(c);
	check_list(&c->bosh_paths);
	check_list(&c->websocket_paths);
	check_list(&c->origins);
	check_origins(c);
	check_list(&c->resolver_servers);
	must(c->limits.queue >= c->limits.stanza && c->limits.stanza > 0);
	must(c->node != NULL && c->node[0] != '\0' && strlen(c->node) <= 16);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = slice_of((const char *) p, n), lines;
	struct conf *c;
	struct buf errors;
	int error;

	buf_init(&errors, 1 << 20);
	error = conf_read(&c, text, "f", &hooks, &errors);
	lines = buf_slice(&errors);
	must((error == 0) == (c != NULL) && (error == 0) == (lines.n == 0));
	must(error == 0 || error == CV_EINVAL);
	if (c != NULL)
		check(c);
	/* A complaint is a line, whatever the file has. */
	for (size_t i = 0; i < lines.n; i++) {
		must(lines.p[i] != '\0' && lines.p[i] != '\r');
		if (i == 0 || lines.p[i - 1] == '\n')
			must(slice_has_prefix(slice_of(lines.p + i, lines.n - i), SLICE("f:")));
	}
	must(lines.n == 0 || lines.p[lines.n - 1] == '\n');
	conf_unref(c);
	buf_fini(&errors);
	return 0;
}
