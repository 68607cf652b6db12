#include "proto/http/forwarded.h"

#define NODE_MAX 64 /* bytes of an address with brackets and port, and then some */

void
forwarded_begin(struct forwarded *f, enum forwarded_kind kind, const struct network *trusted, size_t n_trusted)
{
	*f = (struct forwarded){.kind = kind, .trusted = trusted, .n_trusted = n_trusted, .client = FORWARDED_NOBODY};
}

static bool
is_port(struct slice text)
{
	uint64_t port;

	return slice_number(text, 65535, &port);
}

/* address, address:port, [address] or [address]:port; a lone IPv6 address has no port. */
static bool
read_node(struct slice text, unsigned char address[NETWORK_BYTES])
{
	struct slice host, port;

	if (text.n > 0 && text.p[0] == '[') {
		text = slice_of(text.p + 1, text.n - 1);
		if (!slice_cut(text, ']', &host, &port) || memchr(host.p, ':', host.n) == NULL)
			return false;
		if (port.n > 0 && (port.p[0] != ':' || !is_port(slice_of(port.p + 1, port.n - 1))))
			return false;
		return network_address(host, address);
	}
	if (network_address(text, address))
		return true;
	return slice_cut(text, ':', &host, &port) && is_port(port) && network_address(host, address);
}

bool
forwarded_is_trusted(const struct forwarded *f, const unsigned char address[NETWORK_BYTES])
{
	for (size_t i = 0; i < f->n_trusted; i++)
		if (network_has(&f->trusted[i], address))
			return true;
	return false;
}

/* The element at the right end of *list, which loses it and its comma. */
static struct slice
take_last(struct slice *list, bool has_quotes)
{
	bool is_quoted = false;
	size_t at = list->n;
	struct slice last;

	while (at > 0 && (is_quoted || list->p[at - 1] != ',')) {
		at--;
		if (has_quotes && list->p[at] == '"')
			is_quoted = !is_quoted || (at > 0 && list->p[at - 1] == '\\');
	}
	last = slice_trim(slice_of(list->p + at, list->n - at));
	list->n = at > 0 ? at - 1 : 0;
	return last;
}

/* Reads a token or a quoted string from *s into room for a node; false when it is neither, or too long. */
static bool
take_value(struct slice *s, char node[NODE_MAX], struct slice *value)
{
	size_t n = 0, at = 1;

	if (s->n == 0 || s->p[0] != '"') {
		*value = slice_trim(slice_take_to(s, ";"));
		return memchr(value->p, '"', value->n) == NULL;
	}
	while (at < s->n && s->p[at] != '"') {
		if (s->p[at] == '\\')
			at++;
		if (at == s->n || n == NODE_MAX)
			return false;
		node[n++] = s->p[at++];
	}
	if (at == s->n)
		return false;
	*s = slice_skip_space(slice_of(s->p + at + 1, s->n - at - 1));
	*value = slice_of(node, n);
	return s->n == 0 || s->p[0] == ';';
}

/* RFC 7239, 4: name=value;name=value.  Unset when nobody is named, or what is there is no such list. */
static struct slice
node_of(struct slice element, char node[NODE_MAX])
{
	struct slice found = SLICE_NONE;
	char other[NODE_MAX];

	while (element.n > 0) {
		struct slice name, value;
		bool is_for;
		if (!slice_cut(element, '=', &name, &element))
			return SLICE_NONE;
		is_for = slice_eq_nocase(slice_trim(name), SLICE("for"));
		element = slice_skip_space(element);
		if (!take_value(&element, is_for ? node : other, &value) || (is_for && slice_is_set(found)))
			return SLICE_NONE;
		if (is_for)
			found = value;
		if (element.n > 0)
			element = slice_of(element.p + 1, element.n - 1);
	}
	return found;
}

/* The next to the left; true when it is the one, since it is no trusted proxy. */
static bool
judge(struct forwarded *line, struct slice node)
{
	unsigned char address[NETWORK_BYTES];

	if (!read_node(node, address)) {
		line->client = FORWARDED_UNKNOWN;
		return true;
	}
	line->client = FORWARDED_ADDRESS;
	memcpy(line->address, address, sizeof line->address);
	return !forwarded_is_trusted(line, address);
}

void
forwarded_field(struct forwarded *f, struct slice value)
{
	struct forwarded line = *f;
	bool is_found = false;

	while (value.n > 0 && !is_found) {
		char node[NODE_MAX];
		struct slice last = take_last(&value, f->kind == FORWARDED_RFC);
		if (last.n > 0)
			is_found = judge(&line, f->kind == FORWARDED_RFC ? node_of(last, node) : last);
	}
	/* Trusted proxies only: they speak for whom the lines before name, if there are any. */
	if (is_found || f->client == FORWARDED_NOBODY)
		*f = line;
}

enum forwarded_client
forwarded_client(const struct forwarded *f, unsigned char address[NETWORK_BYTES])
{
	if (f->client == FORWARDED_ADDRESS)
		memcpy(address, f->address, NETWORK_BYTES);
	return f->client;
}
