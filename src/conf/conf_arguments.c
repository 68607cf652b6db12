#include "conf/conf_arguments.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/fatal.h"
#include "conf/conf_build.h"
#include "conf/conf_table.h"

static const bool none_seen[CONF_ROWS_MAX];

static int
complain(struct buf *errors, const char *option, const char *text, const char *expected)
{
	buf_printf(errors, "%s %s: expected %s\n", option, text, expected);
	return CV_EINVAL;
}

static int
add_listen(struct conf *c, const char *text, struct buf *errors)
{
	struct conf_listen l = {0};
	const char *expected;

	conf_rows_default(CONF_BASE_LISTEN, &l, none_seen);
	expected = conf_take_listen(&l, slice_str(text));
	conf_listen_settle(&l, "");
	if (expected == NULL && conf_find_listen(c, &l) < c->n_listen)
		expected = "each listener once";
	if (expected == NULL)
		conf_add_listen(c, &l);
	conf_listen_fini(&l);
	return expected != NULL ? complain(errors, "--listen", text, expected) : 0;
}

/* In place of the default. */
static const char *
take_target(struct conf_domain *d, struct slice target)
{
	d->by_dns = false;
	return conf_take_connect(d, target);
}

/*
 * A domain named again: *d's target goes to the one that is there, which
 * nobody else has seen yet.  One that is elsewhere changes the defaults.
 */
static const char *
add_target(struct conf *c, struct conf_domain *d)
{
	struct conf_domain *there = &c->domain[conf_find_domain(c, slice_str(d->ascii)) - c->domain];

	if (there->by_dns || d->by_dns)
		return conf_dns_alone;
	there->connect = xrealloc(there->connect, (there->n_connect + 1) * sizeof *there->connect);
	there->connect[there->n_connect++] = d->connect[0];
	d->n_connect = 0;
	conf_domain_settle(there, false, false);
	return NULL;
}

static void
add_new_domain(struct conf *c, struct conf_domain *d)
{
	conf_add_domain(c, d);
	conf_sort_domains(c);
}

static int
add_domain(struct conf *c, const char *text, const struct hooks *hooks, struct buf *errors)
{
	struct slice name = slice_str(text), target;
	bool has_target = slice_cut(name, '=', &name, &target);
	struct conf_domain d = {0};
	const char *expected;

	if (has_target && target.n == 0)
		return complain(errors, "--domain", text, "NAME or NAME=xmpp://HOST:PORT");
	conf_rows_default(CONF_BASE_DOMAIN, &d, none_seen);
	expected = conf_take_domain_name(&d, name);
	if (expected == NULL)
		expected = conf_domain_to_ascii(&d, hooks);
	if (expected == NULL)
		expected = take_target(&d, has_target ? target : SLICE("dns"));
	if (expected == NULL)
		conf_domain_settle(&d, false, false);
	if (expected == NULL && conf_find_domain(c, slice_str(d.ascii)) != NULL)
		expected = add_target(c, &d);
	else if (expected == NULL)
		add_new_domain(c, &d);
	conf_domain_fini(&d);
	return expected != NULL ? complain(errors, "--domain", text, expected) : 0;
}

int
conf_read_arguments(struct conf **out, const char *const *listen, size_t n_listen, const char *const *domain,
	size_t n_domain, const struct hooks *hooks, struct buf *errors)
{
	struct conf *c = conf_new();
	int error = 0;

	*out = NULL;
	for (size_t i = 0; i < n_listen; i++)
		if (add_listen(c, listen[i], errors) != 0)
			error = CV_EINVAL;
	for (size_t i = 0; i < n_domain; i++)
		if (add_domain(c, domain[i], hooks, errors) != 0)
			error = CV_EINVAL;
	if (n_domain == 0)
		error = complain(errors, "--domain", "is missing", "NAME or NAME=xmpp://HOST:PORT");
	if (error != 0) {
		conf_unref(c);
		return error;
	}
	if (c->n_listen == 0) {
		struct conf_listen l = {0};
		conf_rows_default(CONF_BASE_LISTEN, &l, none_seen);
		conf_add_listen(c, &l);
	}
	conf_rows_default(CONF_BASE_TOP, c, none_seen);
	conf_fields_settle(c);
	*out = c;
	return 0;
}

int
conf_read_pages_argument(struct conf *c, const char *directory, struct buf *errors)
{
	const char *expected = conf_take_pages(c, slice_str(directory));

	return expected != NULL ? complain(errors, "--pages", directory, expected) : 0;
}
