/*
 * client.h: a session's sockets: the outlet in the daemon, but for answers to
 * BOSH requests, and what the sockets tell the session.
 *
 *      session -- outlet --> client --> ws, dialer
 *      session <------------ client <-- ws_handler, dial_handler
 */
#ifndef CULVERT_IO_CLIENT_H
#define CULVERT_IO_CLIENT_H

#include "io/dial.h"
#include "io/ws.h"
#include "proto/net/departures.h"
#include "session/registry.h"

struct clients_handler {
	void *arg;
	/* A handshake is to be done; comes back through dialer_secured(). */
	void (*handshake)(void *arg, struct tls_job *job);
	/* As ws_handler's and dial_handler's. */
	void (*linger)(void *arg, int fd);
	void (*crowd)(void *arg);
};

/* What the clients of a worker share. */
struct clients {
	uv_loop_t *loop;
	const struct clients_handler *handler;
	struct context *context;
	struct registry *registry;
	struct dialer *dialer;
	struct departures *departures;    /* to connect to servers */
	struct ws_handler ws_handler;     /* for ws_new() */
	struct dial_handler dial_handler; /* for dialer_new() */
};

/* Sets the handlers, and of the outlet all that has to do with sockets. */
void clients_init(struct clients *c, uv_loop_t *loop, const struct clients_handler *handler, struct outlet *outlet);
/* With what was made with these; all must outlive it. */
void clients_open(struct clients *c, struct context *context, struct registry *registry, struct dialer *dialer);
void clients_fini(struct clients *c);
/* Lets those connect whose turn has come; once per turn of the loop, when it is known who else is gone.  True: call again without sleeping. */
bool clients_run(struct clients *c);
/* Some have waited too long. */
ms_t clients_deadline(const struct clients *c);
/* For registry_reap(): lets go of the sockets of a session that is freed. */
void clients_forget(void *arg, struct session *s);

#endif
