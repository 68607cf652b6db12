#include "proto/bosh/greeting.h"

#include <stdlib.h>

#include "base/fatal.h"

void
greeting_fini(struct greeting *g)
{
	stream_header_fini(&g->client);
	stream_header_fini(&g->server);
	free(g->told_from);
}

enum closing
greeting_create(struct greeting *g, const struct body *body)
{
	if (!slice_is_set(body->to) || body->to.n == 0)
		return CLOSING_NO_TO;
	stream_header_set(&g->client, body->to, body->from, body->lang, body->version, SLICE_NONE);
	return CLOSING_NONE;
}

static void
replace(char **mine, char **said)
{
	if (*said == NULL)
		return;
	free(*mine);
	*mine = *said;
	*said = NULL;
}

enum closing
greeting_restart(struct greeting *g, struct stream_header *said)
{
	if (said->to != NULL && said->to[0] != '\0' && !slice_eq_nocase(slice_str(said->to), slice_str(g->client.to)))
		return CLOSING_HOST_UNKNOWN;
	replace(&g->client.from, &said->from);
	replace(&g->client.lang, &said->lang);
	replace(&g->client.version, &said->version);
	return CLOSING_NONE;
}

void
greeting_opened(struct greeting *g, const struct stream_header *h)
{
	stream_header_set(&g->server, SLICE_NONE, slice_str(h->from), slice_str(h->lang), slice_str(h->version),
		slice_str(h->id));
	g->is_opened = g->is_due = true;
}

/* Who the server is: told once, and again if it turns out to be another (7.2). */
static void
write_from(struct greeting *g, struct buf *out)
{
	const char *from = g->server.from != NULL ? g->server.from : g->client.to;

	if (g->told_from != NULL && strcmp(g->told_from, from) == 0)
		return;
	stream_header_attribute(out, "from", from);
	free(g->told_from);
	g->told_from = xstrdup(from);
}

static void
write_server(struct greeting *g, struct buf *out)
{
	stream_header_attribute(out, "xmpp:version", g->server.version);
	stream_header_attribute(out, "authid", g->server.id);
	g->is_due = false;
}

void
greeting_write_creation(struct greeting *g, struct buf *out)
{
	write_from(g, out);
	buf_append_str(out, " charsets='UTF-8' xmlns:xmpp='" BODY_NS_XMPP "' xmpp:restartlogic='true'");
	if (g->is_due)
		write_server(g, out);
}

void
greeting_write_late(struct greeting *g, struct buf *out)
{
	if (!g->is_due)
		return;
	write_from(g, out);
	if (g->server.version != NULL)
		buf_append_str(out, " xmlns:xmpp='" BODY_NS_XMPP "'");
	write_server(g, out);
}

void
greeting_take_back(struct greeting *g)
{
	g->is_due = true;
	free(g->told_from);
	g->told_from = NULL;
}
