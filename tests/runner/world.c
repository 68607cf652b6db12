#include "runner/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "conf/conf_read.h"
#include "proto/bosh/bosh.h"
#include "sha1.h"
#include "whole.h"

#define START 1000000 /* the clock's first value: nothing may take 0 for granted */
#define MAX_WAKES 40  /* of the core in one stretch of time; more is a loop */
#define CHECK_LIMITS ((struct xml_limits){(size_t) 256 << 20, 1000})

void
world_event(struct world *w, const char *format, ...)
{
	char *line = w->event[w->n_events++ % WORLD_EVENTS];
	ms_t at = w->now - START;
	int n = snprintf(line, sizeof w->event[0], "%lld.%03lld ", (long long) (at / 1000), (long long) (at % 1000));
	va_list ap;

	va_start(ap, format);
	vsnprintf(line + n, sizeof w->event[0] - (size_t) n, format, ap);
	va_end(ap);
	if (w->is_verbose)
		printf("#   %s\n", line);
}

void
world_fault(struct world *w, const char *format, ...)
{
	va_list ap;

	if (w->fault.n > 0)
		return;
	va_start(ap, format);
	buf_vprintf(&w->fault, format, ap);
	va_end(ap);
}

/* What the core is given */

static void
hook_random(void *arg, void *bytes, size_t n)
{
	struct world *w = arg;
	unsigned char *p = bytes;

	while (n-- > 0) {
		w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		*p++ = (unsigned char) (w->random >> 56);
	}
}

static bool
hook_to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (domain.n == 0 || domain.n >= room)
		return false;
	for (size_t i = 0; i < domain.n; i++) {
		char c = domain.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char) (c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
		out[i] = c;
	}
	out[domain.n] = '\0';
	return true;
}

static bool
hook_is_base64(void *arg, struct slice text, size_t n)
{
	(void) arg;
	return text.n == (n + 2) / 3 * 4;
}

static int
sextet(char c)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(letters, c) : NULL;

	return at != NULL ? (int) (at - letters) : -1;
}

static size_t
hook_from_base64(void *arg, struct slice text, char *out, size_t room)
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	(void) arg;
	for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
		if (sextet(text.p[i]) < 0)
			return 0;
		bits = (bits << 6 | (unsigned) sextet(text.p[i])) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		if (n == room)
			return 0;
		n_bits -= 8;
		out[n++] = (char) (bits >> n_bits & 0xff);
	}
	return n;
}

static void
log_sink(void *arg, enum log_level level, struct slice line)
{
	struct world *w = arg;

	(void) level;
	world_event(w, "log: %.*s", SLICE_ARG(line));
	if (memmem(line.p, line.n, ".1f3c9a.", 8) != NULL)
		world_fault(w, "a sid is in the log: %.*s", SLICE_ARG(line));
	buf_append(&w->log_text, line);
	buf_append_char(&w->log_text, '\n');
}

/* What it does */

static struct client *
client_of(struct world *w, struct session *s)
{
	for (unsigned i = 0; i < w->n_clients; i++)
		if (w->client[i].session == s || w->client[i].server.session == s)
			return &w->client[i];
	must(w->current != NULL);
	return w->current;
}

static bool
check_root(void *arg, const struct xml_element *root)
{
	(void) arg;
	(void) root;
	return true;
}

static bool
check_element(void *arg, struct stanza *st)
{
	(void) arg;
	stanza_free(st);
	return true;
}

static void
check_end(void *arg)
{
	(void) arg;
}

static const struct xml_stream_handler checks = {
	.xml = {.root = check_root, .element = check_element}, .end = check_end};

/* What is sent stands alone: every prefix is declared. */
static void
check_document(struct world *w, struct slice text)
{
	if (xml_document(w->checker.documents, XML_MESSAGE, &checks.xml, CHECK_LIMITS, text, NULL) != XML_OK)
		world_fault(w, "not a self-contained element: %.*s", SLICE_ARG(text));
}

static void
learn_sid(struct client *c, struct slice answer)
{
	const char *at = memmem(answer.p, answer.n, " sid='", 6), *end;

	if (at == NULL || c->sid[0] != '\0')
		return;
	end = strchr(at + 6, '\'');
	snprintf(c->sid, sizeof c->sid, "%.*s", (int) (end - at - 6), at + 6);
}

/*
 * As if it went to another worker, or came from one: the bytes of a letter,
 * which are the caller's to free, and what is read from them.
 */
static struct letter
travel(const struct letter *letter, char **bytes)
{
	size_t n = letter_size(letter);
	struct letter read;

	*bytes = xmalloc(n);
	letter_write(letter, *bytes);
	must(letter_read(slice_of(*bytes, n), &read));
	must(read.kind == letter->kind);
	return read;
}

static void
take_answer(struct world *w, struct client *c, struct request *r, const struct reply *reply)
{
	world_event(w, "%s <- %llu: %.*s", c->name, (unsigned long long) r->rid, SLICE_ARG(reply->body));
	if (r->state == REQUEST_LOST)
		return;
	if (r->state != REQUEST_OPEN)
		world_fault(w, "request %llu is answered twice", (unsigned long long) r->rid);
	r->state = REQUEST_ANSWERED;
	buf_append(&r->answer, reply->body);
	buf_cstr(&r->answer);
	r->status = reply->status;
	snprintf(r->retry_after, sizeof r->retry_after, "%u", reply->retry_after);
	snprintf(r->content_type, sizeof r->content_type, "%s", content_name(reply->content));
	learn_sid(c, buf_slice(&r->answer));
}

static void
out_reply(void *arg, const struct reply *reply)
{
	struct world *w = arg;
	char *bytes;
	struct letter letter = travel(&(struct letter){.kind = LETTER_REPLY, .u.reply = *reply}, &bytes);
	bool is_found = false;

	/* What does not travel is for this worker's own requests. */
	letter.u.reply.retry_after = reply->retry_after;
	reply = &letter.u.reply;
	check_document(w, reply->body);
	for (unsigned i = 0; i < w->n_clients && !is_found; i++) {
		for (size_t j = 0; j < w->client[i].n_requests && !is_found; j++) {
			struct request *r = &w->client[i].request[j];
			is_found = req_eq(r->id, reply->id);
			if (is_found)
				take_answer(w, &w->client[i], r, reply);
		}
	}
	if (!is_found)
		world_fault(w, "a request is answered that nobody made");
	free(bytes);
}

static void
out_cut(void *arg, struct req_id id)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->n_clients; i++) {
		for (size_t j = 0; j < w->client[i].n_requests; j++) {
			struct request *r = &w->client[i].request[j];
			if (!req_eq(r->id, id))
				continue;
			world_event(w, "%s <- %llu: cut", w->client[i].name, (unsigned long long) r->rid);
			/* Of a large answer, some may be on its way still. */
			if (r->state != REQUEST_OPEN && r->answer.n < ANSWER_LARGE)
				world_fault(w, "request %llu is cut, but over already", (unsigned long long) r->rid);
			if (r->state == REQUEST_OPEN || r->state == REQUEST_ANSWERED)
				r->state = REQUEST_CUT;
			return;
		}
	}
	world_fault(w, "a request is cut that nobody made");
}

static bool
out_send(void *arg, struct session *s, struct stanza *st)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);
	struct buf *m;

	if (c->is_gone || c->is_hung_up)
		world_fault(w, "a message for a WebSocket that is gone");
	if (c->is_blocked && c->room == 0) {
		c->wants_room = true;
		return false;
	}
	if (c->is_blocked)
		c->room--;
	check_document(w, stanza_slice(st));
	memset(st->headroom, 0xa5, sizeof st->headroom);
	c->message = xrealloc(c->message, (c->n_messages + 1) * sizeof *c->message);
	m = &c->message[c->n_messages++];
	buf_init(m, BUF_UNLIMITED);
	buf_append(m, stanza_slice(st));
	world_event(w, "%s <- %.*s", c->name, SLICE_ARG(buf_slice(m)));
	return true;
}

static void
out_hangup(void *arg, struct session *s, unsigned code)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s <- hang up %u", c->name, code);
	if (c->is_gone || c->is_cut || (c->is_hung_up && code != 0))
		world_fault(w, "a WebSocket is hung up twice");
	if (!c->is_hung_up)
		c->code = code;
	c->is_hung_up = true;
	c->is_cut = code == 0;
}

static void
out_pause_client(void *arg, struct session *s, bool pause)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s is %s", c->name, pause ? "paused" : "resumed");
	if (c->is_paused == pause || c->is_gone)
		world_fault(w, "%s is paused or resumed in vain", c->name);
	c->is_paused = pause;
}

static void
out_connect(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s.server: connect to %s", c->name, domain->name);
	if (c->server.state != REMOTE_NONE)
		world_fault(w, "a second connection to the server of %s", c->name);
	c->server.session = s;
	c->server.state = REMOTE_ASKED;
}

static void
out_start_tls(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s.server: start TLS for %s", c->name, domain->name);
	if (c->server.state != REMOTE_CONNECTED)
		world_fault(w, "TLS with a server that is not connected");
	c->server.state = REMOTE_SECURING;
}

static void
out_settle(void *arg, struct session *s)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	if (c->server.state != REMOTE_CONNECTED || c->server.is_settled)
		world_fault(w, "a server is found to be the right one in vain");
	c->server.is_settled = true;
}

/* The next server: nothing of what the last one was sent. */
static bool
try_another(struct world *w, struct client *c)
{
	if (c->server.is_settled || c->server.others == 0)
		return false;
	world_event(w, "%s.server: another is tried", c->name);
	c->server.others--;
	c->server.seen = buf_slice(&c->server.got).n;
	c->server.is_paused = c->server.wants_room = false;
	c->server.state = REMOTE_ASKED;
	return true;
}

static bool
out_pass_on(void *arg, struct session *s, enum closing reason, const char *why)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s.server: %s, %s", c->name, closing_row(reason)->name, why);
	if (c->server.state != REMOTE_CONNECTED)
		world_fault(w, "a server that is not connected is passed on from");
	return try_another(w, c);
}

static void
out_describe(void *arg, struct session *s, struct server_link *link)
{
	(void) arg;
	snprintf(link->server, sizeof link->server, "%s:5222", s->domain->ascii);
	snprintf(link->address, sizeof link->address, "192.0.2.2:5222");
	link->is_secure = s->leg == UPSTREAM_SECURE;
	snprintf(link->tls, sizeof link->tls, "%s", link->is_secure ? "TLSv1.2, A-CIPHER" : "none");
}

static size_t
out_write(void *arg, struct session *s, const struct iovec *v, int n)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);
	struct server *u = &c->server;
	size_t total = 0;

	if (u->state == REMOTE_GONE)
		return 0; /* told a moment later */
	if (u->state != REMOTE_CONNECTED)
		world_fault(w, "bytes for a server that is not connected");
	for (int i = 0; i < n; i++) {
		size_t take = v[i].iov_len;
		if (u->is_blocked && take > u->room)
			take = u->room;
		if (take > 0)
			world_event(w, "%s.server <- %.*s", c->name, (int) take, (char *) v[i].iov_base);
		buf_append(&u->got, slice_of(v[i].iov_base, take));
		total += take;
		if (u->is_blocked)
			u->room -= take;
		if (take < v[i].iov_len) {
			u->wants_room = true;
			break;
		}
	}
	return total;
}

static void
out_pause_upstream(void *arg, struct session *s, bool pause)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s.server is %s", c->name, pause ? "paused" : "resumed");
	if (c->server.is_paused == pause || c->server.state != REMOTE_CONNECTED)
		world_fault(w, "the server of %s is paused or resumed in vain", c->name);
	c->server.is_paused = pause;
}

static void
out_disconnect(void *arg, struct session *s)
{
	struct world *w = arg;
	struct client *c = client_of(w, s);

	world_event(w, "%s.server: disconnect", c->name);
	if (c->server.state != REMOTE_ASKED && c->server.state != REMOTE_SECURING &&
		c->server.state != REMOTE_CONNECTED)
		world_fault(w, "the server of %s is disconnected in vain", c->name);
	c->server.state = REMOTE_DROPPED;
}

static void forward(struct world *w, unsigned worker, const struct post *post, unsigned to);

static void
out_forward(void *arg, const struct post *post, struct owner owner)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->n_clients; i++)
		for (size_t j = 0; j < w->client[i].n_requests; j++)
			if (req_eq(w->client[i].request[j].id, post->id)) {
				forward(w, post->id.owner.worker, post, owner.worker);
				return;
			}
	world_fault(w, "a request is forwarded that nobody made");
}

static const struct outlet outlet = {
	.reply = out_reply,
	.forward = out_forward,
	.cut = out_cut,
	.send = out_send,
	.hangup = out_hangup,
	.pause_client = out_pause_client,
	.connect = out_connect,
	.start_tls = out_start_tls,
	.settle = out_settle,
	.pass_on = out_pass_on,
	.describe = out_describe,
	.write = out_write,
	.pause_upstream = out_pause_upstream,
	.disconnect = out_disconnect,
};

/* Life */

/* There is no machine here whose memory could be followed. */
static void
set_budget(struct world *w)
{
	size_t max = w->conf->limits.buffer_total;

	w->budget.max = max == CONF_AUTOMATIC ? 0 : max;
}

void
world_set_conf(struct world *w, struct conf *conf)
{
	struct conf *old = w->conf;

	w->conf = conf;
	for (unsigned i = 0; i < w->n_workers; i++)
		context_set_conf(&w->context[i], conf);
	set_budget(w);
	conf_unref(old);
}

bool
world_init(struct world *w, struct slice conf_text, unsigned n_workers)
{
	struct buf errors;

	w->now = START;
	world_set_address(w, SLICE(WORLD_ADDRESS));
	w->forwarded_to = -1;
	buf_init(&w->fault, BUF_UNLIMITED);
	buf_init(&w->log_text, BUF_UNLIMITED);
	w->hooks = (struct hooks){w, hook_random, hook_to_ascii, hook_is_base64, hook_from_base64, sha1_hash};
	w->log = (struct log){.level = LOG_DEBUG, .arg = w, .sink = log_sink};
	w->outlet = outlet;
	w->outlet.arg = w->outlet.answers = w;
	xml_readers_init(&w->checker, 0);
	buf_init(&errors, 65536);
	if (conf_read(&w->conf, conf_text, "conf", &w->hooks, &errors) != 0)
		world_fault(w, "%.*s", SLICE_ARG(buf_slice(&errors)));
	buf_fini(&errors);
	if (w->conf == NULL)
		return false;
	w->n_workers = n_workers;
	w->node = xstrdup(w->conf->node);
	set_budget(w);
	w->quota = quota_new(0, NULL);
	for (unsigned i = 0; i < n_workers; i++) {
		w->context[i] = (struct context){
			.node = w->node,
			.self = {0x1f3c9a, i},
			.n_workers = n_workers,
			.hooks = &w->hooks,
			.log = &w->log,
			.counters = &w->counters[i],
			.budget = {.pool = &w->budget},
			.quota = w->quota,
		};
		context_set_conf(&w->context[i], w->conf);
		w->registry[i] = registry_new(&w->context[i], &w->outlet);
	}
	return true;
}

void
world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		registry_free(w->registry[i]);
	quota_free(w->quota);
	for (unsigned i = 0; i < w->n_clients; i++) {
		struct client *c = &w->client[i];
		for (size_t j = 0; j < c->n_requests; j++) {
			buf_fini(&c->request[j].body);
			buf_fini(&c->request[j].answer);
		}
		for (size_t j = 0; j < c->n_messages; j++)
			buf_fini(&c->message[j]);
		free(c->request);
		free(c->message);
		buf_fini(&c->server.got);
	}
	conf_unref(w->conf);
	free(w->node);
	xml_readers_fini(&w->checker);
	buf_fini(&w->fault);
	buf_fini(&w->log_text);
}

struct client *
world_client(struct world *w, struct slice name)
{
	for (unsigned i = 0; i < w->n_clients; i++)
		if (slice_eq(slice_str(w->client[i].name), name))
			return &w->client[i];
	return NULL;
}

bool
world_set_address(struct world *w, struct slice address)
{
	unsigned char bytes[NETWORK_BYTES];

	w->peer = (struct peer){.is_client = true};
	if (slice_is_set(address) && !network_address(address, bytes))
		return false;
	if (slice_is_set(address))
		peer_set_address(&w->peer, bytes, 4711);
	else
		peer_set_nobody(&w->peer, PEER_UNKNOWN);
	return true;
}

/* As the door does; the session is made when the connection stands. */
static void
upgrade(struct world *w, struct client *c)
{
	const struct admission admission = context_admission(&w->context[0]);

	c->is_refused = !admission_ask(&admission, &c->peer, w->now, &c->retry_after);
	if (!c->is_refused)
		c->session = registry_websocket(w->registry[0], &c->peer, w->now);
}

struct client *
world_add_client(struct world *w, struct slice name, bool is_websocket)
{
	struct client *c = &w->client[w->n_clients];

	if (w->n_clients == WORLD_CLIENTS || name.n >= WORLD_NAME || world_client(w, name) != NULL)
		return NULL;
	w->n_clients++;
	snprintf(c->name, sizeof c->name, "%.*s", SLICE_ARG(name));
	c->is_websocket = is_websocket;
	c->peer = w->peer;
	c->rid = 1000;
	buf_init(&c->server.got, BUF_UNLIMITED);
	if (is_websocket)
		upgrade(w, c);
	return c;
}

/* Events */

static void
forget(void *arg, struct session *s)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->n_clients; i++) {
		struct client *c = &w->client[i];
		if (c->session != s && c->server.session != s)
			continue;
		if (c->server.state == REMOTE_ASKED || c->server.state == REMOTE_CONNECTED)
			world_fault(w, "the session of %s is freed, its server is still connected", c->name);
		if (c->session == s && !c->is_gone)
			world_fault(w, "the session of %s is freed, its WebSocket still stands", c->name);
		c->session = NULL;
		c->server.session = NULL;
		world_event(w, "%s: session freed", c->name);
	}
}

/* The daemon reads what is large in its turns, whatever else happens. */
static void
read_large(struct world *w, unsigned n)
{
	bool again = true;

	w->current = w->poster;
	for (unsigned i = 0; again && (n == 0 || i < n); i++) {
		again = false;
		for (unsigned j = 0; j < w->n_workers; j++)
			again = registry_run(w->registry[j], w->now) || again;
	}
}

static void
end_event(struct world *w)
{
	if (!w->is_reading_stopped)
		read_large(w, 0);
	w->current = NULL;
	for (unsigned i = 0; i < w->n_workers; i++)
		registry_reap(w->registry[i], forget, w);
}

/* Another worker's request goes to it as a letter, and may not be sent on. */
static void
forward(struct world *w, unsigned worker, const struct post *post, unsigned to)
{
	char sid[SID_MAX]; /* the owner learns it from the body; the request keeps what its own worker has read */
	struct owner owner;
	char *bytes;
	struct letter letter = travel(&(struct letter){.kind = LETTER_POST, .u.post = *post}, &bytes);

	world_event(w, "worker %u forwards to worker %u", worker, to);
	w->forwards++;
	w->forwarded_to = (int) to;
	if (registry_post(w->registry[to], &letter.u.post, w->now, sid, &owner) != REGISTRY_TAKEN)
		world_fault(w, "a request is forwarded twice");
	free(bytes);
}

/* The registry of the worker says whose a request is. */
static void
post(struct world *w, unsigned worker, struct request *r, const struct post *post)
{
	struct owner owner;

	if (registry_post(w->registry[worker], post, w->now, r->sid, &owner) == REGISTRY_FORWARD)
		forward(w, worker, post, owner.worker);
}

void
world_post(struct world *w, struct client *c, unsigned worker, uint64_t rid, struct slice body)
{
	struct post p = {.id = {{w->context[worker].self.generation, worker}, (uint32_t) c->n_requests + 1, ++w->use},
		.peer = c->peer,
		.has_left = c->is_leaving,
		.body = body};
	struct request *r;

	p.peer.is_secure = c->is_secure;
	c->request = xrealloc(c->request, (c->n_requests + 1) * sizeof *c->request);
	r = &c->request[c->n_requests++];
	*r = (struct request){.rid = rid, .id = p.id};
	buf_init(&r->body, BUF_UNLIMITED);
	buf_init(&r->answer, BUF_UNLIMITED);
	buf_append(&r->body, body);
	world_event(w, "%s -> %.*s", c->name, SLICE_ARG(body));

	w->current = w->poster = c;
	w->forwarded_to = -1;
	post(w, worker, r, &p);
	end_event(w);
	if (c->is_leaving && r->state == REQUEST_OPEN)
		world_lose(w, c, r);
}

/* Something happens to a request: its worker's registry says whom to tell. */
void
world_news(struct world *w, struct client *c, struct request *r, struct req_fate fate)
{
	const struct news news = {.id = r->id, .sid = slice_str(r->sid), .fate = fate};
	struct owner owner;
	struct letter letter;
	char *bytes;

	w->current = c;
	if (registry_news(w->registry[r->id.owner.worker], &news, w->now, &owner) == REGISTRY_FORWARD) {
		letter = travel(&(struct letter){.kind = LETTER_NEWS, .u.news = news}, &bytes);
		if (registry_news(w->registry[owner.worker], &letter.u.news, w->now, &owner) != REGISTRY_TAKEN)
			world_fault(w, "news is forwarded twice");
		free(bytes);
	}
	end_event(w);
}

void
world_lose(struct world *w, struct client *c, struct request *r)
{
	world_event(w, "%s loses %llu", c->name, (unsigned long long) r->rid);
	r->state = REQUEST_LOST;
	world_news(w, c, r, (struct req_fate){.event = REQ_GONE});
}

void
world_leave(struct world *w, struct client *c, struct request *r, bool is_taken)
{
	int64_t n = (int64_t) r->answer.n;

	world_event(w, "%s %s %llu", c->name, is_taken ? "takes" : "leaves", (unsigned long long) r->rid);
	world_news(w, c, r, (struct req_fate){REQ_UNSENT, is_taken ? -n : n});
	world_news(w, c, r, (struct req_fate){.event = is_taken ? REQ_RESTS : REQ_MOVES});
}

void
world_begin(struct world *w, struct client *c, size_t n)
{
	world_event(w, "%s -> %zu bytes of a message", c->name, n);
	w->current = c;
	if (c->session != NULL)
		session_message_part(c->session, n, n, w->now);
	end_event(w);
}

void
world_say(struct world *w, struct client *c, struct slice text)
{
	world_event(w, "%s -> %.*s", c->name, SLICE_ARG(text));
	w->current = c;
	if (c->session != NULL)
		session_message(c->session, text, w->now);
	end_event(w);
}

void
world_client_gone(struct world *w, struct client *c)
{
	world_event(w, "%s is gone", c->name);
	w->current = c;
	c->is_gone = true;
	if (c->session != NULL)
		session_client_gone(c->session, w->now);
	end_event(w);
}

void
world_client_block(struct world *w, struct client *c, bool is_blocked, size_t room)
{
	w->current = c;
	c->is_blocked = is_blocked;
	c->room = room;
	if ((!is_blocked || room > 0) && c->wants_room && c->session != NULL) {
		c->wants_room = false;
		session_client_writable(c->session, w->now);
	}
	end_event(w);
}

void
world_connect(struct world *w, struct client *c, enum upstream_leg leg)
{
	world_event(w, "%s.server connects", c->name);
	w->current = c;
	c->server.state = REMOTE_CONNECTED;
	session_connected(c->server.session, leg, w->now);
	end_event(w);
}

void
world_upstream(struct world *w, struct client *c, struct slice bytes)
{
	world_event(w, "%s.server -> %.*s", c->name, SLICE_ARG(bytes));
	w->current = c;
	session_upstream(c->server.session, bytes, w->now);
	end_event(w);
}

void
world_upstream_gone(struct world *w, struct client *c)
{
	enum closing reason = c->server.state == REMOTE_ASKED ? CLOSING_CONNECT_FAILED
		: c->server.state == REMOTE_SECURING          ? CLOSING_TLS_FAILED
							      : CLOSING_SERVER_GONE;

	world_event(w, "%s.server is gone", c->name);
	w->current = c;
	if (reason != CLOSING_CONNECT_FAILED && try_another(w, c)) {
		session_upstream_again(c->server.session, w->now);
	} else {
		c->server.state = reason == CLOSING_CONNECT_FAILED ? REMOTE_REFUSED : REMOTE_GONE;
		session_upstream_gone(c->server.session, reason, w->now);
	}
	end_event(w);
}

void
world_server_block(struct world *w, struct client *c, bool is_blocked, size_t room)
{
	w->current = c;
	c->server.is_blocked = is_blocked;
	c->server.room = room;
	if ((!is_blocked || room > 0) && c->server.wants_room && c->server.state == REMOTE_CONNECTED) {
		c->server.wants_room = false;
		session_upstream_writable(c->server.session, w->now);
	}
	end_event(w);
}

void
world_read(struct world *w, unsigned n)
{
	w->is_reading_stopped = n > 0;
	read_large(w, n);
	end_event(w);
}

void
world_stop_reading(struct world *w)
{
	w->is_reading_stopped = true;
}

void
world_time(struct world *w, ms_t ms)
{
	ms_t end = w->now + ms;
	unsigned wakes = 0;

	for (;;) {
		ms_t next = MS_NEVER;
		for (unsigned i = 0; i < w->n_workers; i++)
			next = ms_min(next, registry_deadline(w->registry[i]));
		if (next > end)
			break;
		if (next > w->now)
			w->now = next;
		if (++wakes > MAX_WAKES) {
			world_fault(w, "the core wakes up again and again, and does nothing");
			break;
		}
		for (unsigned i = 0; i < w->n_workers; i++)
			registry_expire(w->registry[i], w->now);
		end_event(w);
	}
	w->now = end;
}

void
world_shutdown(struct world *w)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		registry_close_all(w->registry[i], CLOSING_SHUTDOWN, w->now);
	end_event(w);
}

void
world_drain(struct world *w, ms_t ms)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		registry_drain(w->registry[i], CLOSING_SHUTDOWN, w->now + ms, w->now);
	end_event(w);
}

bool
world_counter(const struct world *w, struct slice name, uint64_t *value)
{
	*value = 0;
#define X(counter, text) \
	if (slice_eq(name, SLICE(#counter))) { \
		for (unsigned i = 0; i < w->n_workers; i++) \
			*value += w->counters[i].counter; \
		return true; \
	}
	COUNTER_ROWS(X)
#undef X
	return false;
}

size_t
world_sessions(const struct world *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->n_workers; i++)
		n += registry_count(w->registry[i]);
	return n;
}

void
world_check_server(struct world *w, struct client *c)
{
	static const char head[] = "<?xml";
	struct slice rest = buf_slice(&c->server.got);
	struct xml_stream x;

	xml_stream_init(&x, &w->checker, &checks, CHECK_LIMITS, NULL);
	while (rest.n > 0) {
		const char *next = memmem(rest.p + 1, rest.n - 1, head, sizeof head - 1);
		size_t n = next != NULL ? (size_t) (next - rest.p) : rest.n;
		xml_stream_open(&x);
		if (!slice_has_prefix(rest, SLICE("<?xml")) ||
			xml_stream_feed_whole(&x, slice_of(rest.p, n)) != XML_OK) {
			world_fault(w, "the server got what is not an XML stream: %.*s", SLICE_ARG(rest));
			break;
		}
		rest = slice_of(rest.p + n, rest.n - n);
	}
	xml_stream_fini(&x);
}
