/*
 * session_parts.h: what the files of session.c share: what a session is made
 * of, and how far it and its server are.
 */
#ifndef CULVERT_SESSION_SESSION_PARTS_H
#define CULVERT_SESSION_SESSION_PARTS_H

#include "base/budget.h"
#include "base/due.h"
#include "base/hash.h"
#include "base/hooks.h"
#include "base/list.h"
#include "base/log.h"
#include "base/peer.h"
#include "base/rate.h"
#include "conf/conf.h"
#include "proto/bosh/body.h"
#include "proto/stream/answered.h"
#include "proto/stream/management.h"
#include "proto/stream/upstream.h"
#include "proto/stream/websocket.h"
#include "session/admission.h"
#include "session/front.h"
#include "session/outlet.h"
#include "session/sid.h"

struct login;

/* What all sessions of a worker share. */
struct session_world {
	const struct outlet *outlet;
	const struct hooks *hooks;
	const struct log *log;
	struct counters *counters;
	struct websocket_reader *websocket_reader;
	struct websocket_reader *large_reader; /* of readers->large */
	struct xml_readers *readers;
	struct budget *budget;
	struct admission admission;
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

/* What is being read of a session in portions. */
enum session_reads {
	READS_NOTHING,
	READS_MESSAGE, /* of the WebSocket client */
	READS_SERVER,  /* an element of the server */
};

/* Embedded links and io belong to the owner; the rest is the session's own. */
struct session {
	const struct session_world *world;
	const struct conf *conf;
	const struct conf_domain *domain; /* NULL until the client named one that is served */
	struct conf_domain *own_domain;   /* the same, when it is one of "*" */
	struct front front;
	struct upstream *upstream;
	struct management *management; /* NULL: no stanza goes back (custody.h) */
	bool has_many_unhandled;       /* the log has said so */
	struct answered *answered;     /* requests that the client has answered; NULL: none */
	enum session_state state;
	enum server_state server;
	enum closing reason;   /* CLOSED */
	enum upstream_leg leg; /* how safe the bytes to the server are */
	bool is_announced;     /* "session opened" is in the log */
	bool is_pumping, is_upstream_paused, is_client_paused;
	ms_t opened_at, upstream_by;
	ms_t keep_by; /* the server is sent a space, unless something was written since the last look */
	bool has_written;
	ms_t login_max; /* login_by is never later */
	bool has_asked; /* the client has said something to the server, which has not answered it */
	ms_t login_by;  /* first the stream must be opened, then the client must log in */
	size_t unsent;  /* BOSH: bytes of large answers the client has not taken; counted where its connection is */
	size_t part;    /* WebSocket: bytes of a message whose end has not come ... */
	ms_t whole_by;  /* ... and is awaited until then, ... */
	ms_t look_by;   /* ... while this is how often it is measured ... */
	struct rate upload;
	size_t uploaded;            /* ... by what has come of it */
	struct stanza_queue unread; /* WebSocket: texts of messages, a large one and what came behind it */
	enum session_reads reads;
	size_t queued;   /* its part of the budget */
	uint64_t number; /* for people; the sid is a secret */
	uint64_t stanzas_up, stanzas_down, bytes_up, bytes_down;
	struct stanza_tally given, confirmed; /* messages, presence and iq for the client, and of them those it has */
	struct login *login;                  /* what the log will say of it (login.c); NULL: nothing */
	struct trace trace;
	char sid[SID_MAX];
	struct peer peer;
	struct quota_ticket ticket;
	bool has_ticket; /* it is counted */
	bool is_refused; /* WebSocket: it is not let in, and ends when it is looked at */

	struct hash_link by_sid;
	struct list link;
	struct list unread_link;
	struct due_link due;
	void *io;
};

/* What one element may be, either way, in a session that begins with this configuration. */
static inline struct xml_limits
session_limits(const struct conf *conf)
{
	return (struct xml_limits){conf->limits.stanza, XML_DEPTH_MAX};
}

/* All that is kept for a session, by whomever. */
static inline size_t
session_kept(const struct session *s)
{
	return s->queued + s->part + s->unsent;
}

#endif
