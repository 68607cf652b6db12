#include "runner/script.h"

#include <stdarg.h>
#include <stdio.h>

#include "runner/text.h"
#include "runner/verb.h"

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

/* Adds a key with its value when the script did not write it. */
static void
add_default(const struct script *s, struct buf *text, const char *key, const char *value)
{
	struct buf quoted;

	buf_init(&quoted, BUF_UNLIMITED);
	buf_printf(&quoted, "\"%s\"", key);
	if (s->conf.n == 0 || memmem(buf_slice(&s->conf).p, s->conf.n, buf_slice(&quoted).p, quoted.n) == NULL)
		buf_printf(text, "%s%.*s: %s", text->n > 1 ? ", " : "", SLICE_ARG(buf_slice(&quoted)), value);
	buf_fini(&quoted);
}

void
script_begin(struct script *s)
{
	struct slice written = slice_trim(buf_slice(&s->conf));
	struct buf text;

	if (s->is_begun)
		return;
	buf_init(&text, BUF_UNLIMITED);
	buf_append_char(&text, '{');
	add_default(
		s, &text, "domains", "{\"example.org\": {\"connect\": \"xmpp://127.0.0.1:5222\", \"tls\": \"off\"}}");
	add_default(s, &text, "limits", "{\"auth_timeout\": 0}");
	if (written.n > 2)
		buf_printf(&text, "%s%.*s", text.n > 1 ? ", " : "", (int) written.n - 1, written.p + 1);
	else
		buf_append_char(&text, '}');
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
		verb_create(s, c, 0, attributes);
	else
		verb_open(s, c, attributes.n > 0 ? attributes : SLICE("to=example.org version=1.0"));
	if (c->server.state != REMOTE_ASKED) {
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
	struct slice name = text_word(&line), address = SLICE(WORLD_ADDRESS);

	if (text_take(&line, "from"))
		address = text_word(&line);
	if (!world_set_address(&s->world, slice_eq(address, SLICE("unknown")) ? SLICE_NONE : address))
		script_fail(s, "no address: %.*s", SLICE_ARG(address));
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
		struct slice rest = slice_of(entry.p + event.n, entry.n - event.n), seen = verb_attribute(rest, a.name);
		if (!slice_is_set(seen) || (!slice_eq(a.value, SLICE("*")) && !slice_eq(a.value, seen)))
			return false;
	}
	return slice_trim(keys).n == 0; /* what is no pair is in no line */
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
	verb_expect(s, "forwarded", line, slice_str(seen));
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

/* What is large is read in turns: the script says when, or it is done at once. */
static void
reading_statement(struct script *s, struct slice line)
{
	uint64_t n = 0;

	if (slice_eq(line, SLICE("stops")))
		world_stop_reading(&s->world);
	else if (text_take(&line, "goes") && text_take(&line, "on") && (line.n == 0 || slice_number(line, 1000, &n)))
		world_read(&s->world, (unsigned) n);
	else
		script_fail(s, "reading stops, or goes on, by how many portions?");
}

static void
drain_statement(struct script *s, struct slice line)
{
	ms_t ms;

	if (text_time(line, &ms))
		world_drain(&s->world, ms);
	else
		script_fail(s, "for how long?");
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
		verb_server(s, c, line);
	else if (c->is_websocket)
		verb_websocket(s, c, line);
	else
		verb_bosh(s, c, (unsigned) worker, line);
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
	else if (text_take(&line, "reading"))
		reading_statement(s, line);
	else if (text_take(&line, "drain"))
		drain_statement(s, line);
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
