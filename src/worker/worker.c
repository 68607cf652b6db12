#include "worker/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fatal.h"
#include "io/bosh_http.h"
#include "io/crypto.h"
#include "io/dial.h"
#include "io/dns.h"
#include "io/door.h"
#include "io/idn.h"
#include "io/ws.h"
#include "session/registry.h"
#include "worker/handshake.h"

/* How long sessions have to say goodbye when the process ends. */
#define STOP_MS 2000
/* Rounds of one turn of the loop before it looks at its sockets again. */
#define MAX_ROUNDS 4

#define CLIENT_MAGIC 0x636c6e74u

enum worker_state {
	WORKER_RUNNING,
	WORKER_STOPPING, /* sessions are told */
	WORKER_ENDED,    /* handles are closing; worker_free() does the rest */
};

/* What hangs on a session here: its sockets. */
struct client {
	uint32_t magic;
	struct worker *worker;
	struct session *session;
	struct dial *dial;
	struct ws_connection *websocket;
};

struct worker {
	struct worker_config config;
	enum worker_state state;
	pthread_t thread;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t timer;
	ms_t timer_at, stop_at;
	struct mailbox *mailbox;
	struct crypto *crypto;
	struct hooks hooks;
	struct counters counters;
	struct outlet outlet;
	struct registry *registry;
	struct upgrade_rules rules;
	struct door *door;
	struct bosh_http *http;
	struct ws *ws;
	struct dns *dns;
	struct dialer *dialer;
	struct door_handler door_handler;
	struct bosh_http_handler http_handler;
	struct ws_handler ws_handler;
	struct dial_handler dial_handler;
};

static ms_t
now_of(struct worker *w)
{
	return (ms_t) uv_now(&w->loop);
}

static struct client *
client_from(void *p)
{
	struct client *c = p;

	must(c != NULL && c->magic == CLIENT_MAGIC);
	return c;
}

/* The client of a session, made when it first needs a socket. */
static struct client *
client_of(struct worker *w, struct session *s)
{
	struct client *c;

	if (s->io != NULL)
		return client_from(s->io);
	c = xcalloc(1, sizeof *c);
	c->magic = CLIENT_MAGIC;
	c->worker = w;
	c->session = s;
	s->io = c;
	return c;
}

static void
before_free(void *arg, struct session *s)
{
	struct client *c;

	(void) arg;
	if (s->io == NULL)
		return;
	c = client_from(s->io);
	dial_drop(c->dial);
	c->magic = 0;
	free(c);
	s->io = NULL;
}

/* ---- hooks ---- */

static void
hook_random(void *arg, void *bytes, size_t n)
{
	struct worker *w = arg;

	crypto_random(w->crypto, bytes, n);
}

static bool
hook_is_base64(void *arg, struct slice text, size_t n)
{
	(void) arg;
	return crypto_is_base64(text, n);
}

static void
hook_sha1(void *arg, struct slice text, uint8_t hash[HOOKS_SHA1])
{
	(void) arg;
	crypto_sha1(text, hash);
}

/* ---- outlet: what sessions ask for ---- */

static void
out_reply(void *arg, struct req_id req, unsigned status, struct slice body, const char *content_type)
{
	struct worker *w = arg;
	struct mail *mail;

	if (req.worker == w->config.index) {
		bosh_http_reply(w->http, req, status, body, content_type);
		return;
	}
	mail = mail_new(MAIL_REPLY, body);
	mail->req = req;
	mail->status = status;
	mail->content_type = content_type;
	mailbox_post(w->config.mailboxes[req.worker], mail);
}

static void
out_cut(void *arg, struct req_id req)
{
	struct worker *w = arg;
	struct mail *mail;

	if (req.worker == w->config.index) {
		bosh_http_cut(w->http, req);
		return;
	}
	mail = mail_new(MAIL_CUT, SLICE(""));
	mail->req = req;
	mailbox_post(w->config.mailboxes[req.worker], mail);
}

static bool
out_send(void *arg, struct session *s, struct stanza *st)
{
	struct client *c = client_of(arg, s);

	return c->websocket != NULL && ws_send(c->websocket, st);
}

static void
out_hangup(void *arg, struct session *s, unsigned code)
{
	struct client *c = client_of(arg, s);

	if (c->websocket != NULL)
		ws_hangup(c->websocket, code, closing_text(s->reason));
}

static void
out_pause_client(void *arg, struct session *s, bool pause)
{
	struct client *c = client_of(arg, s);

	if (c->websocket != NULL)
		ws_pause(c->websocket, pause);
}

static void
out_connect(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct worker *w = arg;
	struct client *c = client_of(w, s);

	must(c->dial == NULL);
	c->dial = dial_connect(w->dialer, c, domain, s->conf->limits.connect_timeout, s->number);
}

static size_t
out_write(void *arg, struct session *s, const struct iovec *v, int n)
{
	struct client *c = client_of(arg, s);

	return c->dial != NULL ? dial_write(c->dial, v, n) : 0;
}

static void
out_start_tls(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct client *c = client_of(arg, s);

	(void) domain;
	if (c->dial != NULL)
		dial_start_tls(c->dial);
}

static void
out_pause_upstream(void *arg, struct session *s, bool pause)
{
	struct client *c = client_of(arg, s);

	if (c->dial != NULL)
		dial_pause(c->dial, pause);
}

static void
out_disconnect(void *arg, struct session *s)
{
	struct client *c = client_of(arg, s);

	dial_drop(c->dial);
	c->dial = NULL;
}

/* ---- what happens to sessions ---- */

static void
on_connected(void *owner, enum upstream_leg leg)
{
	struct client *c = client_from(owner);

	session_connected(c->session, leg, now_of(c->worker));
}

static void
on_handshake(void *arg, struct tls_job *job)
{
	struct worker *w = arg;

	job->worker = w->config.index;
	handshakes_post(*w->config.handshakes, job);
}

static void
on_upstream_data(void *owner, struct slice bytes)
{
	struct client *c = client_from(owner);

	session_upstream(c->session, bytes, now_of(c->worker));
}

static void
on_upstream_writable(void *owner)
{
	struct client *c = client_from(owner);

	session_upstream_writable(c->session, now_of(c->worker));
}

static void
on_upstream_gone(void *owner, enum closing reason)
{
	struct client *c = client_from(owner);

	c->dial = NULL;
	session_upstream_gone(c->session, reason, now_of(c->worker));
}

static void *
on_ws_opened(void *arg, struct ws_connection *conn, const struct peer *peer)
{
	struct worker *w = arg;
	struct client *c = client_of(w, registry_websocket(w->registry, peer, now_of(w)));

	c->websocket = conn;
	return c;
}

static void
on_ws_message(void *arg, void *user, struct slice text)
{
	session_message(client_from(user)->session, text, now_of(arg));
}

static bool
on_ws_part(void *arg, void *user, size_t n)
{
	return session_message_part(client_from(user)->session, n, now_of(arg));
}

static void
on_ws_trouble(void *arg, void *user, enum ws_trouble what)
{
	static const enum closing closings[] = {
		[WS_TOO_BIG] = CLOSING_TOO_BIG,
		[WS_BINARY] = CLOSING_NOT_TEXT,
		[WS_UNMASKED] = CLOSING_UNMASKED,
	};

	session_close(client_from(user)->session, closings[what], now_of(arg));
}

static void
on_ws_writable(void *arg, void *user)
{
	session_client_writable(client_from(user)->session, now_of(arg));
}

static void
on_ws_gone(void *arg, void *user)
{
	struct client *c = client_from(user);

	c->websocket = NULL;
	session_client_gone(c->session, now_of(arg));
}

static void
on_ws_linger(void *arg, int fd)
{
	struct worker *w = arg;

	door_linger(w->door, fd);
}

static void
on_http_connection(void *arg, int fd, size_t n_head, const struct peer *peer)
{
	struct worker *w = arg;

	bosh_http_adopt(w->http, fd, n_head, peer);
}

static void
on_ws_connection(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer)
{
	struct worker *w = arg;

	ws_adopt(w->ws, fd, head, peer);
}

/* ---- between workers ---- */

static void
set_rules(struct worker *w)
{
	const struct conf *conf = w->config.conf;

	w->rules = (struct upgrade_rules){
		.places = {conf->bosh_paths.v, conf->bosh_paths.n, conf->websocket_paths.v, conf->websocket_paths.n},
		.origins = {conf->origins.v, conf->origins.n},
		.require_subprotocol = conf->websocket.require_subprotocol,
		.hooks = &w->hooks,
	};
}

static void
on_forward(void *arg, unsigned worker, struct req_id req, struct slice body, const struct peer *peer)
{
	struct worker *w = arg;
	struct mail *mail = mail_new(MAIL_POST, body);

	mail->req = req;
	mail->peer = *peer;
	mailbox_post(w->config.mailboxes[worker], mail);
}

static void
on_forward_unsent(void *arg, unsigned worker, struct slice sid, ssize_t n)
{
	struct worker *w = arg;
	struct mail *mail = mail_new(MAIL_UNSENT, sid);

	mail->unsent = n;
	mailbox_post(w->config.mailboxes[worker], mail);
}

static void
on_forward_event(void *arg, unsigned worker, struct req_id req, struct slice sid, bool is_gone)
{
	struct worker *w = arg;
	struct mail *mail = mail_new(is_gone ? MAIL_GONE : MAIL_HURRY, sid);

	mail->req = req;
	mailbox_post(w->config.mailboxes[worker], mail);
}

/* What can change without a restart does, for what comes from now on. */
static void
set_conf(struct worker *w, const struct conf *conf)
{
	const struct conf *old = w->config.conf;

	w->config.conf = conf_ref(conf);
	set_rules(w);
	registry_set_conf(w->registry, conf);
	bosh_http_set_conf(w->http, conf);
	door_set_conf(w->door, conf);
	ws_set_conf(w->ws, conf);
	conf_unref(old);
}

static void
receive(void *arg, struct mail *mail)
{
	struct worker *w = arg;
	unsigned worker;

	switch (mail->kind) {
	case MAIL_CONNECTION:
		door_enter(w->door, mail->fd, &mail->peer);
		mail->fd = -1;
		break;
	case MAIL_POST:
		/* It was the sid that sent it here, so it cannot go on to a third worker. */
		must(registry_post(w->registry, mail->req, mail_slice(mail), &mail->peer, now_of(w), &worker) ==
			REGISTRY_TAKEN);
		break;
	case MAIL_REPLY:
		bosh_http_reply(w->http, mail->req, mail->status, mail_slice(mail), mail->content_type);
		break;
	case MAIL_CUT:
		bosh_http_cut(w->http, mail->req);
		break;
	case MAIL_GONE:
		registry_gone(w->registry, mail_slice(mail), mail->req, now_of(w));
		break;
	case MAIL_UNSENT:
		registry_unsent(w->registry, mail_slice(mail), mail->unsent, now_of(w));
		break;
	case MAIL_HURRY:
		registry_hurry(w->registry, mail_slice(mail), mail->req, now_of(w));
		break;
	case MAIL_CONF:
		set_conf(w, mail->conf);
		break;
	case MAIL_SECURED:
		dialer_secured(w->dialer, mail->job);
		mail->job = NULL;
		break;
	case MAIL_HANDSHAKE:
		break;
	case MAIL_STOP:
		w->state = WORKER_STOPPING;
		w->stop_at = now_of(w) + STOP_MS;
		registry_close_all(w->registry, CLOSING_SHUTDOWN, now_of(w));
		break;
	case MAIL_NONE:
		break;
	}
}

/* ---- the loop ---- */

static void
end(struct worker *w)
{
	w->state = WORKER_ENDED;
	/* The loop looks at its sockets once more: whose sessions are gone by then must not be told anything. */
	ws_mute(w->ws);
	registry_bury_all(w->registry);
	registry_reap(w->registry, before_free, w);
	mailbox_close(w->mailbox);
	bosh_http_close(w->http);
	door_close(w->door);
	dns_close(w->dns);
	uv_close((uv_handle_t *) &w->prepare, NULL);
	uv_close((uv_handle_t *) &w->idle, NULL);
	uv_close((uv_handle_t *) &w->timer, NULL);
	uv_stop(&w->loop);
}

/* Has everybody here got an answer: our sessions, and those who wait for another worker's? */
static bool
is_all_told(const struct worker *w)
{
	return registry_is_told(w->registry) && bosh_http_waiting(w->http) == 0;
}

static void
on_idle(uv_idle_t *idle)
{
	(void) idle;
}

static void
on_timer(uv_timer_t *timer)
{
	struct worker *w = timer->data;
	ms_t now = now_of(w);

	w->timer_at = MS_NEVER;
	registry_expire(w->registry, now);
	door_expire(w->door, now);
	dialer_expire(w->dialer, now);
}

static void
arm(struct worker *w)
{
	ms_t now = now_of(w);
	ms_t at = ms_min(registry_deadline(w->registry), ms_min(door_deadline(w->door), dialer_deadline(w->dialer)));

	if (w->state == WORKER_STOPPING)
		at = ms_min(at, w->stop_at);
	if (at == w->timer_at)
		return;
	w->timer_at = at;
	if (at == MS_NEVER)
		uv_timer_stop(&w->timer);
	else
		uv_timer_start(&w->timer, on_timer, at > now ? (uint64_t) (at - now) : 0, 0);
}

/*
 * Once per turn, before the loop sleeps: what was put off is done, answers
 * go out together, and what ended is freed.  Nobody is in the middle of a
 * session's event here.
 */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct worker *w = prepare->data;
	bool again = true, has_guests = door_run(w->door);

	for (int i = 0; again && i < MAX_ROUNDS; i++) {
		dialer_run(w->dialer);
		again = bosh_http_run(w->http);
	}
	again = dialer_run(w->dialer) || again || has_guests;
	ws_run(w->ws);
	registry_reap(w->registry, before_free, w);
	if (w->state == WORKER_STOPPING && (is_all_told(w) || now_of(w) >= w->stop_at)) {
		end(w);
		return;
	}
	if (again && !uv_is_active((uv_handle_t *) &w->idle))
		uv_idle_start(&w->idle, on_idle);
	else if (!again)
		uv_idle_stop(&w->idle);
	arm(w);
}

static void
set_handlers(struct worker *w)
{
	w->hooks = (struct hooks){.arg = w,
		.random = hook_random,
		.to_ascii = idn_to_ascii,
		.is_base64 = hook_is_base64,
		.sha1 = hook_sha1};
	w->outlet = (struct outlet){
		.arg = w,
		.reply = out_reply,
		.cut = out_cut,
		.send = out_send,
		.hangup = out_hangup,
		.pause_client = out_pause_client,
		.connect = out_connect,
		.start_tls = out_start_tls,
		.write = out_write,
		.pause_upstream = out_pause_upstream,
		.disconnect = out_disconnect,
	};
	w->dial_handler = (struct dial_handler){
		.arg = w,
		.connected = on_connected,
		.handshake = on_handshake,
		.data = on_upstream_data,
		.writable = on_upstream_writable,
		.gone = on_upstream_gone,
	};
	w->ws_handler = (struct ws_handler){
		.arg = w,
		.opened = on_ws_opened,
		.message = on_ws_message,
		.part = on_ws_part,
		.trouble = on_ws_trouble,
		.writable = on_ws_writable,
		.gone = on_ws_gone,
		.linger = on_ws_linger,
	};
	w->door_handler = (struct door_handler){.arg = w, .http = on_http_connection, .websocket = on_ws_connection};
	w->http_handler = (struct bosh_http_handler){
		.arg = w,
		.forward = on_forward,
		.forward_event = on_forward_event,
		.forward_unsent = on_forward_unsent,
		.websocket = on_ws_connection,
	};
}

/* The parts that may fail to start; false when one did. */
static bool
open_libraries(struct worker *w)
{
	const struct conf *conf = w->config.conf;
	struct ws_config ws_config = {
		.max_message = conf->websocket.max_message,
		.ping = conf->websocket.ping,
		.pong_timeout = conf->websocket.pong_timeout,
		.log = w->config.log,
	};

	w->crypto = crypto_new();
	if (w->crypto == NULL) {
		log_event(w->config.log, LOG_ERROR, "no random numbers", "reason=\"the system gives no entropy\"");
		return false;
	}
	w->dns = dns_new(&w->loop, &conf->resolver_servers, w->config.log);
	if (w->dns == NULL)
		return false;
	w->ws = ws_new(&w->loop, &ws_config, &w->ws_handler);
	return w->ws != NULL;
}

static void
open_parts(struct worker *w)
{
	const struct conf *conf = w->config.conf;
	struct registry_config registry_config = {
		.outlet = &w->outlet,
		.hooks = &w->hooks,
		.log = w->config.log,
		.counters = &w->counters,
		.prefix = {.node = conf->node, .generation = w->config.generation},
		.worker = w->config.index,
		.n_workers = w->config.n_workers,
	};
	struct bosh_http_config http_config;

	ws_set_conf(w->ws, conf);
	w->registry = registry_new(&registry_config, conf);
	set_rules(w);
	http_config = (struct bosh_http_config){
		.loop = &w->loop,
		.registry = w->registry,
		.conf = conf,
		.listeners = w->config.listeners,
		.rules = &w->rules,
		.counters = &w->counters,
		.log = w->config.log,
		.worker = w->config.index,
	};
	w->http = bosh_http_new(&http_config, &w->http_handler);
	w->door =
		door_new(&w->loop, &w->rules, conf, w->config.listeners, &w->door_handler, &w->counters, w->config.log);
	w->dialer = dialer_new(&w->loop, w->dns, &w->dial_handler, w->config.log);
	w->mailbox = mailbox_new(&w->loop, receive, w);
}

struct worker *
worker_new(const struct worker_config *config)
{
	struct worker *w = xcalloc(1, sizeof *w);

	w->config = *config;
	w->config.conf = conf_ref(config->conf);
	w->timer_at = w->stop_at = MS_NEVER;
	must(uv_loop_init(&w->loop) == 0);
	set_handlers(w);
	if (!open_libraries(w)) {
		/* The process ends now; what is open goes with it. */
		return NULL;
	}
	open_parts(w);
	must(uv_prepare_init(&w->loop, &w->prepare) == 0);
	must(uv_idle_init(&w->loop, &w->idle) == 0);
	must(uv_timer_init(&w->loop, &w->timer) == 0);
	w->prepare.data = w->idle.data = w->timer.data = w;
	uv_prepare_start(&w->prepare, on_prepare);
	return w;
}

struct mailbox *
worker_mailbox(struct worker *w)
{
	return w->mailbox;
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	uv_run(&w->loop, UV_RUN_DEFAULT);
	return NULL;
}

int
worker_start(struct worker *w)
{
	return pthread_create(&w->thread, NULL, run, w) == 0 ? 0 : CV_ESYS;
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	/*
	 * libwebsockets closes a descriptor of its own twice: once at the start
	 * and once when the loop lets go.  Whoever got the number in between
	 * would lose it, so this is done when no other thread runs any more.
	 */
	ws_close(w->ws);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	registry_free(w->registry);
	bosh_http_free(w->http);
	ws_free(w->ws);
	dialer_free(w->dialer);
	mailbox_free(w->mailbox);
	crypto_free(w->crypto);
	must(uv_loop_close(&w->loop) == 0);
	conf_unref(w->config.conf);
	free(w);
}

const struct counters *
worker_counters(const struct worker *w)
{
	return &w->counters;
}
