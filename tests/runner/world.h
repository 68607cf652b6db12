/*
 * world.h: what is around the core in a script: registries without threads,
 * clients and servers without sockets, a clock that stands still.
 *
 *      clients ---- registry 0, registry 1 ---- servers
 *         \______ outlet: all is recorded ______/
 *
 * What the core does that no daemon could carry out (a request answered
 * twice, bytes for a connection that is gone), that is not XML, or that is
 * done over and over while nothing happens, is a fault: the script fails.
 */
#ifndef CULVERT_TESTS_WORLD_H
#define CULVERT_TESTS_WORLD_H

#include "base/buf.h"
#include "base/hooks.h"
#include "proto/xml/xml_stream.h"
#include "session/registry.h"

#define WORLD_WORKERS 2
#define WORLD_CLIENTS 8
#define WORLD_EVENTS 24
#define WORLD_NAME 16
#define WORLD_ADDRESS "192.0.2.1" /* of clients, unless a script says otherwise */

enum request_state {
	REQUEST_OPEN,
	REQUEST_ANSWERED,
	REQUEST_HEARD, /* the script has looked at the answer */
	REQUEST_LOST,  /* its connection is gone */
	REQUEST_CUT,   /* culvert closed its connection without an answer */
};

struct request {
	enum request_state state;
	uint64_t rid;
	struct req_id id;
	char sid[SID_MAX]; /* what the daemon remembers, to say whose request is gone */
	struct buf body, answer;
	unsigned status;      /* of HTTP */
	char retry_after[12]; /* "0": not said */
	char content_type[64];
};

enum remote_state {
	REMOTE_NONE,
	REMOTE_ASKED,    /* the core wants to connect */
	REMOTE_SECURING, /* TLS is to be done */
	REMOTE_CONNECTED,
	REMOTE_REFUSED,
	REMOTE_GONE,    /* the server left */
	REMOTE_DROPPED, /* the core left */
};

struct server {
	enum remote_state state;
	struct session *session; /* NULL when it is freed */
	struct buf got;          /* all that ever came */
	size_t seen;             /* of got, by the script */
	bool is_paused, is_blocked, wants_room;
	size_t room;     /* bytes that are still taken although it blocks */
	unsigned others; /* servers that may be tried after this one */
	bool is_settled;
};

struct client {
	char name[WORLD_NAME];
	bool is_websocket;
	struct peer peer;
	bool is_refused;      /* WebSocket: its upgrade, */
	unsigned retry_after; /* for so many seconds */
	char sid[SID_MAX];
	uint64_t rid;               /* of the first request */
	bool is_secure, is_leaving; /* its requests come over TLS, on connections that are over by then */
	struct request *request;
	size_t n_requests;

	struct session *session; /* WebSocket; NULL when it is freed */
	struct buf *message;
	size_t n_messages, seen;
	bool is_paused, is_blocked, wants_room, is_gone;
	size_t room; /* messages that are still taken */
	bool is_hung_up, is_cut;
	unsigned code;

	struct server server;
};

struct world {
	struct conf *conf;
	struct quota *quota;
	char *node; /* of the first configuration, as in the daemon */
	struct log log;
	struct hooks hooks;
	struct outlet outlet;
	struct counters counters[WORLD_WORKERS];
	struct registry *registry[WORLD_WORKERS];
	struct context context[WORLD_WORKERS];
	struct budget_pool budget;
	unsigned n_workers;
	ms_t now;
	uint64_t random, use; /* use: of request slots */

	struct peer peer; /* of the next client */
	struct client client[WORLD_CLIENTS];
	unsigned n_clients;
	struct client *current; /* whose bytes the core looks at */
	struct client *poster;  /* who made the last request: of a session that is new, it is */
	struct xml_readers checker;
	struct buf log_text; /* a line per event */

	unsigned forwards; /* requests that another worker was given */
	int forwarded_to;  /* the last one; -1: it was not */

	char event[WORLD_EVENTS][480]; /* a ring: what happened of late */
	unsigned n_events;
	struct buf fault; /* empty: none */
	bool is_verbose;
	bool is_reading_stopped; /* what is large is not read until the script says so */
};

/* conf_text is the text of a configuration; false, with a fault, when it is wrong. */
bool world_init(struct world *w, struct slice conf_text, unsigned n_workers);
/* All workers take another configuration on. */
void world_set_conf(struct world *w, struct conf *conf);
void world_fini(struct world *w);

void world_event(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fault(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NULL when there is none, or no room for one. */
struct client *world_client(struct world *w, struct slice name);
struct client *world_add_client(struct world *w, struct slice name, bool is_websocket);
/* Where clients to come are: an address, or behind a proxy that does not tell theirs (unset).  False when it is none. */
bool world_set_address(struct world *w, struct slice address);

/* Each is one thing that happens to the core, by the call the daemon would make. */
void world_post(struct world *w, struct client *c, unsigned worker, uint64_t rid, struct slice body);
/* Something happens to a request, wherever its session is. */
void world_news(struct world *w, struct client *c, struct request *r, struct req_fate fate);
void world_lose(struct world *w, struct client *c, struct request *r);
/* The answer to a request is on its way, unread; or it is not any more. */
void world_leave(struct world *w, struct client *c, struct request *r, bool is_taken);
/* So many bytes of a WebSocket message have come in all, and not its end. */
void world_begin(struct world *w, struct client *c, size_t n);
void world_say(struct world *w, struct client *c, struct slice text);
void world_client_gone(struct world *w, struct client *c);
void world_client_block(struct world *w, struct client *c, bool is_blocked, size_t room);
void world_connect(struct world *w, struct client *c, enum upstream_leg leg);
void world_upstream(struct world *w, struct client *c, struct slice bytes);
/* May be: another is tried in its place. */
void world_upstream_gone(struct world *w, struct client *c);
void world_server_block(struct world *w, struct client *c, bool is_blocked, size_t room);
/* What is large is read n portions at a time, or until nothing is left: n 0.  Or not any more until this is called again. */
void world_read(struct world *w, unsigned n);
void world_stop_reading(struct world *w);
void world_time(struct world *w, ms_t ms);
void world_shutdown(struct world *w);
/* The same, within ms, one session after the other. */
void world_drain(struct world *w, ms_t ms);

/* The sum over the workers; false when there is none of that name. */
bool world_counter(const struct world *w, struct slice name, uint64_t *value);
size_t world_sessions(const struct world *w);
/* A fault when what the server got is not XML. */
void world_check_server(struct world *w, struct client *c);

#endif
