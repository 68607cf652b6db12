#include "worker/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "io/find.h"

#define PARALLEL 16 /* domains that are asked for at a time */

struct search {
	const struct hooks *hooks;
	size_t running;
};

/* One domain of it. */
struct question {
	struct search *search;
	const struct conf_domain *domain;
	struct candidates *out;
};

static struct conf_target
target_of(const char *host, uint16_t port, bool tls_direct)
{
	return (struct conf_target){.host = xstrdup(host), .port = port, .tls_direct = tls_direct};
}

static void
take_records(struct candidates *c, const struct find_result *result)
{
	c->n = result->n;
	c->record = xcalloc(c->n, sizeof *c->record);
	c->target = xcalloc(c->n, sizeof *c->target);
	memcpy(c->record, result->record, c->n * sizeof *c->record);
	for (size_t i = 0; i < c->n; i++)
		c->target[i] = target_of(c->record[i].host, c->record[i].port, c->record[i].tls_direct);
}

/* Where there are no records, and the domain is the host. */
static void
take_domain(struct candidates *c, const struct conf_domain *domain)
{
	c->n = 1;
	c->target = xcalloc(1, sizeof *c->target);
	c->target[0] = target_of(domain->ascii, CONF_PORT_XMPP, false);
}

static void
remark(struct candidates *c, const struct find_result *result)
{
	static const char *const words[] = {
		[SRV_NONE] = "no SRV records, so the domain is the host",
		[SRV_FOUND] = "by SRV records",
		[SRV_NOT_OFFERED] = "DNS says that the domain has no server for clients (SRV \".\")",
	};
	struct buf text;
	size_t n;

	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, words[result->outcome]);
	if (result->trouble != NULL)
		buf_printf(&text, "; %s", result->trouble);
	buf_append_char(&text, '\0');
	c->remark = buf_take(&text, &n);
}

static void
on_found(void *arg, const struct find_result *result)
{
	struct question *q = arg;

	find_order(result->record, result->n, q->search->hooks);
	remark(q->out, result);
	if (result->outcome == SRV_FOUND)
		take_records(q->out, result);
	else if (result->outcome == SRV_NONE)
		take_domain(q->out, q->domain);
	q->search->running--;
	free(q);
}

static void
ask(struct search *s, struct dns *dns, const struct conf_domain *domain, struct candidates *out)
{
	struct question *q = xcalloc(1, sizeof *q);

	*q = (struct question){s, domain, out};
	s->running++;
	find_servers(dns, domain->ascii, domain->tls != TLS_OFF, on_found, q);
}

static void
take_list(struct candidates *c, const struct conf_domain *domain)
{
	c->n = domain->n_connect;
	c->target = xcalloc(c->n, sizeof *c->target);
	for (size_t i = 0; i < c->n; i++)
		c->target[i] =
			target_of(domain->connect[i].host, domain->connect[i].port, domain->connect[i].tls_direct);
}

struct candidates *
candidates_find(const struct conf *conf, uv_loop_t *loop, struct dns *dns, const struct hooks *hooks)
{
	struct candidates *all = xcalloc(conf->n_domain, sizeof *all);
	struct search search = {.hooks = hooks};

	for (size_t i = 0; i < conf->n_domain; i++) {
		const struct conf_domain *domain = &conf->domain[i];
		while (search.running == PARALLEL)
			uv_run(loop, UV_RUN_ONCE);
		if (domain->is_any)
			all[i].remark = xstrdup("any public domain: none of them is tried");
		else if (domain->by_dns)
			ask(&search, dns, domain, &all[i]);
		else
			take_list(&all[i], domain);
	}
	while (search.running > 0)
		uv_run(loop, UV_RUN_ONCE);
	return all;
}

void
candidates_free(struct candidates *all, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_domain; i++) {
		for (size_t k = 0; k < all[i].n; k++)
			free(all[i].target[k].host);
		free(all[i].target);
		free(all[i].record);
		free(all[i].remark);
	}
	free(all);
}
