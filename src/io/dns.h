/*
 * dns.h: host names to addresses, and services to servers, by c-ares on the
 * worker's loop.  Whoever asks for the same thing at the same time shares one
 * lookup, and what comes of it is kept as long as its TTL allows, that there
 * is nothing too; what failed, for a few seconds.
 *
 * Pure DNS is asked for services; for host names also the hosts file, and
 * with the search list, as the system does.  An answer that was cut off is
 * asked for again over TCP.  When resolv.conf changes, what is known is
 * forgotten, and what is under way is asked anew.
 */
#ifndef CULVERT_IO_DNS_H
#define CULVERT_IO_DNS_H

#include <sys/socket.h>
#include <uv.h>

#include "base/library.h"
#include "base/log.h"
#include "conf/conf.h"
#include "proto/net/srv.h"

struct dns;
struct dns_query;

/* One address, with the port asked for. */
struct dns_address {
	struct sockaddr_storage address;
	socklen_t n;
};

/* What came of it: addresses in the order to try them, or services in any. */
struct dns_answer {
	union {
		const struct dns_address *address;
		const struct srv_record *service;
	};
	size_t n;
	bool has_failed;    /* nobody knows whether there is something */
	const char *reason; /* where n is 0: for people */
};

/* Where the system says whom to ask; tests have their own. */
struct dns_system {
	const char *resolv_conf;
	uint16_t port; /* of those servers; 0: the usual one */
};

/*
 * servers: as conf.h describes them; empty: the system's (NULL: as
 * /etc/resolv.conf says).  seed: a secret.  NULL, with a log line, when the
 * resolver cannot be set up.
 */
struct dns *dns_new(uv_loop_t *loop, const struct conf_list *servers, const struct dns_system *system, uint64_t seed,
	const struct log *log);
/* Asks these servers from now on; forgets what is known. */
void dns_reload(struct dns *d, const struct conf_list *servers);
/* Pending queries end without their callback; the memory goes when the loop has run. */
void dns_close(struct dns *d);

/*
 * Resolves a host name.  done is called once, later or at once; not after
 * dns_cancel().  Returns NULL when done was called already.
 */
struct dns_query *dns_resolve(struct dns *d, const char *host, uint16_t port,
	void (*done)(void *arg, const struct dns_answer *answer), void *arg);
/* The same for a service, "_xmpp-client._tcp.example.com"; its records will say tls_direct. */
struct dns_query *dns_services(struct dns *d, const char *name, bool tls_direct,
	void (*done)(void *arg, const struct dns_answer *answer), void *arg);
/* NULL is fine. */
void dns_cancel(struct dns_query *q);

/* An address literal, IPv6 with or without scope ("fe80::1%eth0"), without the resolver.  False when it is none. */
bool dns_literal(const char *host, uint16_t port, struct dns_address *out);

/* For --version. */
void dns_versions(struct library *l);

#endif
