#include <stdio.h>

#include "runner/text.h"
#include "runner/verb.h"

#define CLOSE_ELEMENT "<close xmlns='" WEBSOCKET_NS "'/>"

void
verb_open(struct script *s, struct client *c, struct slice line)
{
	struct attribute a;
	struct buf b;

	buf_init(&b, BUF_UNLIMITED);
	buf_append_str(&b, "<open xmlns='" WEBSOCKET_NS "'");
	while (text_attribute(&line, &a))
		buf_printf(&b, " %.*s='%.*s'", SLICE_ARG(a.name), SLICE_ARG(a.value));
	buf_append_str(&b, "/>");
	world_say(&s->world, c, buf_slice(&b));
	buf_fini(&b);
}

static void
hear_hangup(struct script *s, struct client *c, struct slice line)
{
	char code[16];

	if (c->seen < c->n_messages || !c->is_hung_up) {
		script_fail(
			s, "expected the WebSocket's end, seen %s", c->seen < c->n_messages ? "a message" : "nothing");
		return;
	}
	snprintf(code, sizeof code, "%u", c->code);
	verb_expect(s, "WebSocket close code", line, slice_str(code));
}

static void
hear_message(struct script *s, struct client *c, struct slice line)
{
	struct slice message, rest = line, word = text_word(&rest);
	struct buf error;

	if (slice_eq(word, SLICE("close")) || slice_eq(word, SLICE("cut"))) {
		if (slice_eq(word, SLICE("close")))
			hear_hangup(s, c, rest);
		else if (!c->is_cut)
			script_fail(s, "the WebSocket is not cut");
		return;
	}
	if (slice_eq(word, SLICE("nothing"))) {
		if (c->seen < c->n_messages || c->is_hung_up)
			script_fail(s, "expected nothing, seen %.*s",
				SLICE_ARG(
					c->seen < c->n_messages ? buf_slice(&c->message[c->seen]) : SLICE("the end")));
		return;
	}
	if (slice_eq(word, SLICE("all"))) {
		c->seen = c->n_messages;
		return;
	}
	if (c->seen == c->n_messages) {
		script_fail(s, "no message; expected %.*s", SLICE_ARG(line));
		return;
	}
	message = buf_slice(&c->message[c->seen++]);
	if (slice_eq(word, SLICE("open")) && rest.n == 0) {
		verb_expect(s, "message", SLICE("<open xmlns='" WEBSOCKET_NS "' ..."), message);
	} else if (slice_eq(word, SLICE("end")) && rest.n == 0) {
		verb_expect(s, "message", SLICE(CLOSE_ELEMENT), message);
	} else if (slice_eq(word, SLICE("error"))) {
		buf_init(&error, BUF_UNLIMITED);
		buf_printf(&error,
			"<stream:error xmlns:stream='" XML_NS_STREAMS "'>"
			"<%.*s xmlns='" XML_NS_STREAM_ERRORS "'/>%s</stream:error>",
			SLICE_ARG(rest),
			slice_eq(rest, SLICE("remote-connection-failed")) ? ""
									  : "<text xmlns='" XML_NS_STREAM_ERRORS
									    "' xml:lang='en'>...</text>");
		verb_expect(s, "message", buf_slice(&error), message);
		buf_fini(&error);
	} else {
		verb_expect(s, "message", script_expand(s, c, line), message);
	}
}

void
verb_websocket(struct script *s, struct client *c, struct slice line)
{
	struct slice verb = text_word(&line);
	uint64_t n = 0;

	if (slice_eq(verb, SLICE("opens"))) {
		verb_open(s, c, line);
	} else if (slice_eq(verb, SLICE("closes"))) {
		world_say(&s->world, c, SLICE(CLOSE_ELEMENT));
	} else if (slice_eq(verb, SLICE("says"))) {
		world_say(&s->world, c, script_expand(s, c, line));
	} else if (slice_eq(verb, SLICE("begins"))) {
		if (!slice_number(text_word(&line), UINT32_MAX, &n))
			script_fail(s, "how many bytes?");
		world_begin(&s->world, c, (size_t) n);
	} else if (slice_eq(verb, SLICE("hears"))) {
		hear_message(s, c, line);
	} else if (slice_eq(verb, SLICE("refused"))) {
		if (!c->is_refused)
			script_fail(s, "the upgrade of %s is not refused", c->name);
		else if (line.n > 0 && (!slice_number(text_word(&line), UINT32_MAX, &n) || n != c->retry_after))
			script_fail(s, "the upgrade of %s is refused for %u s", c->name, c->retry_after);
	} else if (slice_eq(verb, SLICE("gone"))) {
		world_client_gone(&s->world, c);
	} else if (slice_eq(verb, SLICE("blocks"))) {
		world_client_block(&s->world, c, true, verb_amount(s, &line));
	} else if (slice_eq(verb, SLICE("unblocks"))) {
		world_client_block(&s->world, c, false, 0);
	} else if (slice_eq(verb, SLICE("paused"))) {
		if (!c->is_paused)
			script_fail(s, "%s is read from", c->name);
	} else if (slice_eq(verb, SLICE("resumed"))) {
		if (c->is_paused)
			script_fail(s, "%s is not read from", c->name);
	} else {
		script_fail(s, "no such verb: %.*s", SLICE_ARG(verb));
	}
}
