#include "script/script.h"

#include <stdarg.h>
#include <stdio.h>

#include "script/text.h"

#define BODY_START "<body xmlns='" BODY_NS "'"
#define FRAME_CLOSE "<close xmlns='" FRAME_NS "'/>"
#define STREAM_END "</stream:stream>"

/* Life and failure */

void
script_init(struct script *s, const char *path, bool is_verbose)
{
	*s = (struct script){.path = path, .n_workers = 1};
	s->world.is_verbose = is_verbose;
	buf_init(&s->conf, BUF_UNLIMITED);
	buf_init(&s->report, BUF_UNLIMITED);
	buf_init(&s->expanded, BUF_UNLIMITED);
}

void
script_fini(struct script *s)
{
	if (s->is_begun)
		world_fini(&s->world);
	buf_fini(&s->conf);
	buf_fini(&s->report);
	buf_fini(&s->expanded);
}

void
script_fail(struct script *s, const char *format, ...)
{
	struct world *w = &s->world;
	unsigned first = w->n_events > WORLD_EVENTS ? w->n_events - WORLD_EVENTS : 0;
	va_list ap;

	if (s->is_failed)
		return;
	s->is_failed = true;
	buf_printf(&s->report, "%s:%u: ", s->path, s->line);
	va_start(ap, format);
	buf_vprintf(&s->report, format, ap);
	va_end(ap);
	buf_append_str(&s->report, "\nwhat happened before:\n");
	for (unsigned i = first; i < w->n_events; i++)
		buf_printf(&s->report, "  %s\n", w->event[i % WORLD_EVENTS]);
}

void
script_begin(struct script *s)
{
	static const char domains[] = "\"domains\": {\"example.org\": {\"connect\": \"xmpp://127.0.0.1:5222\"}}";
	struct buf text;

	if (s->is_begun)
		return;
	buf_init(&text, BUF_UNLIMITED);
	if (memmem(buf_slice(&s->conf).p, s->conf.n, "\"domains\"", 9) != NULL)
		buf_append(&text, buf_slice(&s->conf));
	else
		buf_printf(&text, "{%s%s%.*s", domains, s->conf.n > 2 ? ", " : "}",
			   s->conf.n > 2 ? (int) s->conf.n - 1 : 0, s->conf.n > 2 ? buf_slice(&s->conf).p + 1 : "");
	s->is_begun = true;
	if (!world_init(&s->world, buf_slice(&text), s->n_workers))
		script_fail(s, "%.*s", SLICE_ARG(buf_slice(&s->world.fault)));
	buf_fini(&text);
}

struct slice
script_expand(struct script *s, const struct client *c, struct slice text)
{
	buf_clear(&s->expanded, 0);
	text_expand(&s->expanded, text, c->sid, c->rid);
	return buf_slice(&s->expanded);
}

static void
expect(struct script *s, const char *what, struct slice expected, struct slice seen)
{
	if (!text_match_all(expected, seen))
		script_fail(s, "%s:\n  expected %.*s\n  seen     %.*s", what, SLICE_ARG(expected), SLICE_ARG(seen));
}

static void
expect_nothing(struct script *s, struct slice line)
{
	if (line.n > 0)
		script_fail(s, "too much in this line: %.*s", SLICE_ARG(line));
}

/* How many, after "after"; 0 when the line is empty. */
static size_t
amount(struct script *s, struct slice *line)
{
	uint64_t n = 0;

	if (text_take(line, "after") && !slice_number(text_word(line), UINT32_MAX, &n))
		script_fail(s, "\"after\" what number?");
	return (size_t) n;
}

/* rid, rid+2, rid-1 or a number */
static bool
read_rid(const struct client *c, struct slice word, uint64_t *rid)
{
	uint64_t n = 0;

	if (!slice_has_prefix(word, SLICE("rid")))
		return slice_number(word, UINT64_MAX, rid);
	*rid = c->rid;
	if (word.n == 3)
		return true;
	if (!slice_number(slice_of(word.p + 4, word.n - 4), UINT32_MAX, &n))
		return false;
	*rid = word.p[3] == '-' ? *rid - n : *rid + n;
	return word.p[3] == '-' || word.p[3] == '+';
}

/* BOSH */

static void
append_attribute(struct buf *b, struct slice name, struct slice value, bool *has_xmpp)
{
	bool is_restart = slice_eq(name, SLICE("restart"));

	if (slice_is_set(value))
		buf_printf(b, " %s%.*s='%.*s'", is_restart ? "xmpp:" : "", SLICE_ARG(name), SLICE_ARG(value));
	if (is_restart || slice_has_prefix(name, SLICE("xmpp:")))
		*has_xmpp = true;
}

/* The rest of the line, attributes and payload, after what is in b already. */
static void
append_body(struct buf *b, struct slice line, bool has_xmpp)
{
	struct attribute a;

	while (line.n > 0 && line.p[0] != '<' && text_attribute(&line, &a))
		append_attribute(b, a.name, a.value, &has_xmpp);
	if (has_xmpp)
		buf_append_str(b, " xmlns:xmpp='" BODY_NS_XMPP "'");
	if (line.n == 0)
		buf_append_str(b, "/>");
	else
		buf_printf(b, ">%.*s</body>", SLICE_ARG(line));
}

static void
send_body(struct script *s, struct client *c, unsigned worker, uint64_t rid, struct slice line)
{
	struct buf b;

	buf_init(&b, BUF_UNLIMITED);
	buf_printf(&b, BODY_START " rid='%llu' sid='%s'", (unsigned long long) rid, c->sid);
	append_body(&b, script_expand(s, c, line), false);
	world_post(&s->world, c, worker, rid, buf_slice(&b));
	buf_fini(&b);
}

/* The creation request: what the line says, and for the rest what clients usually say.  name= leaves one out. */
static void
create(struct script *s, struct client *c, unsigned worker, struct slice line)
{
	struct attribute usual[] = {
		{SLICE("to"), SLICE("example.org")}, {SLICE("wait"), SLICE("50")},
		{SLICE("hold"), SLICE("1")},         {SLICE("ver"), SLICE("1.6")},
		{SLICE("xmpp:version"), SLICE("1.0")},
	};
	struct slice rest = line, payload = SLICE_NONE;
	struct attribute a;
	struct buf b, more;
	bool has_xmpp = false;

	buf_init(&b, BUF_UNLIMITED);
	buf_init(&more, BUF_UNLIMITED);
	while (rest.n > 0 && rest.p[0] != '<' && text_attribute(&rest, &a)) {
		bool is_usual = false;
		if (slice_eq(a.name, SLICE("rid"))) {
			slice_number(a.value, UINT64_MAX, &c->rid);
			continue;
		}
		for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
			if (!slice_eq(a.name, usual[i].name))
				continue;
			usual[i].value = a.value.n > 0 ? a.value : SLICE_NONE;
			is_usual = true;
		}
		if (!is_usual)
			append_attribute(&more, a.name, a.value, &has_xmpp);
	}
	payload = script_expand(s, c, rest);
	buf_printf(&b, BODY_START " rid='%llu'", (unsigned long long) c->rid);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (slice_is_set(usual[i].value))
			append_attribute(&b, usual[i].name, usual[i].value, &has_xmpp);
	buf_append(&b, buf_slice(&more));
	append_body(&b, payload, has_xmpp);
	world_post(&s->world, c, worker, c->rid, buf_slice(&b));
	buf_fini(&b);
	buf_fini(&more);
}

struct request *
script_request(struct client *c, uint64_t rid)
{
	for (size_t i = 0; i < c->n_requests; i++)
		if (c->request[i].rid == rid && c->request[i].state <= REQUEST_ANSWERED)
			return &c->request[i];
	return NULL;
}

/* Divides <body ATTRIBUTES>CONTENT</body>. */
static bool
divide(struct slice answer, struct slice *attributes, struct slice *content)
{
	static const char end[] = "</body>";
	size_t n = sizeof BODY_START - 1;
	char quote = '\0';

	*content = SLICE("");
	if (!slice_has_prefix(answer, slice_of(BODY_START, n)))
		return false;
	answer = slice_of(answer.p + n, answer.n - n);
	for (n = 0; n < answer.n && (quote != '\0' || answer.p[n] != '>'); n++) {
		if (answer.p[n] == quote)
			quote = '\0';
		else if (quote == '\0' && (answer.p[n] == '\'' || answer.p[n] == '"'))
			quote = answer.p[n];
	}
	*attributes = slice_of(answer.p, n);
	if (n == answer.n)
		return false;
	if (answer.p[n - 1] == '/') {
		attributes->n--;
		return n + 1 == answer.n;
	}
	*content = slice_of(answer.p + n + 1, answer.n - n - 1);
	if (content->n < sizeof end - 1)
		return false;
	content->n -= sizeof end - 1;
	return memcmp(content->p + content->n, end, sizeof end - 1) == 0;
}

static struct slice
attribute_of(struct slice attributes, struct slice name)
{
	struct attribute a;

	while (text_attribute(&attributes, &a))
		if (slice_eq(a.name, name))
			return a.value;
	return SLICE_NONE;
}

/* "name=value", "name=*" and "!name", in front of the payload. */
static struct slice
expect_attributes(struct script *s, const struct request *r, struct slice attributes, struct slice line)
{
	struct attribute a;

	while (line.n > 0 && line.p[0] != '<') {
		struct slice seen, rest = line, word = text_word(&rest);
		if (word.p[0] == '!') {
			seen = attribute_of(attributes, slice_of(word.p + 1, word.n - 1));
			if (slice_is_set(seen))
				script_fail(s, "%.*s='%.*s' was not expected", SLICE_ARG(word), SLICE_ARG(seen));
			line = rest;
			continue;
		}
		if (!text_attribute(&line, &a))
			return line;
		seen = slice_eq(a.name, SLICE("Content-Type")) ? slice_str(r->content_type)
							       : attribute_of(attributes, a.name);
		if (!slice_is_set(seen) || (!slice_eq(a.value, SLICE("*")) && !slice_eq(a.value, seen)))
			script_fail(s, "%.*s:\n  expected %.*s\n  seen     %.*s", SLICE_ARG(a.name), SLICE_ARG(a.value),
				    SLICE_ARG(slice_is_set(seen) ? seen : SLICE("none")));
	}
	return line;
}

static void
expect_answer(struct script *s, struct client *c, const struct request *r, struct slice line)
{
	struct slice answer = buf_slice(&r->answer), attributes, content, condition;
	bool is_terminal = false;

	if (text_take(&line, "exactly")) {
		expect(s, "answer", script_expand(s, c, line), answer);
		return;
	}
	if (text_take(&line, "empty")) {
		expect(s, "answer", SLICE(BODY_EMPTY), answer);
		expect_nothing(s, line);
		return;
	}
	if (text_take(&line, "error")) {
		expect(s, "answer", SLICE(BODY_START " type='error'/>"), answer);
		expect_nothing(s, line);
		return;
	}
	if (!divide(answer, &attributes, &content)) {
		script_fail(s, "no answer of BOSH: %.*s", SLICE_ARG(answer));
		return;
	}
	if (text_take(&line, "terminate")) {
		struct attribute a;
		struct slice peek = line;
		is_terminal = true;
		condition = SLICE_NONE;
		if (line.n > 0 && line.p[0] != '<' && line.p[0] != '!' && !text_attribute(&peek, &a))
			condition = text_word(&line);
		expect(s, "type", SLICE("terminate"), attribute_of(attributes, SLICE("type")));
		expect(s, "condition", condition, attribute_of(attributes, SLICE("condition")));
	}
	if (!is_terminal && slice_is_set(attribute_of(attributes, SLICE("type")))) {
		script_fail(s, "a type that was not expected: %.*s", SLICE_ARG(answer));
		return;
	}
	line = expect_attributes(s, r, attributes, line);
	expect(s, "payload", script_expand(s, c, line), content);
}

static void
hear_answer(struct script *s, struct client *c, struct slice line)
{
	struct slice word = text_word(&line);
	struct request *r;
	uint64_t rid;

	if (!read_rid(c, word, &rid)) {
		script_fail(s, "what rid? %.*s", SLICE_ARG(word));
		return;
	}
	r = script_request(c, rid);
	if (text_take(&line, "nothing")) {
		if (r != NULL && r->state == REQUEST_ANSWERED)
			script_fail(s, "%.*s has an answer: %.*s", SLICE_ARG(word), SLICE_ARG(buf_slice(&r->answer)));
		return;
	}
	if (r == NULL || r->state != REQUEST_ANSWERED) {
		script_fail(s, "%.*s has no answer; expected %.*s", SLICE_ARG(word), SLICE_ARG(line));
		return;
	}
	r->state = REQUEST_HEARD;
	expect_answer(s, c, r, line);
}

/* The last request with this rid, whatever became of it. */
static struct request *
last_request(const struct client *c, uint64_t rid)
{
	for (size_t i = c->n_requests; i > 0; i--)
		if (c->request[i - 1].rid == rid)
			return &c->request[i - 1];
	return NULL;
}

static void
bosh_verb(struct script *s, struct client *c, unsigned worker, struct slice line)
{
	struct slice verb = text_word(&line), body;
	struct request *r;
	uint64_t rid = 0;

	if (slice_eq(verb, SLICE("creates"))) {
		create(s, c, worker, line);
		return;
	}
	if (slice_eq(verb, SLICE("hears"))) {
		hear_answer(s, c, line);
		return;
	}
	if (slice_eq(verb, SLICE("posts"))) {
		/* "posts rid+1 <<<...>>>" when the answer is to be heard */
		if (line.n > 0 && line.p[0] != '<' && !read_rid(c, text_word(&line), &rid))
			script_fail(s, "what rid?");
		body = script_expand(s, c, line);
		world_post(&s->world, c, worker, rid, body);
		return;
	}
	if (!read_rid(c, text_word(&line), &rid)) {
		script_fail(s, "what rid?");
		return;
	}
	r = last_request(c, rid);
	if (slice_eq(verb, SLICE("sends"))) {
		send_body(s, c, worker, rid, line);
	} else if (slice_eq(verb, SLICE("repeats")) && r != NULL) {
		struct buf copy;
		buf_init(&copy, BUF_UNLIMITED);
		buf_append(&copy, buf_slice(&r->body));
		world_post(&s->world, c, worker, rid, buf_slice(&copy));
		buf_fini(&copy);
	} else if (slice_eq(verb, SLICE("loses")) && r != NULL) {
		world_lose(&s->world, c, r);
	} else {
		script_fail(s, "no such verb, or no request with this rid: %.*s", SLICE_ARG(verb));
	}
}

/* WebSocket */

static void
say_open(struct script *s, struct client *c, struct slice line)
{
	struct attribute a;
	struct buf b;

	buf_init(&b, BUF_UNLIMITED);
	buf_append_str(&b, "<open xmlns='" FRAME_NS "'");
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
		script_fail(s, "expected the WebSocket's end, seen %s",
			    c->seen < c->n_messages ? "a message" : "nothing");
		return;
	}
	snprintf(code, sizeof code, "%u", c->code);
	expect(s, "WebSocket close code", line, slice_str(code));
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
				    SLICE_ARG(c->seen < c->n_messages ? buf_slice(&c->message[c->seen]) : SLICE("the end")));
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
		expect(s, "message", SLICE("<open xmlns='" FRAME_NS "' ..."), message);
	} else if (slice_eq(word, SLICE("end")) && rest.n == 0) {
		expect(s, "message", SLICE(FRAME_CLOSE), message);
	} else if (slice_eq(word, SLICE("error"))) {
		buf_init(&error, BUF_UNLIMITED);
		buf_printf(&error,
			   "<stream:error xmlns:stream='" XML_NS_STREAMS "'>"
			   "<%.*s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
			   SLICE_ARG(rest));
		expect(s, "message", buf_slice(&error), message);
		buf_fini(&error);
	} else {
		expect(s, "message", script_expand(s, c, line), message);
	}
}

static void
websocket_verb(struct script *s, struct client *c, struct slice line)
{
	struct slice verb = text_word(&line);

	if (slice_eq(verb, SLICE("opens"))) {
		say_open(s, c, line);
	} else if (slice_eq(verb, SLICE("closes"))) {
		world_say(&s->world, c, SLICE(FRAME_CLOSE));
	} else if (slice_eq(verb, SLICE("says"))) {
		world_say(&s->world, c, script_expand(s, c, line));
	} else if (slice_eq(verb, SLICE("hears"))) {
		hear_message(s, c, line);
	} else if (slice_eq(verb, SLICE("gone"))) {
		world_client_gone(&s->world, c);
	} else if (slice_eq(verb, SLICE("blocks"))) {
		world_client_block(&s->world, c, true, amount(s, &line));
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

/* The server */

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
		script_fail(s, "the server gets:\n  expected %.*s\n  seen     %.*s", SLICE_ARG(expected), SLICE_ARG(rest));
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
	while (text.n > 0 && c->server.session != NULL && c->server.state == SERVER_CONNECTED) {
		size_t n = text.n < piece ? text.n : (size_t) piece;
		world_upstream(&s->world, c, slice_of(text.p, n));
		text = slice_of(text.p + n, text.n - n);
	}
}

static void
server_state(struct script *s, const struct client *c, enum server_state state, const char *name)
{
	if (c->server.state != state)
		script_fail(s, "the server is not %s", name);
}

static void
server_verb(struct script *s, struct client *c, struct slice line)
{
	struct world *w = &s->world;
	struct slice verb = text_word(&line);

	if (slice_eq(verb, SLICE("gets"))) {
		get(s, c, line);
	} else if (slice_eq(verb, SLICE("unasked"))) {
		server_state(s, c, SERVER_NONE, "unasked");
	} else if (slice_eq(verb, SLICE("asked"))) {
		server_state(s, c, SERVER_ASKED, "asked to connect");
	} else if (slice_eq(verb, SLICE("dropped"))) {
		server_state(s, c, SERVER_DROPPED, "dropped");
	} else if (slice_eq(verb, SLICE("connected"))) {
		server_state(s, c, SERVER_CONNECTED, "connected");
	} else if (slice_eq(verb, SLICE("connects")) || slice_eq(verb, SLICE("refuses"))) {
		server_state(s, c, SERVER_ASKED, "asked to connect");
		if (s->is_failed)
			return;
		if (slice_eq(verb, SLICE("connects")))
			world_connect(w, c, text_take(&line, "private"));
		else
			world_upstream_gone(w, c);
	} else if (slice_eq(verb, SLICE("paused"))) {
		if (!c->server.is_paused)
			script_fail(s, "the server is read from");
	} else if (slice_eq(verb, SLICE("resumed"))) {
		if (c->server.is_paused)
			script_fail(s, "the server is not read from");
	} else if (slice_eq(verb, SLICE("blocks"))) {
		world_server_block(w, c, true, amount(s, &line));
	} else if (slice_eq(verb, SLICE("unblocks"))) {
		world_server_block(w, c, false, 0);
	} else {
		server_state(s, c, SERVER_CONNECTED, "connected");
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

/* Everything else */

struct client *
script_websocket(struct script *s, struct slice name)
{
	struct client *c = world_add_client(&s->world, name, true);

	if (c == NULL)
		script_fail(s, "no room for this client");
	return c;
}

static void
hear_features(struct script *s, struct client *c)
{
	struct request *r;

	if (c->is_websocket) {
		if (c->n_messages != 2)
			script_fail(s, "no features came");
		c->seen = c->n_messages;
		return;
	}
	r = script_request(c, c->rid);
	if (r == NULL || r->state != REQUEST_ANSWERED || c->sid[0] == '\0')
		script_fail(s, "the session is not created");
	else
		r->state = REQUEST_HEARD;
}

struct client *
script_client(struct script *s, struct slice name, bool is_websocket, struct slice attributes)
{
	struct client *c = is_websocket ? script_websocket(s, name) : world_add_client(&s->world, name, false);

	if (c == NULL) {
		script_fail(s, "no room for this client");
		return NULL;
	}
	if (!is_websocket)
		create(s, c, 0, attributes);
	else
		say_open(s, c, attributes.n > 0 ? attributes : SLICE("to=example.org version=1.0"));
	if (c->server.state != SERVER_ASKED) {
		script_fail(s, "the server is not asked to connect");
		return c;
	}
	world_connect(&s->world, c, false);
	c->server.seen = c->server.got.n;
	world_upstream(&s->world, c, SLICE(SCRIPT_HEADER SCRIPT_FEATURES));
	hear_features(s, c);
	return c;
}

/* "client NAME bosh ..." opens the stream; "client NAME connects" leaves all to the script. */
static void
client_statement(struct script *s, struct slice line)
{
	struct slice name = text_word(&line);

	if (text_take(&line, "bosh"))
		script_client(s, name, false, line);
	else if (text_take(&line, "websocket"))
		script_client(s, name, true, line);
	else if (text_take(&line, "connects"))
		script_websocket(s, name);
	else if (text_take(&line, "comes")) {
		if (world_add_client(&s->world, name, false) == NULL)
			script_fail(s, "no room for this client");
	} else
		script_fail(s, "bosh, websocket, connects or comes?");
}

static void
counter_statement(struct script *s, struct slice line)
{
	struct slice name = text_word(&line);
	uint64_t seen, expected;

	if (slice_eq(name, SLICE("sessions")))
		seen = world_sessions(&s->world);
	else if (slice_eq(name, SLICE("forwards")))
		seen = s->world.forwards;
	else if (!world_counter(&s->world, name, &seen)) {
		script_fail(s, "no such counter: %.*s", SLICE_ARG(name));
		return;
	}
	if (!text_take(&line, "==") || !slice_number(line, UINT64_MAX, &expected))
		script_fail(s, "== what?");
	else if (seen != expected)
		script_fail(s, "%.*s: expected %.*s, seen %llu", SLICE_ARG(name), SLICE_ARG(line),
			    (unsigned long long) seen);
}

/* Does the line have this event, and these keys with these values? */
static bool
is_logged(struct slice entry, struct slice event, struct slice keys)
{
	struct attribute a;

	if (!slice_has_prefix(entry, event))
		return false;
	while (text_attribute(&keys, &a)) {
		struct slice rest = slice_of(entry.p + event.n, entry.n - event.n), seen = attribute_of(rest, a.name);
		if (!slice_is_set(seen) || (!slice_eq(a.value, SLICE("*")) && !slice_eq(a.value, seen)))
			return false;
	}
	return true;
}

/* log "event" key=value ...: a line since the last one found */
static void
log_statement(struct script *s, struct slice line, bool is_wanted)
{
	struct slice word = text_word(&line), all = buf_slice(&s->world.log_text), event;
	size_t at = s->log_seen;

	event = word.n >= 2 ? slice_of(word.p + 1, word.n - 2) : SLICE("");
	while (at < all.n) {
		const char *end = memchr(all.p + at, '\n', all.n - at);
		struct slice entry = slice_of(all.p + at, (size_t) (end - all.p) - at);
		at += entry.n + 1;
		if (!is_logged(entry, event, line))
			continue;
		if (!is_wanted)
			script_fail(s, "this is in the log: %.*s", SLICE_ARG(entry));
		s->log_seen = at;
		return;
	}
	if (is_wanted)
		script_fail(s, "this is not in the log: %.*s %.*s", SLICE_ARG(word), SLICE_ARG(line));
}

static void
forwarded_statement(struct script *s, struct slice line)
{
	char seen[16] = "nowhere";

	if (s->world.forwarded_to >= 0)
		snprintf(seen, sizeof seen, "to %d", s->world.forwarded_to);
	expect(s, "forwarded", line, slice_str(seen));
}

/* What is said before the world begins. */
static bool
preface(struct script *s, struct slice line)
{
	uint64_t n = 0;

	if (text_take(&line, "conf")) {
		buf_append(&s->conf, line);
	} else if (text_take(&line, "workers")) {
		if (!slice_number(line, WORLD_WORKERS, &n) || n == 0)
			script_fail(s, "how many workers?");
		s->n_workers = (unsigned) n;
	} else {
		return false;
	}
	if (s->is_begun)
		script_fail(s, "too late: this comes first");
	return true;
}

static void
time_statement(struct script *s, struct slice line)
{
	ms_t ms;

	if (text_time(line, &ms))
		world_time(&s->world, ms);
	else
		script_fail(s, "how long? 10ms, 50s, 2m");
}

static void
client_or_server(struct script *s, struct slice line)
{
	static const char suffix[] = ".server";
	struct slice name = text_word(&line);
	uint64_t worker = 0;
	struct client *c;
	bool is_server = false;

	if (slice_eq(name, SLICE("worker"))) {
		if (!slice_number(text_word(&line), s->n_workers - 1, &worker))
			script_fail(s, "which worker?");
		name = text_word(&line);
	}
	c = world_client(&s->world, name);
	if (slice_eq(name, SLICE("server")) && s->world.n_clients > 0) {
		c = &s->world.client[s->world.n_clients - 1];
		is_server = true;
	} else if (name.n >= sizeof suffix && memcmp(name.p + name.n - 7, suffix, 7) == 0) {
		c = world_client(&s->world, slice_of(name.p, name.n - 7));
		is_server = true;
	}
	if (c == NULL)
		script_fail(s, "who is %.*s?", SLICE_ARG(name));
	else if (is_server)
		server_verb(s, c, line);
	else if (c->is_websocket)
		websocket_verb(s, c, line);
	else
		bosh_verb(s, c, (unsigned) worker, line);
}

void
script_line(struct script *s, struct slice line)
{
	struct slice all = line;

	if (s->world.is_verbose)
		printf("# %u: %.*s\n", s->line, SLICE_ARG(line));
	if (preface(s, line))
		return;
	script_begin(s);
	if (s->is_failed)
		return;
	if (text_take(&line, "client"))
		client_statement(s, line);
	else if (text_take(&line, "time"))
		time_statement(s, line);
	else if (text_take(&line, "counter"))
		counter_statement(s, line);
	else if (text_take(&line, "log"))
		log_statement(s, line, true);
	else if (text_take(&line, "no") && text_take(&line, "log"))
		log_statement(s, line, false);
	else if (text_take(&line, "forwarded"))
		forwarded_statement(s, line);
	else if (text_take(&line, "shutdown"))
		world_shutdown(&s->world);
	else
		client_or_server(s, all);
	if (s->world.fault.n > 0)
		script_fail(s, "%.*s", SLICE_ARG(buf_slice(&s->world.fault)));
}

/* A stream that is over is answered by culvert's own end tag; a script need not say so. */
static void
expect_quiet(struct script *s, struct client *c)
{
	struct slice rest = buf_slice(&c->server.got);

	for (size_t i = 0; i < c->n_requests; i++)
		if (c->request[i].state == REQUEST_ANSWERED)
			script_fail(s, "at the end: nobody expected this answer to %s's %llu: %.*s", c->name,
				    (unsigned long long) c->request[i].rid, SLICE_ARG(buf_slice(&c->request[i].answer)));
	if (c->seen < c->n_messages)
		script_fail(s, "at the end: nobody expected this message to %s: %.*s", c->name,
			    SLICE_ARG(buf_slice(&c->message[c->seen])));
	rest = slice_of(rest.p + c->server.seen, rest.n - c->server.seen);
	if (rest.n > 0)
		script_fail(s, "at the end: nobody expected this for the server of %s: %.*s", c->name, SLICE_ARG(rest));
	world_check_server(&s->world, c);
}

void
script_end(struct script *s)
{
	if (!s->is_begun || s->is_failed)
		return;
	for (unsigned i = 0; i < s->world.n_clients; i++)
		expect_quiet(s, &s->world.client[i]);
	if (s->world.fault.n > 0)
		script_fail(s, "%.*s", SLICE_ARG(buf_slice(&s->world.fault)));
}
