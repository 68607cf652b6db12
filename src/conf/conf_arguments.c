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

/*
 * A domain named again: *d's target goes to the one that is there, which
 * nobody else has seen yet.  One that is elsewhere changes the defaults.
 */
static void
add_target(struct conf *c, struct conf_domain *d)
{
	struct conf_domain *there = &c->domain[conf_find_domain(c, slice_str(d->ascii)) - c->domain];

	there->connect = xrealloc(there->connect, (there->n_connect + 1) * sizeof *there->connect);
	there->connect[there->n_connect++] = d->connect[0];
	d->n_connect = 0;
	conf_domain_settle(there, false, false);
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
	const char *equals = strchr(text, '=');
	struct conf_domain d = {0};
	const char *expected;

	if (equals == NULL || equals[1] == '\0')
		return complain(errors, "--domain", text, "NAME=xmpp://HOST:PORT");
	expected = conf_take_domain_name(&d, slice_of(text, (size_t) (equals - text)));
	if (expected == NULL)
		expected = conf_domain_to_ascii(&d, hooks);
	if (expected == NULL)
		expected = conf_take_connect(&d, slice_str(equals + 1));
	if (expected == NULL) {
		conf_rows_default(CONF_BASE_DOMAIN, &d, none_seen);
		conf_domain_settle(&d, false, false);
	}
	if (expected == NULL && conf_find_domain(c, slice_str(d.ascii)) != NULL)
		add_target(c, &d);
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
		error = complain(errors, "--domain", "is missing", "NAME=xmpp://HOST:PORT");
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
