/*
 * session.h: one client and its stream to the server.
 *
 *      client --- front (bosh | websocket) --- pump --- upstream --- server
 *
 * Everything that happens to a session is one of the calls below.  Each feeds
 * bytes or an event in, pumps stanzas until nothing moves, hands output to
 * the outlet, and reports the new deadline to the world.  None frees the
 * session: its owner does, when session_is_done().
 */
#ifndef CULVERT_SESSION_SESSION_H
#define CULVERT_SESSION_SESSION_H

#include "base/budget.h"
#include "base/due.h"
#include "base/hash.h"
#include "base/hooks.h"
#include "base/list.h"
#include "base/log.h"
#include "base/peer.h"
#include "conf/conf.h"
#include "proto/bosh/body.h"
#include "proto/stream/upstream.h"
#include "proto/stream/websocket.h"
#include "session/counters.h"
#include "session/front.h"
#include "session/outlet.h"
#include "session/sid.h"

/* What all sessions of a worker share. */
struct session_world {
	const struct outlet *outlet;
	const struct hooks *hooks;
	const struct log *log;
	struct counters *counters;
	struct websocket_reader *websocket_reader;
	struct xml_readers *readers;
	struct budget *budget;
	void *arg;
	/* Called at the end of each event: the session's deadline may have changed, or it may be done. */
	void (*rearm)(void *arg, struct session *s, ms_t now);
};

enum server_state {
	SERVER_NONE,       /* the client has not opened a stream yet */
	SERVER_CONNECTING, /* or doing the TLS handshake */
	SERVER_OPEN,
	SERVER_CLOSING, /* our end tag is sent or queued; the server's is awaited for a while */
	SERVER_CUTTING, /* the same without an end tag: when what was sent before is written, the connection is dropped */
	SERVER_GONE,
};

enum session_state {
	SESSION_OPEN,
	SESSION_ENDING, /* the client said <close/>; what the server still has to say is waited for */
	SESSION_CLOSED, /* there is a reason; those who can be told it are, or have been */
};

/* Embedded links and io belong to the owner; the rest is the session's own. */
struct session {
	const struct session_world *world;
	const struct conf *conf;
	const struct conf_domain *domain; /* NULL until the client named one that is served */
	struct front front;
	struct upstream *upstream;
	enum session_state state;
	enum server_state server;
	enum closing reason;   /* CLOSED */
	enum upstream_leg leg; /* how safe the bytes to the server are */
	bool is_pumping, is_upstream_paused, is_client_paused;
	ms_t opened_at, upstream_by;
	ms_t login_by;   /* first the stream must be opened, then the client must log in */
	size_t unsent;   /* BOSH: bytes of large answers the client has not taken */
	size_t part;     /* WebSocket: bytes of a message whose end has not come ... */
	ms_t whole_by;   /* ... and is awaited until then */
	size_t queued;   /* its part of the budget */
	uint64_t number; /* for people; the sid is a secret */
	uint64_t stanzas_up, stanzas_down, bytes_up, bytes_down;
	struct stanza_tally given, confirmed; /* messages, presence and iq for the client, and of them those it has */
	struct trace trace;
	char sid[SID_MAX];
	struct peer peer;

	struct hash_link by_sid;
	struct list link;
	struct due_link due;
	void *io;
};

/* What one element may be, either way, in a session that begins with this configuration. */
struct xml_limits session_limits(const struct conf *conf);

/* A session that has yet to see its first event.  conf is referenced. */
struct session *session_new_bosh(const struct session_world *world, const struct conf *conf, const char *sid,
	uint64_t number, const struct peer *peer, ms_t now);
struct session *session_new_websocket(
	const struct session_world *world, const struct conf *conf, uint64_t number, const struct peer *peer, ms_t now);
/* Nothing is told to anybody; session_close() does that. */
void session_free(struct session *s);

/* BOSH: a request was read; has its client left, and when it was refused, why. */
void
session_request(struct session *s, struct body *body, struct req_id req, bool has_left, enum closing refused, ms_t now);
/* BOSH: what happens to a request.  REQ_UNSENT at or above zero is the only call that may come from within an outlet's. */
void session_news(struct session *s, struct req_id req, struct req_fate fate, ms_t now);
/* BOSH: would a request with this rid be nothing new?  See bosh_is_old(). */
bool session_is_old(const struct session *s, uint64_t rid);
/*
 * WebSocket: n bytes of a message have come, and its end has not.  False: they
 * are not to be kept, nor what follows.
 */
bool session_message_part(struct session *s, size_t n, ms_t now);
/* WebSocket: a complete text message. */
void session_message(struct session *s, struct slice text, ms_t now);
/* WebSocket: the connection takes output again. */
void session_client_writable(struct session *s, ms_t now);
/* WebSocket: the connection is gone. */
void session_client_gone(struct session *s, ms_t now);

/* The connection to the server stands, or is now TLS. */
void session_connected(struct session *s, enum upstream_leg leg, ms_t now);
/* Bytes from the server. */
void session_upstream(struct session *s, struct slice bytes, ms_t now);
/* The connection takes output again. */
void session_upstream_writable(struct session *s, ms_t now);
/* The connection could not be made (CLOSING_CONNECT_FAILED, CLOSING_TLS_FAILED) or is gone (CLOSING_SERVER_GONE). */
void session_upstream_gone(struct session *s, enum closing reason, ms_t now);

/* Ends the session: both sides are told.  The first reason counts. */
void session_close(struct session *s, enum closing reason, ms_t now);
/* Time passed. */
void session_expire(struct session *s, ms_t now);
/* When session_expire() is due; MS_NEVER when not. */
ms_t session_deadline(const struct session *s);
/* Both sides know that the session has ended, as far as they can be told. */
bool session_is_told(const struct session *s);
/* Nobody is left to be told anything. */
bool session_is_done(const struct session *s, ms_t now);

#endif
