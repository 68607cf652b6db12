#include "io/ws.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/due.h"
#include "base/fatal.h"
#include "base/fdmap.h"
#include "base/list.h"
#include "base/rate.h"
#include "base/state.h"
#include "base/utf8.h"
#include "io/tcp_info.h"

#define CONNECTION_MAGIC 0x77736373u
#define RX_BYTES \
	2048 /* read at once; a message up to this comes whole and is not copied; each connection has as much */
#define FIELD_NAME_MAX 80 /* room for the name of a header field with its colon */
#define TX_BYTES 65536    /* at once to the kernel; the library would cut at 4096 and copy the rest */
#define MAX_CLOSE_TEXT 123
#define MASK_BYTES 4
#define KEEP_MESSAGE 4096                  /* room a connection may keep between messages */
#define CONNECTION_BYTES (RX_BYTES + 4096) /* that one takes without any message */
#define TURN_PIECES 16 /* messages, or pieces of one, that a connection is heard with in one turn of the loop */

_Static_assert(LWS_PRE <= STANZA_HEADROOM, "a frame header must fit before a stanza's bytes");

enum ws_state {
	WS_OPEN,
	WS_PAUSED,  /* we do not listen, so it is not silent */
	WS_DEAF,    /* what comes is dropped */
	WS_HUNG_UP, /* the same, and it is about to be closed, or waits for the peer's close */
};

static const struct state states[] = {
	[WS_OPEN] = {"open", STEP(WS_PAUSED) | STEP(WS_DEAF) | STEP(WS_HUNG_UP)},
	[WS_PAUSED] = {"paused", STEP(WS_OPEN) | STEP(WS_DEAF) | STEP(WS_HUNG_UP)},
	[WS_DEAF] = {"deaf", STEP(WS_HUNG_UP)},
	[WS_HUNG_UP] = {"hung up", 0},
};

/* What a connection's bytes have come to, both ways. */
struct standing {
	uint64_t received; /* see look() */
	uint64_t taken;    /* by the peer, as its kernel says; 0: nobody counts */
	size_t unsent;     /* what it has yet to take, but for what the library keeps */
};

struct ws_connection {
	uint32_t magic;
	enum ws_state state; /* only set_state() sets it */
	struct ws *ws;
	struct lws *wsi;
	void *user;
	struct buf message;  /* fragments so far */
	size_t charged;      /* to the budget: what the library keeps */
	uint64_t first_at;   /* bytes the client sent before its first frame; 0: that frame is judged, or cannot be */
	size_t first;        /* payload of that frame so far */
	unsigned close_code; /* 0: cut at once */
	const char *close_text;
	int last_fd;             /* keeps the socket open after the library; -1: none */
	struct list link;        /* in ws->put_off */
	uint64_t turn;           /* in which it was heard last, ... */
	unsigned pieces;         /* ... and with how much */
	struct list held;        /* in ws->held: it has been heard enough in this turn */
	bool wants_ping;         /* as soon as there is room for one */
	ms_t ping, pong_timeout; /* of the configuration it began with */
	ms_t heard_at;
	ms_t asked_at;        /* by a ping, since it was heard last; 0: not */
	struct standing when; /* it was asked */
	bool is_behind;       /* it takes less than there is for it, ... */
	bool is_measured;     /* ... and how fast is known since */
	struct rate down;
	struct due_link due;
};

/* The library's memory per connection. */
struct slot {
	struct ws_connection *connection;
};

/* What is known of a connection before it stands. */
struct arrival {
	struct peer peer;
	uint64_t first_at;
};

struct ws {
	struct lws_context *context;
	struct lws_vhost *vhost;
	uv_loop_t *loop;
	struct context *shared;
	const struct ws_handler *handler;
	struct list put_off; /* connections to be ended outside of the library */
	struct list held;    /* connections whose turn is over */
	uint64_t turn;
	struct fdmap arrivals; /* of connections the library has not opened yet */
	struct due due;        /* who may have been silent for too long */
	bool is_closing;
};

static struct ws *
ws_from(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static void
set_state(struct ws_connection *c, enum ws_state to)
{
	struct trace trace = {.log = c->ws->shared->log, .kind = "fd", .number = (uint64_t) lws_get_socket_fd(c->wsi)};

	state_step(states, "websocket", &trace, c->state, to);
	c->state = to;
}

/* Is what comes of use?  Of one that is paused, something may have been read before. */
static bool
is_listening(const struct ws_connection *c)
{
	switch (c->state) {
	case WS_OPEN:
	case WS_PAUSED:
		return true;
	case WS_DEAF:
	case WS_HUNG_UP:
		break;
	}
	return false;
}

/* The library keeps so many bytes that the connection has not taken. */
static void
charge(struct ws_connection *c, size_t unsent)
{
	budget_move(&c->ws->shared->budget, &c->charged, CONNECTION_BYTES + unsent);
}

/* Whatever it sends shows that it is there. */
static void
hear(struct ws_connection *c)
{
	c->heard_at = (ms_t) uv_now(c->ws->loop);
	c->asked_at = 0;
}

static void
on_established(struct lws *wsi, struct slot *slot)
{
	struct ws *w = ws_from(wsi);
	struct arrival *from = fdmap_take(&w->arrivals, lws_get_socket_fd(wsi));
	struct ws_connection *c;

	if (w->is_closing) {
		slot->connection = NULL;
		free(from);
		return;
	}
	must(from != NULL);
	c = xcalloc(1, sizeof *c);
	c->magic = CONNECTION_MAGIC;
	c->last_fd = -1;
	c->ws = w;
	c->wsi = wsi;
	c->first_at = from->first_at;
	buf_init_secret(&c->message, w->shared->conf->websocket.max_message);
	list_init(&c->link);
	list_init(&c->held);
	w->shared->sockets->clients++;
	charge(c, 0);
	tcp_info_keep_little(lws_get_socket_fd(wsi));
	hear(c);
	c->ping = w->shared->conf->websocket.ping;
	c->pong_timeout = w->shared->conf->websocket.pong_timeout;
	if (c->ping > 0)
		due_set(&w->due, &c->due, c->heard_at + c->ping);
	slot->connection = c;
	c->user = w->handler->opened(w->handler->arg, c, &from->peer);
	free(from);
}

static void
on_closed(struct slot *slot)
{
	struct ws_connection *c = slot->connection;

	slot->connection = NULL;
	if (c == NULL)
		return;
	must(c->magic == CONNECTION_MAGIC);
	if (!c->ws->is_closing)
		c->ws->handler->gone(c->ws->handler->arg, c->user);
	if (c->last_fd >= 0 && !c->ws->is_closing)
		c->ws->handler->linger(c->ws->handler->arg, c->last_fd);
	else if (c->last_fd >= 0)
		close(c->last_fd);
	list_remove(&c->link);
	list_remove(&c->held);
	due_set(&c->ws->due, &c->due, MS_NEVER);
	buf_fini(&c->message);
	budget_move(&c->ws->shared->budget, &c->charged, 0);
	c->ws->shared->sockets->clients--;
	c->magic = 0;
	free(c);
}

/* Its session may have hung up already. */
static void
go_deaf(struct ws_connection *c)
{
	if (is_listening(c))
		set_state(c, WS_DEAF);
	buf_fini(&c->message);
}

static void
trouble(struct ws_connection *c, enum ws_trouble what)
{
	go_deaf(c);
	c->ws->handler->trouble(c->ws->handler->arg, c->user, what);
}

/*
 * RFC 6455, 5.1: the connection must be closed upon a frame that is not
 * masked.  The library takes such frames and does not tell.  But the kernel
 * counts bytes: when fewer came than a masked frame takes, it was none.
 *
 * DEVIATES: only the first frame is judged, which is all a client can send
 * before it hears from us, and only where bytes are counted (TCP).  More
 * frames behind it in the same segment hide it, and a later frame without a
 * mask is taken.
 */
static bool
is_unmasked(struct ws_connection *c, struct lws *wsi, size_t n)
{
	uint64_t frame;

	if (c->first_at == 0)
		return false;
	c->first += n;
	if (lws_remaining_packet_payload(wsi) > 0)
		return false;
	frame = 2 + (c->first > UINT16_MAX ? 8 : c->first > 125 ? 2 : 0) + MASK_BYTES + c->first;
	frame += c->first_at;
	c->first_at = 0;
	return tcp_info_bytes_received(lws_get_socket_fd(wsi)) < frame;
}

static void
listen_or_not(struct ws_connection *c)
{
	lws_rx_flow_control(c->wsi, c->state == WS_PAUSED || !list_is_empty(&c->held) ? 0 : 1);
}

/* Of tiny messages the library reads hundreds at once: others want their turn, and so do those behind them. */
static void
take_turn(struct ws_connection *c)
{
	struct ws *w = c->ws;

	if (c->turn != w->turn)
		c->pieces = 0;
	c->turn = w->turn;
	if (++c->pieces != TURN_PIECES)
		return;
	list_remove(&c->held);
	list_append(&w->held, &c->held);
	listen_or_not(c);
}

/* The library gives a message in pieces.  One that comes whole is passed on without a copy. */
static void
on_receive(struct lws *wsi, struct ws_connection *c, struct slice piece)
{
	const struct ws_handler *handler = c->ws->handler;
	bool is_last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

	if (!is_listening(c))
		return;
	take_turn(c);
	if (is_unmasked(c, wsi, piece.n)) {
		trouble(c, WS_UNMASKED);
		return;
	}
	if (lws_frame_is_binary(wsi)) {
		trouble(c, WS_BINARY);
		return;
	}
	if (is_last && c->message.n == 0 && piece.n <= c->message.max) {
		handler->message(handler->arg, c->user, piece);
		return;
	}
	if (buf_append(&c->message, piece) != 0) {
		trouble(c, WS_TOO_BIG);
		return;
	}
	if (!is_last) {
		if (!handler->part(handler->arg, c->user, c->message.n, c->message.cap))
			go_deaf(c);
		return;
	}
	handler->message(handler->arg, c->user, buf_slice(&c->message));
	buf_clear(&c->message, KEEP_MESSAGE);
}

static void
put_off(struct ws_connection *c)
{
	list_remove(&c->link);
	list_append(&c->ws->put_off, &c->link);
}

/* From now on it is measured how fast the client takes what there is. */
static void
fall_behind(struct ws_connection *c)
{
	ms_t at = (ms_t) uv_now(c->ws->loop) + RATE_LOOK;

	if (c->is_behind)
		return;
	c->is_behind = true;
	c->is_measured = false;
	if (c->due.place == 0 || at < c->due.at)
		due_set(&c->ws->due, &c->due, at);
}

/*
 * The library's own output must be gone before the next write, or the stream
 * is garbled: so ask each time.  Whether the kernel has room need not be asked
 * before: what it does not take becomes such output.
 */
static bool
has_room(struct ws_connection *c)
{
	if (!lws_partial_buffered(c->wsi)) {
		charge(c, 0);
		return true;
	}
	lws_callback_on_writable(c->wsi);
	fall_behind(c);
	return false;
}

/* The library does not tell of a pong without any bytes, so there is one. */
static void
ping(struct ws_connection *c)
{
	unsigned char frame[LWS_PRE + 1] = {0};

	c->wants_ping = !has_room(c);
	/* A write that fails is followed by gone. */
	if (!c->wants_ping)
		(void) lws_write(c->wsi, frame + LWS_PRE, 1, LWS_WRITE_PING);
}

static void
on_writable(struct ws_connection *c)
{
	if (c->state == WS_HUNG_UP) {
		put_off(c);
		return;
	}
	if (c->wants_ping)
		ping(c);
	c->ws->handler->writable(c->ws->handler->arg, c->user);
}

/* The answer to an upgrade, before its head ends. */
static int
on_head(struct lws *wsi, struct lws_process_html_args *args)
{
	const struct ws *w = ws_from(wsi);
	unsigned char *end = (unsigned char *) args->p + args->max_len;

	for (size_t i = 0; i < w->shared->conf->n_response_header; i++) {
		const struct conf_field *field = &w->shared->conf->response_header[i];
		char name[FIELD_NAME_MAX];
		/* The library wants the colon in the name. */
		snprintf(name, sizeof name, "%s:", field->name);
		if (lws_add_http_header_by_name(wsi, (const unsigned char *) name, (const unsigned char *) field->value,
			    (int) strlen(field->value), (unsigned char **) &args->p, end) != 0)
			return -1;
	}
	return 0;
}

/*
 * RFC 6455, 8.1: the reason, behind two bytes of code, is UTF-8.  Messages are
 * looked at by who reads the XML in them; the library would look at each byte
 * a second time.
 */
static int
on_peer_closes(struct lws *wsi, struct slice payload)
{
	struct slice reason = payload.n > 2 ? slice_of(payload.p + 2, payload.n - 2) : SLICE_NONE;

	if (utf8_first_bad(reason) < reason.n) {
		lws_close_reason(wsi, LWS_CLOSE_STATUS_INVALID_PAYLOAD, NULL, 0);
		return -1;
	}
	return 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
	struct slot *slot = user;
	struct ws_connection *c = NULL;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		on_established(wsi, slot);
		return 0;
	case LWS_CALLBACK_CLOSED:
		if (slot != NULL)
			on_closed(slot);
		return 0;
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_RECEIVE_PONG:
	case LWS_CALLBACK_SERVER_WRITEABLE:
		c = slot->connection;
		if (c == NULL || c->ws->is_closing)
			return 0;
		must(c->magic == CONNECTION_MAGIC);
		if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
			on_writable(c);
		else
			hear(c);
		if (reason == LWS_CALLBACK_RECEIVE)
			on_receive(wsi, c, slice_of(in, n));
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return on_peer_closes(wsi, slice_of(in, n));
	case LWS_CALLBACK_ADD_HEADERS:
		return on_head(wsi, in);
	case LWS_CALLBACK_HTTP:
		/* The door lets only upgrades through; whatever this is, it is not one. */
		return -1;
	default:
		return 0;
	}
}

/*
 * Compression stays off: a small bomb makes the library spin, and each
 * connection would cost 100 KB (and BREACH).
 *
 * DEVIATES: of several pings that come at once the library answers the first
 * (RFC 6455, 5.5.3: the last, if not all), and it takes lengths written with
 * more bits than they need (5.2).
 */
static const struct lws_protocols protocols[] = {
	{
		.name = "xmpp",
		.callback = on_event,
		.per_session_data_size = sizeof(struct slot),
		.rx_buffer_size = RX_BYTES,
		.tx_packet_size = TX_BYTES,
	},
	{.name = NULL},
};

struct ws *
ws_new(uv_loop_t *loop, struct context *context, const struct ws_handler *handler)
{
	/* No times in it: the library would judge who is silent before it has read what came while we were late. */
	static const lws_retry_bo_t no_pings;
	struct ws *w = xcalloc(1, sizeof *w);
	void *loops[] = {loop};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6,
		.protocols = protocols,
		.foreign_loops = loops,
		.user = w,
		.retry_and_idle_policy = &no_pings,
	};

	w->loop = loop;
	w->shared = context;
	w->handler = handler;
	list_init(&w->put_off);
	list_init(&w->held);
	due_init(&w->due);
	info.max_http_header_data = UPGRADE_HEAD_MAX;
	lws_set_log_level(0, NULL);
	w->context = lws_create_context(&info);
	if (w->context != NULL)
		w->vhost = lws_create_vhost(w->context, &info);
	if (w->vhost == NULL) {
		log_event(context->log, LOG_ERROR, "libwebsockets does not start",
			"cure=\"install its libuv plugin, on Debian the package libwebsockets-evlib-uv\"");
		if (w->context != NULL)
			lws_context_destroy(w->context);
		free(w);
		return NULL;
	}
	return w;
}

void
ws_mute(struct ws *w)
{
	w->is_closing = true;
}

/* The context is told to end; its handles close while the loop goes on. */
void
ws_close(struct ws *w)
{
	ws_mute(w);
	lws_context_destroy(w->context);
}

void
ws_free(struct ws *w)
{
	if (w == NULL)
		return;
	/* On a loop that is not its own the library wants to be told twice: once to begin, once when all is closed. */
	lws_context_destroy(w->context);
	fdmap_fini(&w->arrivals, free);
	due_fini(&w->due);
	free(w);
}

static void
remember(struct ws *w, int fd, const struct peer *peer, uint64_t first_at)
{
	struct arrival *arrival = xcalloc(1, sizeof *arrival);

	*arrival = (struct arrival){*peer, first_at};
	/* One the library refused is still there. */
	free(fdmap_take(&w->arrivals, fd));
	fdmap_put(&w->arrivals, fd, arrival);
}

/*
 * Where the first frame begins among all bytes of the connection: behind what
 * was read of it.  0 when nobody counts.  What comes in between the two
 * questions makes it less, never more.
 */
static uint64_t
first_frame_at(int fd)
{
	uint64_t received = tcp_info_bytes_received(fd);
	size_t waiting = tcp_info_bytes_waiting(fd);

	return waiting > received ? 0 : received - waiting;
}

/*
 * The library is given a head of ours, and the client's frames are still in
 * the socket: those that it reads together with a head it garbles when there
 * are more than two of them.
 */
void
ws_adopt(struct ws *w, int fd, const struct upgrade_head *head, const struct peer *peer)
{
	char bytes[UPGRADE_HEAD_MAX];
	size_t n = upgrade_write(head, bytes);

	remember(w, fd, peer, first_frame_at(fd));
	if (lws_adopt_socket_vhost_readbuf(w->vhost, fd, bytes, n) == NULL)
		log_event(w->shared->log, LOG_WARNING, "connection not served",
			"client=%s reason=\"no room in the WebSocket library\"", log_peer(w->shared->log, peer).text);
}

bool
ws_send(struct ws_connection *c, struct stanza *st)
{
	if (c->state == WS_HUNG_UP || !has_room(c))
		return false;
	/* A write that fails is followed by gone; the bytes are of no use any more. */
	(void) lws_write(c->wsi, (unsigned char *) st->bytes, st->n, LWS_WRITE_TEXT);
	if (lws_partial_buffered(c->wsi)) {
		charge(c, st->n);
		fall_behind(c);
	}
	return true;
}

/*
 * The library closes the socket while the client may still be sending; bytes
 * nobody reads would turn that into a reset, and the client would never see
 * why.  A duplicate keeps the socket open until the client has gone.
 */
void
ws_hangup(struct ws_connection *c, unsigned code, const char *text)
{
	set_state(c, WS_HUNG_UP);
	c->close_code = code;
	c->close_text = text != NULL ? text : "";
	if (code != 0 && c->last_fd < 0)
		c->last_fd = fcntl(lws_get_socket_fd(c->wsi), F_DUPFD_CLOEXEC, 0);
	put_off(c);
}

void
ws_pause(struct ws_connection *c, bool pause)
{
	if (is_listening(c))
		set_state(c, pause ? WS_PAUSED : WS_OPEN);
	listen_or_not(c);
	hear(c);
}

ms_t
ws_deadline(const struct ws *w)
{
	return due_first(&w->due);
}

/*
 * Received is what changes when bytes come: the kernel's count of them or,
 * where there is none (a unix socket), what the library still wants of a
 * frame.  There a ping that came whole is not seen, nor is a part of a frame's
 * head.
 */
static struct standing
look(const struct ws_connection *c)
{
	int fd = lws_get_socket_fd(c->wsi);
	struct standing s = {.received = tcp_info_bytes_received(fd), .taken = tcp_info_bytes_taken(fd)};

	if (s.received == 0)
		s.received = lws_remaining_packet_payload(c->wsi);
	s.unsent = tcp_info_bytes_unsent(fd);
	return s;
}

/*
 * A ping waits behind all that was to be sent before it.  Who takes bytes of
 * that is there, and has yet to hear the question.
 */
static bool
takes_bytes(const struct ws_connection *c, const struct standing *s)
{
	return (c->is_behind || c->when.unsent > 0) && (s->taken != c->when.taken || s->unsent != c->when.unsent);
}

/* Does it take them as fast as it has to? */
static bool
is_too_slow(struct ws_connection *c, const struct standing *s, ms_t now)
{
	c->is_behind = c->is_behind && lws_partial_buffered(c->wsi);
	if (!c->is_behind || s->taken == 0)
		return false;
	if (!c->is_measured)
		rate_begin(&c->down, s->taken, now);
	c->is_measured = true;
	return rate_is_low(&c->down, s->taken, c->ws->shared->conf->limits.download_rate, now);
}

/*
 * Who is silent is asked once, and cut off when it does not answer.  While it
 * is not read from, nothing is known.  Any byte is an answer, also of what the
 * library does not tell of: a ping, the beginning of a frame.
 */
static void
judge_silence(struct ws_connection *c, const struct standing *s, ms_t now)
{
	ms_t silent_by;

	if (c->state == WS_PAUSED || (c->asked_at > 0 && s->received != c->when.received))
		hear(c);
	if (c->asked_at > 0 && takes_bytes(c, s)) {
		c->asked_at = now;
		c->when = *s;
	}
	silent_by = c->asked_at > 0 ? c->asked_at + c->pong_timeout : c->heard_at + c->ping;
	if (now < silent_by) {
		due_set(&c->ws->due, &c->due, silent_by);
	} else if (c->asked_at == 0) {
		c->asked_at = (ms_t) uv_now(c->ws->loop);
		c->when = *s;
		due_set(&c->ws->due, &c->due, c->asked_at + c->pong_timeout);
		ping(c);
	} else {
		ws_hangup(c, 0, NULL);
	}
}

static void
judge(struct ws_connection *c, ms_t now)
{
	struct standing s;

	if (c->state == WS_HUNG_UP)
		return;
	s = look(c);
	if (is_listening(c) && is_too_slow(c, &s, now)) {
		trouble(c, WS_SLOW);
		return;
	}
	if (c->ping > 0)
		judge_silence(c, &s, now);
	if (c->is_behind && c->state != WS_HUNG_UP && (c->due.place == 0 || c->due.at > now + RATE_LOOK))
		due_set(&c->ws->due, &c->due, now + RATE_LOOK);
}

void
ws_expire(struct ws *w, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&w->due, now)) != NULL)
		judge(due_entry(link, struct ws_connection, due), now);
}

/* RFC 6455, 5.5: a control frame has room for 125 bytes, two of which are the code. */
static void
say_why(struct ws_connection *c)
{
	unsigned char text[MAX_CLOSE_TEXT];
	size_t n = strnlen(c->close_text, sizeof text);

	memcpy(text, c->close_text, n);
	lws_close_reason(c->wsi, (enum lws_close_status) c->close_code, text, n);
}

/*
 * Returning -1 from a callback is the library's way to close, but with libuv
 * some builds then close twice and the close frame is never sent.  Ending the
 * connection from outside does send it, waits for the peer's, and cuts the
 * connection when asked again.
 */
bool
ws_run(struct ws *w)
{
	struct list *link;
	bool again = !list_is_empty(&w->held);

	w->turn++;
	while ((link = list_shift(&w->held)) != NULL)
		listen_or_not(list_entry(link, struct ws_connection, held));

	while ((link = list_shift(&w->put_off)) != NULL) {
		struct ws_connection *c = list_entry(link, struct ws_connection, link);
		if (c->close_code != 0 && lws_send_pipe_choked(c->wsi)) {
			lws_callback_on_writable(c->wsi);
			continue;
		}
		if (c->close_code != 0)
			say_why(c);
		else
			/* What it still has to send would keep the library waiting for a client that does not read. */
			shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	}
	return again;
}

void
ws_versions(struct library *l)
{
	library_set(l, "libwebsockets", LWS_LIBRARY_VERSION, lws_get_library_version());
	/* What stands behind the hyphen says from which state of its source, or nothing. */
	l->built[strcspn(l->built, "-")] = l->runs[strcspn(l->runs, "-")] = '\0';
}
