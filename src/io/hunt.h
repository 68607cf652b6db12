/*
 * hunt.h: from a domain to a connected socket: which servers there are, by
 * the configuration or by DNS, and attempts to reach them, in the order and at
 * the times that race.h says.
 *
 *      hunt_start -> (DNS) -> attempts -> reached -> hunt_settle
 *                                ^          |
 *                                `----------'   hunt_leader_failed, hunt_go_on
 *
 * Nothing but reached and lost is told of a socket; these may be called from
 * within hunt_start(), hunt_go_on() and hunt_expire(), and by the loop.
 */
#ifndef CULVERT_IO_HUNT_H
#define CULVERT_IO_HUNT_H

#include <uv.h>

#include "base/ms.h"
#include "conf/conf.h"
#include "io/dns.h"
#include "proto/closing.h"
#include "session/context.h"

#define HUNT_SERVER 272 /* room for a server as it was asked for, with its port */
#define HUNT_REASON 240

/* What all hunts of a worker share: who has failed lately. */
struct hunts;
struct hunt;

struct hunt_handler {
	/* A socket is connected; it is the callee's. */
	void (*reached)(void *arg, int fd);
	/* Nobody is left: hunt_reason(). */
	void (*lost)(void *arg);
	/* hunt_go_on() is to be called, when it suits. */
	void (*later)(void *arg);
	/* hunt_expire() is to be called then; MS_NEVER: not any more. */
	void (*due)(void *arg, ms_t at);
};

/* All must outlive it. */
struct hunts *hunts_new(uv_loop_t *loop, struct dns *dns, struct context *context, const struct hunt_handler *handler);
void hunts_free(struct hunts *all);

/* timeout: in ms, for all of it, from now on; 0: none.  domain must stay as long as the hunt.  number: for the log. */
struct hunt *hunt_new(struct hunts *all, void *arg, const struct conf_domain *domain, ms_t timeout, uint64_t number);
/* The server that was reached is the right one: it, too, is remembered. */
void hunt_settle(struct hunt *h);
/* Ends all attempts.  NULL is fine. */
void hunt_free(struct hunt *h);

void hunt_start(struct hunt *h);
void hunt_go_on(struct hunt *h);
void hunt_expire(struct hunt *h, ms_t now);

/* Since reached: the server, as it was asked for, its address, whether TLS begins with the first byte. */
const char *hunt_server(const struct hunt *h);
const struct dns_address *hunt_address(const struct hunt *h);
bool hunt_is_direct(const struct hunt *h);
/* A step was made with it.  Returns when it has had its time for the next. */
ms_t hunt_lead(struct hunt *h);
/* It took so much of our own time: that is added to all. */
void hunt_add_time(struct hunt *h, ms_t more);
/* Is there somebody else to be tried? */
bool hunt_has_more(const struct hunt *h);
/* It is not the right one, and this is why. */
void hunt_leader_failed(struct hunt *h, enum closing closing, const char *why);

/* How many servers there were to be tried. */
size_t hunt_count(const struct hunt *h);
/* Why the last one failed. */
enum closing hunt_closing(const struct hunt *h);
const char *hunt_reason(const struct hunt *h);

/* "192.0.2.7:5222"; "-" when there is none. */
void hunt_write_address(const struct dns_address *a, char *out, size_t room);

#endif
