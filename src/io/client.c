#include "io/client.h"

#include <stdlib.h>

#include "base/fatal.h"

#define CLIENT_MAGIC 0x636c6e74u

/* What hangs on a session here. */
struct client {
	uint32_t magic;
	struct clients *all;
	struct session *session;
	struct dial *dial;
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

void
clients_forget(void *arg, struct session *s)
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

static void
out_connect(void *arg, struct session *s, const struct conf_domain *domain)
{
	struct clients *all = arg;
	struct client *c = client_of(all, s);

	must(c->dial == NULL);
	c->dial = dial_connect(all->dialer, c, domain, &s->peer, s->conf->limits.connect_timeout, s->number);
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
	session_upstream_gone(c->session, reason, now_of(c->all));
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
