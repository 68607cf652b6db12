#include "worker/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/stall.h"
#include "base/state.h"
#include "io/client.h"
#include "io/crypto.h"
#include "io/dns.h"
#include "io/door.h"
#include "io/idn.h"
#include "io/pump.h"
#include "io/site.h"
#include "worker/courier.h"
#include "worker/handshake.h"

/* How long sessions have to say goodbye when the process ends. */
#define STOP_MS 2000
/* Rounds of one turn of the loop before it looks at its sockets again. */
#define MAX_ROUNDS 4

enum worker_state {
	WORKER_RUNNING,
	WORKER_STOPPING, /* sessions are told */
	WORKER_ENDED,    /* handles are closing; worker_free() does the rest */
};

static const struct state states[] = {
	[WORKER_RUNNING] = {"running", STEP(WORKER_STOPPING)},
	[WORKER_STOPPING] = {"stopping", STEP(WORKER_ENDED)},
	[WORKER_ENDED] = {"ended", 0},
};

struct worker {
	struct worker_config config;
	enum worker_state state; /* only set_state() sets it */
	pthread_t thread;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t timer;
	ms_t timer_at, stop_at;
	uint64_t left;   /* of the pumps' clients, when it was last asked */
	bool is_put_off; /* what this turn was to do, to the next one */
	struct stall stall;
	struct mailbox *mailbox;
	struct crypto *crypto;
	struct hooks hooks;
	struct counters counters;
	struct context context;
	char *node; /* of the first configuration: sids keep it */
	struct outlet outlet;
	struct registry *registry;
	struct courier courier;
	struct clients clients;
	struct door *door;
	struct pumps *pumps;
	struct site *site;
	struct ws *ws;
	struct dns *dns;
	struct dialer *dialer;
	struct door_handler door_handler;
	struct site_handler site_handler;
	struct clients_handler clients_handler;
};

static ms_t
now_of(struct worker *w)
{
	return (ms_t) uv_now(&w->loop);
}

static void
set_state(struct worker *w, enum worker_state to)
{
	struct trace trace = {.log = w->context.log, .kind = "worker", .number = w->config.index};

	state_step(states, "loop", &trace, w->state, to);
	w->state = to;
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

static size_t
hook_from_base64(void *arg, struct slice text, char *out, size_t room)
{
	(void) arg;
	return crypto_from_base64(text, out, room);
}

static void
hook_sha1(void *arg, struct slice text, uint8_t hash[HOOKS_SHA1])
{
	(void) arg;
	crypto_sha1(text, hash);
}

/* ---- from one part to another ---- */

static void
on_handshake(void *arg, struct tls_job *job)
{
	struct worker *w = arg;

	job->worker = w->config.index;
	handshakes_post(*w->config.handshakes, job);
}

/* Before the handshake; the inner end comes back to the door. */
static void
on_client(void *arg, int fd, bool brings_ticket, const struct peer *peer)
{
	struct worker *w = arg;
	struct context *c = &w->context;
	struct tls_job *job = tls_job_to_client(fd, peer, brings_ticket, c->conf->limits.header_timeout);

	job->client.is_one = peer->kind == PEER_ADDRESS && !conf_is_trusted(c->conf, peer);
	c->sockets->clients++;
	budget_move(&c->budget, &job->charged, TLS_MEMORY);
	on_handshake(w, job);
}

/* Who is told why by TLS must have time to hear it. */
static void
refuse_client(struct worker *w, struct tls_job *job)
{
	int fd = job->fd;

	counter_add(w->context.counters->http_refused, 1);
	log_event(w->context.log, LOG_INFO, "no TLS", "client=%s reason=%s",
		log_peer(w->context.log, &job->client.peer).text, log_string(job->reason).text);
	budget_move(&w->context.budget, &job->charged, 0);
	job->fd = -1;
	door_linger(w->door, fd);
}

static void
client_secured(struct worker *w, struct tls_job *job)
{
	int fd;
	struct tls *tls = tls_job_take(job, &fd);

	if (tls == NULL) {
		refuse_client(w, job);
	} else {
		fd = pump_open(w->pumps, fd, tls, job->charged);
		if (fd >= 0)
			door_enter_secured(w->door, fd, &job->client.peer);
	}
	w->context.sockets->clients--;
	tls_job_free(job);
}

static void
secured(struct worker *w, struct tls_job *job)
{
	switch (job->direction) {
	case TLS_TO_SERVER:
		dialer_secured(w->dialer, job);
		break;
	case TLS_TO_CLIENT:
		client_secured(w, job);
		break;
	}
}

static void
on_linger(void *arg, int fd)
{
	struct worker *w = arg;

	door_linger(w->door, fd);
}

static void
on_http(void *arg, int fd, size_t room, const struct peer *peer)
{
	struct worker *w = arg;

	site_adopt(w->site, fd, room, peer);
}

static void
on_websocket(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer)
{
	struct worker *w = arg;

	ws_adopt(w->ws, fd, head, peer);
}

/* ---- mail ---- */

/* What can change without a restart does, for what comes from now on.  The reference is taken over. */
static void
reload(struct worker *w, const struct conf *conf)
{
	const struct conf *old = w->context.conf;

	context_set_conf(&w->context, conf);
	site_reload(w->site);
	dns_reload(w->dns, &conf->resolver_servers);
	conf_unref(old);
}

static void
receive(void *arg, struct mail *mail)
{
	struct worker *w = arg;

	switch (mail->kind) {
	case MAIL_CONNECTION:
		door_enter(w->door, mail->fd, &mail->peer, mail->is_one_too_many);
		mail->fd = -1;
		w->context.sockets->clients--; /* on their way the acceptor counts them */
		break;
	case MAIL_LETTER:
		courier_receive(&w->courier, mail_slice(mail));
		break;
	case MAIL_CONF:
		reload(w, conf_ref(mail->conf));
		break;
	case MAIL_SECURED:
		secured(w, mail->job);
		mail->job = NULL;
		break;
	case MAIL_DRAIN:
		registry_drain(w->registry, CLOSING_SHUTDOWN, now_of(w) + mail->ms, now_of(w));
		break;
	case MAIL_STOP:
		set_state(w, WORKER_STOPPING);
		w->stop_at = now_of(w) + STOP_MS;
		registry_close_all(w->registry, CLOSING_SHUTDOWN, now_of(w));
		break;
	case MAIL_HANDSHAKE:
	case MAIL_NONE:
		break;
	}
}

/* ---- the loop ---- */

static void
end(struct worker *w)
{
	set_state(w, WORKER_ENDED);
	/* The loop looks at its sockets once more: whose sessions are gone by then must not be told anything. */
	ws_mute(w->ws);
	registry_bury_all(w->registry);
	registry_reap(w->registry, clients_forget, w);
	mailbox_close(w->mailbox);
	site_close(w->site);
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
	return registry_is_told(w->registry) && site_waiting(w->site) == 0;
}

static void
on_idle(uv_idle_t *idle)
{
	(void) idle;
}

/* Only wakes the loop: timers run before it has looked at its sockets. */
static void
on_timer(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	w->timer_at = MS_NEVER;
}

static ms_t
first_deadline(const struct worker *w)
{
	ms_t servers = ms_min(dialer_deadline(w->dialer), registry_deadline(w->registry));
	ms_t clients = ms_min(site_deadline(w->site), ws_deadline(w->ws));
	ms_t turns = clients_deadline(&w->clients); /* to connect */

	return ms_min(
		ms_min(door_deadline(w->door), pumps_deadline(w->pumps)), ms_min(ms_min(servers, turns), clients));
}

/* Ends what has taken too long.  True when there may be more to do. */
static bool
judge(struct worker *w)
{
	ms_t until;

	if (!stall_is_over(&w->stall, first_deadline(w), now_of(w), &until))
		return false;
	registry_expire(w->registry, until);
	door_expire(w->door, until);
	pumps_expire(w->pumps, until);
	dialer_expire(w->dialer, until);
	site_expire(w->site, until);
	ws_expire(w->ws, until);
	return true;
}

static void
arm(struct worker *w)
{
	ms_t now = now_of(w);
	ms_t at = stall_wake(&w->stall, first_deadline(w));

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
 * First who is gone, then what servers sent: a stanza must not be put on the
 * answer to somebody who left in the same turn.  When the connection is another
 * worker's, its letter may come a turn later; then the answer is taken back
 * (bosh_gone).
 */
static bool
run_servers(struct worker *w)
{
	site_tell_gone(w->site);
	return dialer_run(w->dialer);
}

static void
on_crowd(void *arg)
{
	struct worker *w = arg;

	if (!w->is_put_off)
		run_servers(w);
}

/* True: call again without sleeping. */
static bool
run_parts(struct worker *w)
{
	bool again = true, has_guests = door_run(w->door);

	for (int i = 0; again && i < MAX_ROUNDS; i++) {
		run_servers(w);
		again = site_run(w->site);
	}
	again = run_servers(w) || again || has_guests;
	again = registry_run(w->registry, now_of(w)) || again;
	return ws_run(w->ws) || again;
}

static void
stay_awake(struct worker *w, bool again)
{
	if (again && !uv_is_active((uv_handle_t *) &w->idle))
		uv_idle_start(&w->idle, on_idle);
	else if (!again)
		uv_idle_stop(&w->idle);
}

/*
 * Who has left behind a pump is known to the others a turn later: until then
 * servers are not read.  Never twice in a row, so that many who leave do not
 * keep those who stay waiting; what is given to one who leaves just then is
 * taken back (bosh_gone).
 */
static bool
put_off(struct worker *w)
{
	uint64_t left = pumps_left(w->pumps);

	w->is_put_off = !w->is_put_off && left != w->left;
	w->left = left;
	return w->is_put_off;
}

/*
 * Once per turn, before the loop sleeps: what the sockets were found to have
 * is read, what was put off is done, who was silent is judged, answers go out
 * together, and what ended is freed.  Nobody is in the middle of a session's
 * event here.
 */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct worker *w = prepare->data;
	bool again;

	if (put_off(w)) {
		stay_awake(w, true);
		return;
	}
	again = run_parts(w);
	if (judge(w))
		again = run_parts(w) || again;
	registry_reap(w->registry, clients_forget, w);
	again = clients_run(&w->clients) || again;
	if (w->state == WORKER_STOPPING && (is_all_told(w) || now_of(w) >= w->stop_at)) {
		end(w);
		return;
	}
	stay_awake(w, again);
	arm(w);
}

static void
set_handlers(struct worker *w)
{
	w->hooks = (struct hooks){.arg = w,
		.random = hook_random,
		.to_ascii = idn_to_ascii,
		.is_base64 = hook_is_base64,
		.from_base64 = hook_from_base64,
		.sha1 = hook_sha1};
	w->clients_handler =
		(struct clients_handler){.arg = w, .handshake = on_handshake, .linger = on_linger, .crowd = on_crowd};
	w->door_handler = (struct door_handler){.arg = w, .tls = on_client, .http = on_http, .websocket = on_websocket};
	w->site_handler = (struct site_handler){
		.bosh = {.arg = &w->courier, .post = courier_post, .news = courier_news},
		.arg = w,
		.websocket = on_websocket,
	};
	w->outlet.answers = &w->courier;
	w->outlet.reply = courier_reply;
	w->outlet.forward = courier_forward;
	w->outlet.cut = courier_cut;
	clients_init(&w->clients, &w->loop, &w->clients_handler, &w->outlet);
}

/* The parts that may fail to start; false when one did. */
static bool
open_libraries(struct worker *w)
{
	uint64_t seed;

	w->crypto = crypto_new();
	if (w->crypto == NULL) {
		log_event(w->context.log, LOG_ERROR, "no random numbers", "reason=\"the system gives no entropy\"");
		return false;
	}
	crypto_random(w->crypto, &seed, sizeof seed);
	w->dns = dns_new(&w->loop, &w->context.conf->resolver_servers, NULL, seed, w->context.log);
	if (w->dns == NULL)
		return false;
	w->ws = ws_new(&w->loop, &w->context, &w->clients.ws_handler);
	return w->ws != NULL;
}

static void
open_parts(struct worker *w)
{
	struct context *c = &w->context;

	w->registry = registry_new(c, &w->outlet);
	w->site = site_new(&w->loop, c, &w->site_handler);
	w->pumps = pumps_new(&w->loop, c);
	w->door = door_new(&w->loop, c, &w->door_handler);
	w->dialer = dialer_new(&w->loop, w->dns, &w->clients.dial_handler, c);
	w->mailbox = mailbox_new(&w->loop, receive, w);
	clients_open(&w->clients, c, w->registry, w->dialer);
	w->courier = (struct courier){c, &w->loop, w->registry, w->site, w->config.mailboxes};
}

static void
set_context(struct worker *w)
{
	w->node = xstrdup(w->config.conf->node);
	w->context = (struct context){
		.listeners = w->config.listeners,
		.node = w->node,
		.self = {w->config.generation, w->config.index},
		.n_workers = w->config.n_workers,
		.first_number = w->config.first_number,
		.hooks = &w->hooks,
		.log = w->config.log,
		.counters = &w->counters,
		.budget = {.pool = w->config.budget},
		.sockets = w->config.sockets,
		.quota = w->config.quota,
	};
	context_set_conf(&w->context, conf_ref(w->config.conf));
}

struct worker *
worker_new(const struct worker_config *config)
{
	struct worker *w = xcalloc(1, sizeof *w);

	w->config = *config;
	w->timer_at = w->stop_at = MS_NEVER;
	must(uv_loop_init(&w->loop) == 0);
	set_handlers(w);
	set_context(w);
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
	/* What all the others have written stands in the pumps. */
	pumps_close(w->pumps);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	pumps_free(w->pumps);
	registry_free(w->registry);
	site_free(w->site);
	ws_free(w->ws);
	dialer_free(w->dialer);
	clients_fini(&w->clients);
	mailbox_free(w->mailbox);
	crypto_free(w->crypto);
	must(uv_loop_close(&w->loop) == 0);
	conf_unref(w->context.conf);
	free(w->node);
	free(w);
}

const struct counters *
worker_counters(const struct worker *w)
{
	return &w->counters;
}
