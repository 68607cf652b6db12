#include "io/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

#define CLIENT_MAGIC 0x636c6e74u
#define SERVER_TEXT 280

/* A session on its way to its server; lives until that has opened the stream. */
struct approach {
	struct departure turn;
	struct client *client;
	const struct conf_domain *domain;
	ms_t until; /* MS_NEVER: as long as it takes */
};

/* What hangs on a session here. */
struct client {
	uint32_t magic;
	struct clients *all;
	struct session *session;
	struct dial *dial;
	struct approach *approach; /* NULL: none */
	struct ws_connection *websocket;
};

static ms_t
now_of(const struct clients *c)
{
	return (ms_t) uv_now(c->loop);
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
client_of(struct clients *all, struct session *s)
{
	struct client *c;

	if (s->io != NULL)
		return client_from(s->io);
	c = xcalloc(1, sizeof *c);
	c->magic = CLIENT_MAGIC;
	c->all = all;
	c->session = s;
	s->io = c;
	return c;
}

static void
end_approach(struct client *c)
{
	if (c->approach == NULL)
		return;
	departures_end(c->all->departures, &c->approach->turn);
	free(c->approach);
	c->approach = NULL;
}

void
clients_forget(void *arg, struct session *s)
{
	struct client *c;

	(void) arg;
	if (s->io == NULL)
		return;
	c = client_from(s->io);
	dial_drop(c->dial);
	end_approach(c);
	c->magic = 0;
	free(c);
	s->io = NULL;
}

/* ---- what sessions ask for ---- */

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

/* Domains with the same server share its turns; who has it found by DNS has turns of its own. */
static void
name_server(const struct conf_domain *domain, char out[SERVER_TEXT])
{
	if (domain->n_connect == 0)
		snprintf(out, SERVER_TEXT, "%s", domain->ascii);
	else
		snprintf(out, SERVER_TEXT, "%s:%u", domain->connect[0].host, (unsigned) domain->connect[0].port);
}

/* What of the process's number is this worker's; the first have what cannot be divided. */
static unsigned
share(const struct context *c, const struct conf *conf)
{
	unsigned all = conf->limits.connects_per_upstream;
	unsigned mine = all / c->n_workers + (c->self.worker < all % c->n_workers);

	return all > 0 && mine == 0 ? 1 : mine;
}

/* Its turn has come. */
static void
go(struct client *c)
{
	const struct session *s = c->session;
	const struct approach *a = c->approach;
	ms_t left = a->until == MS_NEVER ? 0 : a->until - now_of(c->all);

	c->dial = dial_connect(c->all->dialer, c, a->domain, &s->peer, left, s->number);
}

static void
out_connect(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct clients *all = arg;
	struct client *c = client_of(all, s);
	ms_t timeout = s->conf->limits.connect_timeout;
	char server[SERVER_TEXT];

	must(c->dial == NULL && c->approach == NULL);
	c->approach = xcalloc(1, sizeof *c->approach);
	c->approach->client = c;
	c->approach->domain = domain;
	c->approach->until = timeout > 0 ? now_of(all) + timeout : MS_NEVER;
	name_server(domain, server);
	if (departures_ask(all->departures, &c->approach->turn, slice_str(server), share(all->context, s->conf),
		    s->peer.address, c->approach->until))
		go(c);
	else if (departures_waiting(&c->approach->turn) == 1)
		log_event(all->context->log, LOG_INFO, "connections wait for their turn",
			"session=%llu domain=%s server=%s limits.connects_per_upstream=%u",
			(unsigned long long) s->number, domain->ascii, log_string(server).text,
			s->conf->limits.connects_per_upstream);
}

static size_t
out_write(void *arg, struct session *s, const struct iovec *v, int n)
{
	struct client *c = client_of(arg, s);

	return c->dial != NULL ? dial_write(c->dial, v, n) : 0;
}

static void
out_describe(void *arg, struct session *s, struct server_link *link)
{
	struct client *c = client_of(arg, s);

	*link = (struct server_link){.server = "-", .address = "-", .tls = "-"};
	if (c->dial != NULL)
		dial_describe(c->dial, link);
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
out_settle(void *arg, struct session *s)
{
	struct client *c = client_of(arg, s);

	end_approach(c);
	if (c->dial != NULL)
		dial_settle(c->dial);
}

static bool
out_pass_on(void *arg, struct session *s, enum closing reason, const char *why)
{
	struct client *c = client_of(arg, s);

	return c->dial != NULL && dial_pass_on(c->dial, reason, why);
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
	end_approach(c);
}

/* ---- what servers' sockets tell ---- */

static void
on_connected(void *owner, enum upstream_leg leg)
{
	struct client *c = client_from(owner);

	session_connected(c->session, leg, now_of(c->all));
}

static void
on_again(void *owner)
{
	struct client *c = client_from(owner);

	session_upstream_again(c->session, now_of(c->all));
}

static void
on_crowd(void *arg)
{
	const struct clients *c = arg;

	c->handler->crowd(c->handler->arg);
}

static void
on_upstream_data(void *owner, struct slice bytes)
{
	struct client *c = client_from(owner);

	session_upstream(c->session, bytes, now_of(c->all));
}

static void
on_upstream_writable(void *owner)
{
	struct client *c = client_from(owner);

	session_upstream_writable(c->session, now_of(c->all));
}

static void
on_upstream_gone(void *owner, enum closing reason, const char *why)
{
	struct client *c = client_from(owner);

	(void) why; /* the dialer has logged it */
	c->dial = NULL;
	end_approach(c);
	session_upstream_gone(c->session, reason, now_of(c->all));
}

/* ---- whose turn it is ---- */

static void
tell_late(struct client *c)
{
	struct session *s = c->session;

	log_event(c->all->context->log, closing_row(CLOSING_CONNECT_FAILED)->level, "upstream not reached",
		"session=%llu domain=%s reason=\"too many connections to it were on their way before "
		"(limits.connects_per_upstream)\"",
		(unsigned long long) s->number, c->approach->domain->ascii);
	end_approach(c);
	session_upstream_gone(s, CLOSING_CONNECT_FAILED, now_of(c->all));
}

bool
clients_run(struct clients *all)
{
	struct departure *turn;
	bool has_moved = false;

	while ((turn = departures_next(all->departures, now_of(all))) != NULL) {
		struct client *c = ((struct approach *) (void *) turn)->client;
		has_moved = true;
		if (turn->state == DEPARTURE_GOING)
			go(c);
		else
			tell_late(c);
	}
	return has_moved;
}

ms_t
clients_deadline(const struct clients *all)
{
	return departures_deadline(all->departures);
}

/* ---- what WebSockets tell ---- */

static void *
on_ws_opened(void *arg, struct ws_connection *conn, const struct peer *peer)
{
	struct clients *all = arg;
	struct client *c = client_of(all, registry_websocket(all->registry, peer, now_of(all)));

	c->websocket = conn;
	return c;
}

static void
on_ws_message(void *arg, void *user, struct slice text)
{
	session_message(client_from(user)->session, text, now_of(arg));
}

static bool
on_ws_part(void *arg, void *user, size_t n, size_t kept)
{
	return session_message_part(client_from(user)->session, n, kept, now_of(arg));
}

static void
on_ws_trouble(void *arg, void *user, enum ws_trouble what)
{
	static const enum closing closings[] = {
		[WS_TOO_BIG] = CLOSING_TOO_BIG,
		[WS_BINARY] = CLOSING_NOT_TEXT,
		[WS_UNMASKED] = CLOSING_UNMASKED,
		[WS_SLOW] = CLOSING_SLOW_DOWNLOAD,
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

/* ---- passed on ---- */

static void
on_ws_linger(void *arg, int fd)
{
	struct clients *c = arg;

	c->handler->linger(c->handler->arg, fd);
}

static void
on_handshake(void *arg, struct tls_job *job)
{
	struct clients *c = arg;

	c->handler->handshake(c->handler->arg, job);
}

void
clients_init(struct clients *c, uv_loop_t *loop, const struct clients_handler *handler, struct outlet *outlet)
{
	*c = (struct clients){.loop = loop, .handler = handler};
	c->ws_handler = (struct ws_handler){
		.arg = c,
		.opened = on_ws_opened,
		.message = on_ws_message,
		.part = on_ws_part,
		.trouble = on_ws_trouble,
		.writable = on_ws_writable,
		.gone = on_ws_gone,
		.linger = on_ws_linger,
	};
	c->dial_handler = (struct dial_handler){
		.arg = c,
		.connected = on_connected,
		.again = on_again,
		.handshake = on_handshake,
		.data = on_upstream_data,
		.writable = on_upstream_writable,
		.gone = on_upstream_gone,
		.crowd = on_crowd,
	};
	outlet->arg = c;
	outlet->send = out_send;
	outlet->hangup = out_hangup;
	outlet->pause_client = out_pause_client;
	outlet->connect = out_connect;
	outlet->start_tls = out_start_tls;
	outlet->settle = out_settle;
	outlet->pass_on = out_pass_on;
	outlet->describe = out_describe;
	outlet->write = out_write;
	outlet->pause_upstream = out_pause_upstream;
	outlet->disconnect = out_disconnect;
}

void
clients_open(struct clients *c, struct context *context, struct registry *registry, struct dialer *dialer)
{
	uint64_t seed;

	context->hooks->random(context->hooks->arg, &seed, sizeof seed);
	c->context = context;
	c->registry = registry;
	c->dialer = dialer;
	c->departures = departures_new(seed);
}

void
clients_fini(struct clients *c)
{
	departures_free(c->departures);
	c->departures = NULL;
}
