#include "proto/net/identity.h"

#include <string.h>

#define SHOWN 8
#define NAME_SHOWN 80
#define ASCII_MAX 1024 /* room for a domain's A-label form */

/* "*.example.com": one label, and not less than a domain of somebody's own. */
static bool
is_under_wildcard(struct slice name, struct slice domain)
{
	struct slice suffix, label, rest;

	if (!slice_has_prefix(name, SLICE("*.")))
		return false;
	suffix = slice_of(name.p + 2, name.n - 2);
	return memchr(suffix.p, '.', suffix.n) != NULL && slice_cut(domain, '.', &label, &rest) && label.n > 0 &&
		slice_eq_nocase(suffix, rest);
}

static bool
is_domain(struct slice name, struct slice domain)
{
	return slice_eq_nocase(name, domain) || is_under_wildcard(name, domain);
}

/* "münchen.example" and "xn--mnchen-3ya.example" are the same. */
static bool
is_address(struct slice name, struct slice domain, const struct hooks *hooks)
{
	char ascii[ASCII_MAX];

	if (slice_eq_nocase(name, domain))
		return true;
	return name.n > 0 && memchr(name.p, '\0', name.n) == NULL &&
		hooks->to_ascii(hooks->arg, name, ascii, sizeof ascii) && slice_eq_nocase(slice_str(ascii), domain);
}

static bool
matches(const struct identity *i, struct slice domain, const struct hooks *hooks)
{
	struct slice service, name;

	switch (i->kind) {
	case IDENTITY_DNS:
	case IDENTITY_COMMON:
		return is_domain(i->name, domain);
	case IDENTITY_SRV:
		return slice_cut(i->name, '.', &service, &name) && slice_eq_nocase(service, SLICE("_xmpp-client")) &&
			is_domain(name, domain);
	case IDENTITY_XMPP:
		return is_address(i->name, domain, hooks);
	}
	return false;
}

/* RFC 6125, 6.4.4: the common name is the last resort. */
static bool
counts(const struct identity *v, size_t n, size_t which)
{
	if (v[which].kind != IDENTITY_COMMON)
		return true;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind != IDENTITY_COMMON)
			return false;
	return true;
}

bool
identity_is_among(const struct identity *v, size_t n, struct slice domain, const struct hooks *hooks)
{
	if (domain.n == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (counts(v, n, i) && matches(&v[i], domain, hooks))
			return true;
	return false;
}

/* Somebody else wrote it: only plain characters of it, and not too many. */
static void
append_plain(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.n && i < NAME_SHOWN; i++)
		buf_append_char(out, text.p[i] > 0x20 && text.p[i] < 0x7f ? text.p[i] : '?');
	if (text.n > NAME_SHOWN)
		buf_append_str(out, "...");
}

void
identity_describe(const struct identity *v, size_t n, struct buf *out)
{
	static const char *const words[] = {
		[IDENTITY_DNS] = "",
		[IDENTITY_SRV] = "SRV ",
		[IDENTITY_XMPP] = "XmppAddr ",
		[IDENTITY_COMMON] = "CN ",
	};

	if (n == 0)
		buf_append_str(out, "no name");
	for (size_t i = 0, shown = 0; i < n; i++) {
		if (!counts(v, n, i))
			continue;
		if (shown == SHOWN) {
			buf_append_str(out, ", ...");
			return;
		}
		buf_printf(out, "%s%s", shown++ > 0 ? ", " : "", words[v[i].kind]);
		append_plain(out, v[i].name);
	}
}
