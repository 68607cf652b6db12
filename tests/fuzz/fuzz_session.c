/*
 * A worker's sessions, from creation to end: registry.h with clients, servers
 * and time that do what they like.  The first line chooses a configuration,
 * each other one is an event: a letter, a client's digit, what belongs to it.
 *
 *      b wait='5'     a BOSH client comes       w      a WebSocket client comes
 *      s0n ATTRIBUTES|PAYLOAD   a body; n is the next rid, o the one behind it, m the last; S to the other worker
 *      v0n            one with a large payload  l0a    loses its last request (b: the one before ...)
 *      o0             <open/>                   m0TEXT a message
 *      u0             a numbered message, U0 a large one      g0     the WebSocket is gone
 *      c0             its server connects, or TLS stands      r0     refuses, or is gone
 *      h0             the server's header and features        d0TEXT the server's bytes
 *      n0             a numbered element, N0 a large one      e0     </stream:stream>
 *      k03            the server takes 300 bytes more, k0 any number; j03 the same for a client's messages
 *      t0k            time passes: 10 ms, for each letter behind a twice as much
 *      y0a            the client asks for something behind its last request on the same connection
 *      x              all are told to go        z      another configuration counts for who comes
 *
 * world.h looks at what a daemon could not do.  Here besides: a request is
 * answered once, not when it is gone, and in the end; elements arrive in order
 * and once, both ways; what waits stays within bounds; nobody is left over.
 */
#include "fuzz/input.h"

#include <stdio.h>

#include "conf/conf_read.h"
#include "runner/world.h"

#define CLIENTS 3
#define UP "<up-1 n='"
#define DOWN "<down-1 n='"
#define QUEUE 20000
#define FILL 9000
#define OPEN_MAX 16 /* requests of one session, with hold 3 */

#define LIMITS(more) "\"limits\":{\"stanza\":10000,\"queue\":20000" more "},"
#define DOMAIN(tls) "\"domains\":{\"example.org\":{\"connect\":\"xmpp://127.0.0.1:5222\",\"tls\":\"" tls "\"}}"

static const char *const confs[] = {
	"{\"bosh\":{\"hold\":3}," LIMITS(",\"auth_timeout\":0") DOMAIN("off") "}",
	"{\"bosh\":{\"hold\":1,\"maxpause\":0}," LIMITS("") DOMAIN("required") "}",
	"{\"bosh\":{\"hold\":2,\"inactivity\":5}," LIMITS(",\"connect_timeout\":5,\"buffer_total\":30000")
		DOMAIN("optional") "}",
};

/* What is known of each of the world's clients besides. */
struct mind {
	uint64_t next_rid, up, down_made, down_heard;
	bool is_managed; /* what a page may not have read comes again to the next one (management.h) */
};

struct life {
	struct world w; /* the first: the outlet's arg */
	void (*reply)(void *arg, const struct reply *reply);
	struct mind mind[CLIENTS];
	unsigned choice; /* of confs */
};

/* Order and number ------------------------------------------------------- */

static void
check_fault(const struct world *w)
{
	if (w->fault.n == 0)
		return;
	fprintf(stderr, "fault: %.*s\n", SLICE_ARG(buf_slice(&w->fault)));
	abort();
}

/* The numbers behind the marks rise; returns the last, or `from` when there is none. */
static uint64_t
check_rising(struct slice s, const char *mark, uint64_t from)
{
	const char *at;

	while (s.n > 0 && (at = memmem(s.p, s.n, mark, strlen(mark))) != NULL) {
		uint64_t n = 0;
		at += strlen(mark);
		s = slice_of(at, s.n - (size_t) (at - s.p));
		while (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9') {
			n = n * 10 + (uint64_t) (s.p[0] - '0');
			s = slice_of(s.p + 1, s.n - 1);
		}
		if (s.n == 0)
			break; /* cut: more has not been taken yet */
		must(n > from);
		from = n;
	}
	return from;
}

static bool
is_old_answer(const struct client *c, struct slice body)
{
	for (size_t i = 0; i < c->n_requests; i++)
		if (slice_eq(buf_slice(&c->request[i].answer), body))
			return true;
	return false;
}

static void
on_reply(void *arg, const struct reply *reply)
{
	struct life *l = arg;

	for (unsigned i = 0; i < l->w.n_clients; i++) {
		struct client *c = &l->w.client[i];
		for (size_t k = 0; k < c->n_requests; k++) {
			if (!req_eq(c->request[k].id, reply->id))
				continue;
			must(c->request[k].state == REQUEST_OPEN && c->request[k].answer.n == 0);
			if (l->mind[i].is_managed)
				check_rising(reply->body, DOWN, 0);
			else if (!is_old_answer(c, reply->body))
				l->mind[i].down_heard = check_rising(reply->body, DOWN, l->mind[i].down_heard);
		}
	}
	l->reply(arg, reply);
}

static void
check_client(struct life *l, struct client *c, struct mind *m)
{
	struct session *s = c->session != NULL ? c->session : c->server.session;
	size_t room = (m->is_managed ? OPEN_MAX : 1) * QUEUE + 8 * FILL + 64 * 1024, open = 0;

	check_fault(&l->w);
	if (s != NULL) {
		must(s->front.transport->queued(&s->front) <= room);
		must(s->front.transport->queued_up(&s->front) +
				(s->upstream != NULL ? upstream_queued(s->upstream) : 0) <=
			room);
	}
	for (size_t i = 0; i < c->n_requests; i++)
		open += c->request[i].state == REQUEST_OPEN;
	must(open <= OPEN_MAX);
	for (; c->seen < c->n_messages; c->seen++)
		m->down_heard = check_rising(buf_slice(&c->message[c->seen]), DOWN, m->down_heard);
}

/* Events ----------------------------------------------------------------- */

static void
come(struct life *l, bool is_websocket, struct slice attributes)
{
	char name[] = {(char) ('0' + l->w.n_clients), '\0'};
	bool is_for_other = attributes.n > 0 && memmem(attributes.p, attributes.n, " to=", 4) != NULL;
	struct buf body;

	if (l->w.n_clients == CLIENTS)
		return;
	struct client *c = world_add_client(&l->w, slice_str(name), is_websocket);
	l->mind[l->w.n_clients - 1].next_rid = c->rid + 1;
	if (is_websocket)
		return;
	buf_init(&body, BUF_UNLIMITED);
	buf_printf(&body, "<body xmlns='" BODY_NS "' rid='%llu' xmlns:xmpp='" BODY_NS_XMPP "' %s %.*s/>",
		(unsigned long long) c->rid, is_for_other ? "" : "to='example.org'", SLICE_ARG(attributes));
	world_post(&l->w, c, 0, c->rid, buf_slice(&body));
	buf_fini(&body);
}

static void
fill(struct buf *b, char c)
{
	for (unsigned i = 0; i < FILL; i++)
		buf_append_char(b, c);
}

static void
post(struct life *l, struct client *c, struct mind *m, bool is_large, unsigned worker, struct slice text)
{
	char letter = next_choice(&text);
	const char *bar = text.n > 0 ? memchr(text.p, '|', text.n) : NULL;
	struct slice attributes = slice_of(text.p, bar != NULL ? (size_t) (bar - text.p) : text.n);
	uint64_t rid = m->next_rid + (uint64_t) letter - 'n';
	struct buf body;

	if (c->sid[0] == '\0' || letter < 'a' || letter > 'z')
		return;
	buf_init(&body, BUF_UNLIMITED);
	buf_printf(&body,
		"<body xmlns='" BODY_NS "' sid='%s' rid='%llu' xmlns:xmpp='" BODY_NS_XMPP "' %.*s>" UP "%llu'>", c->sid,
		(unsigned long long) rid, SLICE_ARG(attributes), (unsigned long long) rid);
	if (is_large)
		fill(&body, 'u');
	buf_append_str(&body, "</up-1>");
	if (bar != NULL)
		buf_append(&body, slice_of(bar + 1, (size_t) (text.p + text.n - bar - 1)));
	buf_append_str(&body, "</body>");
	if (rid >= m->next_rid)
		m->next_rid = rid + 1;
	world_post(&l->w, c, worker, rid, buf_slice(&body));
	buf_fini(&body);
}

static void
say(struct life *l, struct client *c, struct slice text)
{
	struct slice message = exact(text);

	if (c->session != NULL && !c->is_gone && !c->is_paused && !c->is_cut)
		world_say(&l->w, c, message);
	exact_free(message);
}

static void
serve(struct life *l, struct client *c, struct slice text)
{
	struct slice bytes = exact(text);

	/* As the element passes, its answer may go out. */
	if (bytes.n > 0 && memmem(bytes.p, bytes.n, "enabled", 7) != NULL)
		l->mind[c - l->w.client].is_managed = true;
	if (c->server.state == REMOTE_CONNECTED && !c->server.is_paused && c->server.session != NULL)
		world_upstream(&l->w, c, bytes);
	exact_free(bytes);
}

static void
serve_number(struct life *l, struct client *c, struct mind *m, bool is_large)
{
	struct buf text;

	if (c->server.state != REMOTE_CONNECTED || c->server.is_paused)
		return;
	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, DOWN "%llu'>", (unsigned long long) ++m->down_made);
	if (is_large)
		fill(&text, 'd');
	buf_append_str(&text, "</down-1>");
	serve(l, c, buf_slice(&text));
	buf_fini(&text);
}

static void
say_number(struct life *l, struct client *c, struct mind *m, bool is_large)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text, UP "%llu'>", (unsigned long long) ++m->up);
	if (is_large)
		fill(&text, 'u');
	buf_append_str(&text, "</up-1>");
	say(l, c, buf_slice(&text));
	buf_fini(&text);
}

/* An open request, counted from the last; NULL when it is none. */
static struct request *
find_request(const struct client *c, char letter)
{
	size_t back = (size_t) (letter - 'a');

	if (letter < 'a' || back >= c->n_requests || c->request[c->n_requests - 1 - back].state != REQUEST_OPEN)
		return NULL;
	return &c->request[c->n_requests - 1 - back];
}

static void
lose(struct life *l, struct client *c, char letter)
{
	struct request *r = find_request(c, letter);

	if (r != NULL)
		world_lose(&l->w, c, r);
}

static void
hurry(struct life *l, struct client *c, char letter)
{
	struct request *r = find_request(c, letter);

	if (r != NULL)
		world_news(&l->w, c, r, (struct req_fate){.event = REQ_HURRY});
}

static struct conf *
read_conf(struct life *l, unsigned choice)
{
	struct conf *c = NULL;
	struct buf errors;

	buf_init(&errors, 4096);
	must(conf_read(&c, slice_str(confs[choice % 3]), "conf", &l->w.hooks, &errors) == 0);
	buf_fini(&errors);
	return c;
}

static void
reload(struct life *l)
{
	world_set_conf(&l->w, read_conf(l, ++l->choice));
}

static void
connect_server(struct life *l, struct client *c)
{
	enum upstream_leg leg = c->server.state == REMOTE_SECURING ? UPSTREAM_SECURE : UPSTREAM_EXPOSED;

	if ((c->server.state == REMOTE_ASKED || c->server.state == REMOTE_SECURING) && c->server.session != NULL)
		world_connect(&l->w, c, leg);
}

static bool
has_server(const struct client *c)
{
	return c->server.session != NULL &&
		(c->server.state == REMOTE_ASKED || c->server.state == REMOTE_SECURING ||
			c->server.state == REMOTE_CONNECTED);
}

static void
client_event(struct life *l, char verb, struct client *c, struct mind *m, struct slice text)
{
	static const char open[] = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>";
	static const char hello[] =
		"<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='example.org' id='i' "
		"version='1.0' xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
		"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms "
		"xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>";
	bool is_any = text.n == 0 || text.p[0] < '0' || text.p[0] > '9';
	size_t room = is_any ? 0 : (size_t) (text.p[0] - '0');

	if (strchr("omuUgj", verb) != NULL && !c->is_websocket)
		return;
	switch (verb) {
	case 's':
	case 'S':
	case 'v':
		if (!c->is_websocket)
			post(l, c, m, verb == 'v', verb == 'S', text);
		break;
	case 'l':
		lose(l, c, next_choice(&text));
		break;
	case 'o':
		say(l, c, slice_str(open));
		break;
	case 'm':
		say(l, c, text);
		break;
	case 'y':
		hurry(l, c, next_choice(&text));
		break;
	case 'u':
	case 'U':
		say_number(l, c, m, verb == 'U');
		break;
	case 'g':
		if (c->session != NULL && !c->is_gone)
			world_client_gone(&l->w, c);
		break;
	case 'c':
		connect_server(l, c);
		break;
	case 'r':
		if (has_server(c))
			world_upstream_gone(&l->w, c);
		break;
	case 'h':
		serve(l, c, slice_str(hello));
		break;
	case 'd':
		serve(l, c, text);
		break;
	case 'n':
	case 'N':
		serve_number(l, c, m, verb == 'N');
		break;
	case 'e':
		serve(l, c, SLICE("</stream:stream>"));
		break;
	case 'k':
		world_server_block(&l->w, c, !is_any, room * 100);
		break;
	case 'j':
		world_client_block(&l->w, c, !is_any, room);
		break;
	}
	check_client(l, c, m);
}

static void
event(struct life *l, struct slice line)
{
	char verb = next_choice(&line), digit;
	static const char *const ours[] = {UP, DOWN, "<?xml version", ".1f3c9a."};

	/* What is looked for afterwards is written by us alone. */
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (line.n > 0 && memmem(line.p, line.n, ours[i], strlen(ours[i])) != NULL)
			return;
	if (verb == 'b' || verb == 'w') {
		come(l, verb == 'w', line);
		return;
	}
	if (verb == 'x') {
		world_shutdown(&l->w);
		return;
	}
	if (verb == 'z') {
		reload(l);
		return;
	}
	digit = next_choice(&line);
	if (verb == 't' && line.n > 0 && line.p[0] >= 'a' && line.p[0] <= 'z')
		world_time(&l->w, (ms_t) 10 << (line.p[0] - 'a'));
	else if (digit >= '0' && (unsigned) (digit - '0') < l->w.n_clients)
		client_event(l, verb, &l->w.client[digit - '0'], &l->mind[digit - '0'], line);
}

/* WebSockets break, and time passes: nothing is left, everybody was answered. */
static void
end(struct life *l)
{
	for (unsigned i = 0; i < l->w.n_clients; i++)
		if (l->w.client[i].session != NULL && !l->w.client[i].is_gone)
			world_client_gone(&l->w, &l->w.client[i]);
	for (unsigned i = 0; i < 60; i++)
		world_time(&l->w, 30000);
	check_fault(&l->w);
	must(world_sessions(&l->w) == 0);
	for (unsigned i = 0; i < l->w.n_clients; i++) {
		struct client *c = &l->w.client[i];
		for (size_t k = 0; k < c->n_requests; k++)
			must(c->request[k].state != REQUEST_OPEN);
		check_rising(buf_slice(&c->server.got), UP, 0);
		world_check_server(&l->w, c);
	}
	check_fault(&l->w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = slice_of((const char *) p, n);
	struct life *l = xcalloc(1, sizeof *l);

	l->choice = (unsigned char) next_choice(&rest);
	must(world_init(&l->w, slice_str(confs[l->choice % 3]), WORLD_WORKERS));
	l->reply = l->w.outlet.reply;
	l->w.outlet.reply = on_reply;
	while (rest.n > 0) {
		const char *stop = memchr(rest.p, '\n', rest.n);
		size_t length = stop != NULL ? (size_t) (stop - rest.p) : rest.n;
		event(l, slice_of(rest.p, length));
		length += stop != NULL;
		rest = slice_of(rest.p + length, rest.n - length);
	}
	end(l);
	world_fini(&l->w);
	free(l);
	return 0;
}
