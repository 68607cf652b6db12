#include "runner/text.h"
#include "runner/verb.h"

#define STREAM_END "</stream:stream>"

static void
get(struct script *s, struct client *c, struct slice line)
{
	struct server *u = &c->server;
	struct slice rest = buf_slice(&u->got), expected, attributes = line;
	struct buf header;
	size_t used;

	rest = slice_of(rest.p + u->seen, rest.n - u->seen);
	if (slice_eq(line, SLICE("nothing"))) {
		if (rest.n > 0)
			script_fail(s, "expected nothing, seen %.*s", SLICE_ARG(rest));
		return;
	}
	buf_init(&header, BUF_UNLIMITED);
	if (text_take(&attributes, "header")) {
		struct attribute a;
		buf_append_str(&header, "<?xml version='1.0'?><stream:stream");
		if (attributes.n == 0)
			buf_append_str(&header, " ...");
		while (text_attribute(&attributes, &a))
			buf_printf(&header, " %.*s='%.*s'", SLICE_ARG(a.name), SLICE_ARG(a.value));
		buf_append_str(&header, " xmlns='" XML_NS_CLIENT "' xmlns:stream='" XML_NS_STREAMS "'>");
		expected = buf_slice(&header);
	} else if (slice_eq(line, SLICE("end"))) {
		expected = SLICE(STREAM_END);
	} else {
		expected = script_expand(s, c, line);
	}
	if (text_match(expected, rest, &used))
		u->seen += used;
	else
		script_fail(
			s, "the server gets:\n  expected %.*s\n  seen     %.*s", SLICE_ARG(expected), SLICE_ARG(rest));
	buf_fini(&header);
}

/* "[in pieces of N] TEXT", TEXT being bytes, "header" or "features" */
static void
send_down(struct script *s, struct client *c, struct slice line)
{
	struct slice text, rest = line;
	uint64_t piece = UINT64_MAX;

	if (text_take(&rest, "in") && text_take(&rest, "pieces") && text_take(&rest, "of")) {
		if (!slice_number(text_word(&rest), UINT32_MAX, &piece) || piece == 0)
			script_fail(s, "pieces of what size?");
		line = rest;
	}
	if (slice_eq(line, SLICE("header")))
		text = SLICE(SCRIPT_HEADER);
	else if (slice_eq(line, SLICE("features")))
		text = SLICE(SCRIPT_FEATURES);
	else
		text = script_expand(s, c, line);
	while (text.n > 0 && c->server.session != NULL && c->server.state == REMOTE_CONNECTED) {
		size_t n = text.n < piece ? text.n : (size_t) piece;
		world_upstream(&s->world, c, slice_of(text.p, n));
		text = slice_of(text.p + n, text.n - n);
	}
}

static void
server_state(struct script *s, const struct client *c, enum remote_state state, const char *name)
{
	if (c->server.state != state)
		script_fail(s, "the server is not %s", name);
}

static void
set_others(struct script *s, struct client *c, struct slice number)
{
	uint64_t n;

	if (!slice_number(number, UINT32_MAX, &n))
		script_fail(s, "how many others?");
	else
		c->server.others = (unsigned) n;
}

void
verb_server(struct script *s, struct client *c, struct slice line)
{
	struct world *w = &s->world;
	struct slice verb = text_word(&line);

	if (slice_eq(verb, SLICE("gets"))) {
		get(s, c, line);
	} else if (slice_eq(verb, SLICE("unasked"))) {
		server_state(s, c, REMOTE_NONE, "unasked");
	} else if (slice_eq(verb, SLICE("asked"))) {
		server_state(s, c, REMOTE_ASKED, "asked to connect");
	} else if (slice_eq(verb, SLICE("dropped"))) {
		server_state(s, c, REMOTE_DROPPED, "dropped");
	} else if (slice_eq(verb, SLICE("connected"))) {
		server_state(s, c, REMOTE_CONNECTED, "connected");
	} else if (slice_eq(verb, SLICE("connects")) || slice_eq(verb, SLICE("refuses"))) {
		if (c->server.state != REMOTE_SECURING || slice_eq(verb, SLICE("connects")))
			server_state(s, c, REMOTE_ASKED, "asked to connect");
		if (s->is_failed)
			return;
		if (slice_eq(verb, SLICE("connects")))
			world_connect(w, c, text_take(&line, "private") ? UPSTREAM_LOCAL : UPSTREAM_EXPOSED);
		else
			world_upstream_gone(w, c);
	} else if (slice_eq(verb, SLICE("secures"))) {
		server_state(s, c, REMOTE_SECURING, "asked for TLS");
		if (!s->is_failed)
			world_connect(w, c, UPSTREAM_SECURE);
	} else if (slice_eq(verb, SLICE("paused"))) {
		if (!c->server.is_paused)
			script_fail(s, "the server is read from");
	} else if (slice_eq(verb, SLICE("resumed"))) {
		if (c->server.is_paused)
			script_fail(s, "the server is not read from");
	} else if (slice_eq(verb, SLICE("blocks"))) {
		world_server_block(w, c, true, verb_amount(s, &line));
	} else if (slice_eq(verb, SLICE("others"))) {
		set_others(s, c, text_word(&line));
	} else if (slice_eq(verb, SLICE("unblocks"))) {
		world_server_block(w, c, false, 0);
	} else {
		server_state(s, c, REMOTE_CONNECTED, "connected");
		if (s->is_failed)
			return;
		if (slice_eq(verb, SLICE("sends")))
			send_down(s, c, line);
		else if (slice_eq(verb, SLICE("opens")))
			world_upstream(w, c, SLICE(SCRIPT_HEADER SCRIPT_FEATURES));
		else if (slice_eq(verb, SLICE("closes")))
			world_upstream(w, c, SLICE(STREAM_END));
		else if (slice_eq(verb, SLICE("gone")))
			world_upstream_gone(w, c);
		else
			script_fail(s, "no such verb: %.*s", SLICE_ARG(verb));
	}
}
