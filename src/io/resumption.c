#include "io/resumption.h"

#include <mbedtls/ssl.h>
#include <stdlib.h>

#include "base/fatal.h"

/* An unused one has no key. */
struct kept {
	char *key;
	size_t n;
	mbedtls_ssl_session session;
};

struct resumption {
	unsigned n, next; /* whose place is taken next */
	struct kept kept[];
};

struct resumption *
resumption_new(unsigned n)
{
	struct resumption *r = xcalloc(1, sizeof *r + n * sizeof *r->kept);

	r->n = n;
	return r;
}

static void
drop(struct kept *k)
{
	if (k->key == NULL)
		return;
	mbedtls_ssl_session_free(&k->session);
	free(k->key);
	k->key = NULL;
}

void
resumption_free(struct resumption *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->n; i++)
		drop(&r->kept[i]);
	free(r);
}

static const struct kept *
find(const struct resumption *r, struct slice key)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->kept[i].key != NULL && slice_eq(slice_of(r->kept[i].key, r->kept[i].n), key))
			return &r->kept[i];
	return NULL;
}

/* Without it there is only more to do. */
void
resumption_offer(const struct resumption *r, mbedtls_ssl_context *ssl, struct slice key)
{
	const struct kept *k = find(r, key);

	if (k != NULL)
		(void) mbedtls_ssl_set_session(ssl, &k->session);
}

void
resumption_forget(struct resumption *r, struct slice key)
{
	const struct kept *k = find(r, key);

	if (k != NULL)
		drop(&r->kept[k - r->kept]);
}

void
resumption_keep(struct resumption *r, const mbedtls_ssl_context *ssl, struct slice key)
{
	const struct kept *old = find(r, key);
	struct kept *k = &r->kept[old != NULL ? (size_t) (old - r->kept) : r->next];

	if (old == NULL)
		r->next = (r->next + 1) % r->n;
	drop(k);
	mbedtls_ssl_session_init(&k->session);
	if (mbedtls_ssl_get_session(ssl, &k->session) != 0) {
		mbedtls_ssl_session_free(&k->session);
		return;
	}
	k->key = xstrndup(key.p, key.n);
	k->n = key.n;
}
