/* dns.h: host names to addresses, by c-ares on the worker's loop. */
#ifndef CULVERT_IO_DNS_H
#define CULVERT_IO_DNS_H

#include <sys/socket.h>
#include <uv.h>

#include "base/library.h"
#include "base/log.h"
#include "conf/conf.h"

struct dns;
struct dns_query;

/* One address, with the port asked for. */
struct dns_address {
	struct sockaddr_storage address;
	socklen_t n;
};

/* servers: as conf.h describes them; empty: the system's.  NULL, with a log line, when the resolver cannot be set up. */
struct dns *dns_new(uv_loop_t *loop, const struct conf_list *servers, const struct log *log);
/* Pending queries end without their callback; the memory goes when the loop has run. */
void dns_close(struct dns *d);

/*
 * Resolves a host name.  done is called once, later or at once, with the
 * addresses in the order to try them, or with n 0 and a reason; not after
 * dns_cancel().  Returns NULL when done was called already.
 */
struct dns_query *dns_resolve(struct dns *d, const char *host, uint16_t port,
	void (*done)(void *arg, const struct dns_address *address, size_t n, const char *reason), void *arg);
/* NULL is fine. */
void dns_cancel(struct dns_query *q);

/* An address literal, without the resolver.  False when it is none. */
bool dns_literal(const char *host, uint16_t port, struct dns_address *out);

/* For --version. */
void dns_versions(struct library *l);

#endif
