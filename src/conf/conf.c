#include "conf/conf.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/fatal.h"

#define HOST_MAX 253 /* a name, as text */
#define LABEL_MAX 63

void
conf_identity_fini(struct conf_identity *i)
{
	free(i->certificate);
	free(i->key);
	*i = (struct conf_identity){0};
}

void
conf_listen_fini(struct conf_listen *l)
{
	for (size_t i = 0; i < l->n_tls; i++)
		conf_identity_fini(&l->tls[i]);
	free(l->tls);
	free(l->acme);
	free(l->address);
	free(l->unix_path);
	free(l->owner);
	free(l->group);
	*l = (struct conf_listen){0};
}

void
conf_domain_fini(struct conf_domain *d)
{
	for (size_t i = 0; i < d->n_connect; i++)
		free(d->connect[i].host);
	free(d->connect);
	free(d->server_name);
	free(d->ca_file);
	free(d->ascii);
	free(d->name);
	*d = (struct conf_domain){0};
}

static void
list_fini(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
}

static void
release(struct conf *c)
{
	for (size_t i = 0; i < c->n_domain; i++)
		conf_domain_fini(&c->domain[i]);
	for (size_t i = 0; i < c->n_listen; i++)
		conf_listen_fini(&c->listen[i]);
	for (size_t i = 0; i < c->n_response_header; i++) {
		free(c->response_header[i].name);
		free(c->response_header[i].value);
	}
	free(c->response_header);
	free(c->response_lines);
	free(c->response_names);
	free(c->public_url);
	free(c->public_origin);
	free(c->trusted_proxy);
	free(c->deny);
	free(c->allow_address);
	list_fini(&c->resolver_servers);
	list_fini(&c->origins);
	list_fini(&c->websocket_paths);
	list_fini(&c->bosh_paths);
	free(c->domain);
	free(c->listen);
	free(c->pages.directory);
	free(c->node);
	free(c->user);
	free(c);
}

/*
 * Whoever shares a configuration has it const; the count is the one part
 * that changes, and what conf_new() made was not const.
 */
static _Atomic int *
refs_of(const struct conf *c)
{
	return &((struct conf *) (uintptr_t) c)->refs;
}

const struct conf *
conf_ref(const struct conf *c)
{
	atomic_fetch_add_explicit(refs_of(c), 1, memory_order_relaxed);
	return c;
}

void
conf_unref(const struct conf *c)
{
	int before;

	if (c == NULL)
		return;
	before = atomic_fetch_sub_explicit(refs_of(c), 1, memory_order_acq_rel);
	must(before > 0);
	if (before == 1)
		release((struct conf *) (uintptr_t) c);
}

static int
compare_nocase(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? strncasecmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

const struct conf_domain *
conf_find_domain(const struct conf *c, struct slice ascii)
{
	size_t low = 0, high = c->n_domain;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_nocase(ascii, slice_str(c->domain[middle].ascii));
		if (order == 0)
			return c->domain[middle].is_any ? NULL : &c->domain[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * Is it a name as DNS has them (RFC 1123, 2.1), of two labels or more?  What
 * ends in a number is an address in one of its spellings, and no domain.
 */
static const char *
wrong_with(struct slice name)
{
	struct slice rest = name, label = SLICE_NONE;
	size_t n_labels = 0;

	if (name.n > HOST_MAX)
		return "too long for a domain";
	for (; slice_is_set(rest); n_labels++) {
		slice_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return "no domain";
		for (size_t i = 0; i < label.n; i++)
			if (!slice_is_letter(label.p[i]) && !slice_is_digit(label.p[i]) && label.p[i] != '-')
				return "no domain";
	}
	if (n_labels < 2)
		return "no public domain";
	return slice_is_digit(label.p[0]) ? "an address is no domain" : NULL;
}

struct conf_domain *
conf_any_domain(const struct conf *c, struct slice ascii, const char **why)
{
	const struct conf_domain *any = &c->domain[0];
	struct conf_domain *d;

	*why = NULL;
	if (c->n_domain == 0 || !any->is_any)
		return NULL;
	*why = wrong_with(ascii);
	if (*why != NULL)
		return NULL;
	d = xcalloc(1, sizeof *d);
	*d = *any;
	d->ascii = xstrndup(ascii.p, ascii.n);
	for (char *p = d->ascii; *p != '\0'; p++)
		*p = slice_lower(*p);
	d->name = xstrdup(d->ascii);
	d->ca_file = any->ca_file != NULL ? xstrdup(any->ca_file) : NULL;
	d->allowed = c->allow_address;
	d->n_allowed = c->n_allow_address;
	return d;
}

void
conf_any_domain_free(struct conf_domain *d)
{
	if (d != NULL)
		conf_domain_fini(d);
	free(d);
}

bool
conf_has_name(const struct conf *c, struct slice name)
{
	struct slice label;

	while (slice_is_set(name)) {
		if (conf_find_domain(c, name) != NULL)
			return true;
		slice_cut(name, '.', &label, &name);
	}
	return false;
}

bool
conf_list_eq(const struct conf_list *a, const struct conf_list *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_place(const struct conf_listen *one, const struct conf_listen *other)
{
	return is_same_text(one->address, other->address) && one->port == other->port &&
		is_same_text(one->unix_path, other->unix_path);
}

/* Several may be at a port of the kernel's choice: their order tells them apart. */
size_t
conf_same_listen(const struct conf *c, const struct conf *running, size_t i)
{
	const struct conf_listen *l = &running->listen[i];

	if (i < c->n_listen && is_same_place(&c->listen[i], l))
		return i;
	for (size_t k = 0; k < c->n_listen; k++)
		if (is_same_place(&c->listen[k], l))
			return k;
	return c->n_listen;
}

static bool
is_same_listen(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; a->n_listen == b->n_listen && i < a->n_listen; i++) {
		const struct conf_listen *one = &a->listen[i], *other = &b->listen[i];
		if (!is_same_place(one, other) || one->mode != other->mode ||
			one->proxy_protocol != other->proxy_protocol || (one->n_tls > 0) != (other->n_tls > 0) ||
			one->hsts != other->hsts || one->redirect != other->redirect ||
			!is_same_text(one->acme, other->acme) || !is_same_text(one->owner, other->owner) ||
			!is_same_text(one->group, other->group))
			return false;
	}
	return a->n_listen == b->n_listen;
}

void
conf_each_restart(
	const struct conf *running, const struct conf *next, void (*tell)(void *arg, const char *key), void *arg)
{
	if (!is_same_listen(running, next))
		tell(arg, "listen");
	if (running->workers != next->workers)
		tell(arg, "workers");
	if (!is_same_text(running->node, next->node))
		tell(arg, "node");
	if (!is_same_text(running->user, next->user))
		tell(arg, "user");
}

static bool
is_in(const struct peer *peer, const struct network *v, size_t n)
{
	for (size_t i = 0; peer->kind == PEER_ADDRESS && i < n; i++)
		if (network_has(&v[i], peer->address))
			return true;
	return false;
}

bool
conf_is_trusted(const struct conf *c, const struct peer *peer)
{
	return peer->kind == PEER_UNIX || is_in(peer, c->trusted_proxy, c->n_trusted_proxy);
}

bool
conf_is_denied(const struct conf *c, const struct peer *client)
{
	return is_in(client, c->deny, c->n_deny) && !conf_is_trusted(c, client);
}
