#include "runner/bad.h"

#include <stdio.h>

#include "runner/text.h"

/* What a line says is to come of its input. */
struct outcome {
	struct slice reason, condition, error, code;
};

static void
line(struct script *s, const char *format, struct slice a, struct slice b)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, format, SLICE_ARG(a), SLICE_ARG(b));
	if (!s->is_failed)
		script_line(s, buf_slice(&text));
	buf_fini(&text);
}

static struct slice
none_or(struct slice word)
{
	return slice_eq(word, SLICE("-")) ? SLICE("") : word;
}

static void
expect_reason(struct script *s, const struct outcome *o)
{
	line(s, "log \"session closed\" reason=%.*s%.*s", o->reason, SLICE(""));
}

static void
expect_stream_end(struct script *s, const struct outcome *o, bool has_said_open)
{
	if (!has_said_open)
		line(s, "w hears open%.*s%.*s", SLICE(""), SLICE(""));
	if (!slice_eq(o->error, SLICE("-")))
		line(s, "w hears error %.*s%.*s", o->error, SLICE(""));
	line(s, "w hears end%.*s%.*s", SLICE(""), SLICE(""));
}

static void
bad_bosh(struct script *s, const struct outcome *o, struct slice input, bool in_session)
{
	if (!in_session) {
		line(s, "client a comes%.*s%.*s", SLICE(""), SLICE(""));
		line(s, "a posts 1 %.*s%.*s", input, SLICE(""));
		/* Not all lines say a version: without one it is an HTTP error. */
		line(s, "a hears 1 terminate %.*s status=*%.*s", none_or(o->condition), SLICE(""));
		line(s, "counter sessions == 0%.*s%.*s", SLICE(""), SLICE(""));
		return;
	}
	line(s, "client a bosh%.*s%.*s", SLICE(""), SLICE(""));
	line(s, "a posts rid+1 %.*s%.*s", input, SLICE(""));
	line(s, "a hears rid+1 terminate %.*s%.*s", none_or(o->condition), SLICE(""));
	expect_reason(s, o);
	line(s, "server gets end%.*s%.*s", SLICE(""), SLICE(""));
}

static void
bad_websocket(struct script *s, const struct outcome *o, struct slice input, bool is_open)
{
	line(s, "client w %.*s%.*s", is_open ? SLICE("websocket") : SLICE("connects"), SLICE(""));
	line(s, "w says %.*s%.*s", input, SLICE(""));
	expect_stream_end(s, o, is_open);
	line(s, "w hears close %.*s%.*s", o->code, SLICE(""));
	expect_reason(s, o);
	if (is_open)
		line(s, "server gets end%.*s%.*s", SLICE(""), SLICE(""));
}

/* Both kinds of clients must learn it, however the bytes arrive. */
static void
bad_server(struct script *s, const struct outcome *o, struct slice input, bool is_open)
{
	char names[2][4] = {"a", "w"};

	line(s, is_open ? "client a bosh%.*s%.*s" : "client a comes%.*s%.*s", SLICE(""), SLICE(""));
	line(s, is_open ? "client w websocket%.*s%.*s" : "client w connects%.*s%.*s", SLICE(""), SLICE(""));
	line(s, is_open ? "a sends rid+1%.*s%.*s" : "a creates%.*s%.*s", SLICE(""), SLICE(""));
	if (!is_open)
		line(s, "w opens to=example.org version=1.0%.*s%.*s", SLICE(""), SLICE(""));
	for (unsigned i = 0; i < 2; i++) {
		struct slice name = slice_str(names[i]);
		if (!is_open) {
			line(s, "%.*s.server connects%.*s", name, SLICE(""));
			line(s, "%.*s.server gets header%.*s", name, SLICE(""));
		}
		line(s, i == 0 ? "%.*s.server sends %.*s" : "%.*s.server sends in pieces of 1 %.*s", name, input);
		expect_reason(s, o);
		line(s, "%.*s.server gets end%.*s", name, SLICE(""));
		line(s, "%.*s.server dropped%.*s", name, SLICE(""));
	}
	line(s, is_open ? "a hears rid+1 terminate %.*s%.*s" : "a hears rid terminate %.*s%.*s", none_or(o->condition),
		SLICE(""));
	expect_stream_end(s, o, is_open);
}

void
bad_line(struct script *s, struct slice kind, struct slice all)
{
	const char *bar = memchr(all.p, '|', all.n);
	struct slice words, input;
	struct outcome o = {SLICE(""), SLICE(""), SLICE(""), SLICE("")};
	bool is_bosh = slice_has_prefix(kind, SLICE("bosh"));

	if (bar == NULL) {
		script_fail(s, "what it gives, then |, then the input");
		return;
	}
	words = slice_of(all.p, (size_t) (bar - all.p));
	input = slice_trim(slice_of(bar + 1, all.n - words.n - 1));
	if (!slice_eq(kind, SLICE("bosh")))
		o.reason = text_word(&words);
	if (is_bosh || slice_has_prefix(kind, SLICE("server")))
		o.condition = text_word(&words);
	if (!is_bosh)
		o.error = text_word(&words);
	if (slice_has_prefix(kind, SLICE("websocket")))
		o.code = text_word(&words);

	if (is_bosh)
		bad_bosh(s, &o, input, slice_eq(kind, SLICE("bosh-session")));
	else if (slice_has_prefix(kind, SLICE("websocket")))
		bad_websocket(s, &o, input, slice_eq(kind, SLICE("websocket-open")));
	else if (slice_has_prefix(kind, SLICE("server")))
		bad_server(s, &o, input, slice_eq(kind, SLICE("server-open")));
	else
		script_fail(s, "no such kind: %.*s", SLICE_ARG(kind));
}
