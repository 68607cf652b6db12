/*
 * client.h: one XMPP session of the load: logs in, then sends a message and
 * waits for its echo.  How stanzas travel is the transport's business; what
 * comes back is checked here, to the byte for what was sent.
 */
#ifndef CULVERT_BENCH_CLIENT_H
#define CULVERT_BENCH_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/sock.h"

#define CLIENT_SID 128
#define CLIENT_DOMAIN "example.com"

struct client;

/* What tcp.c, ws.c and bosh.c offer. */
struct transport {
	const char *name;
	/* Connects and opens the stream. */
	void (*open)(struct client *c);
	/* The stream is opened anew, after authentication. */
	void (*restart)(struct client *c);
	/* One element; the client waits for an answer before the next. */
	void (*send)(struct client *c, struct slice stanza);
};

/* The same for all clients of a run. */
struct crowd {
	const struct transport *transport;
	int epoll;
	struct sockaddr_in to;
	char host[32]; /* as the Host header has it */
	void (*ready)(struct client *c);
	void (*echoed)(struct client *c);
	void (*failed)(struct client *c, const char *why);
	uint64_t posts;
};

enum client_step {
	CLIENT_NEW,
	CLIENT_OPENING,    /* waits for mechanisms */
	CLIENT_PROVING,    /* waits for success */
	CLIENT_RESTARTING, /* waits for bind to be offered */
	CLIENT_BINDING,
	CLIENT_READY,
	CLIENT_WAITING, /* for an echo */
	CLIENT_FAILED,
};

struct post {
	struct sock sock;
	bool is_busy; /* its answer has not come */
};

struct client {
	struct crowd *crowd;
	unsigned number;
	enum client_step step;
	int64_t since_us; /* of the message it waits for, as it was told */
	uint64_t n_sent;
	struct slice text; /* of that message, whoever sends owns it */

	/* tcp, ws; bosh uses both */
	struct post post[2];
	bool is_open; /* past the stream header or the upgrade */
	/* bosh */
	uint64_t rid;
	unsigned last_post;
	char sid[CLIENT_SID];
	struct buf queue; /* waits for a free request */
};

void client_init(struct client *c, struct crowd *crowd, unsigned number);
void client_log_in(struct client *c);
/* Must be CLIENT_READY.  The text must stay as it is until the echo has come. */
void client_send(struct client *c, struct slice text, int64_t now_us);
void client_drop(struct client *c);

/* For transports: one element from the server; false when the client has failed by it. */
bool client_heard(struct client *c, struct slice element);
/* For transports: something is wrong with what came. */
void client_fail(struct client *c, const char *why);
/* For transports with one connection: begins to make it; false when the client has failed by it. */
bool client_connect(struct client *c, const struct sock_handler *handler);
/* Their handler's gone. */
void client_lost(struct sock *s);

#endif
