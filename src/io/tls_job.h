/*
 * tls_job.h: one TLS handshake as a value.  It goes with its socket to a
 * thread of its own, and comes back with the connection's TLS, or with a
 * reason.
 *
 *      worker: tls_job_to_server -> thread: tls_job_begin, tls_handshake(job->tls) ... or tls_job_fail
 *              tls_job_to_client            tls_job_begin_client
 *      worker: tls_job_take      <- the same job; tls_job_free
 */
#ifndef CULVERT_IO_TLS_JOB_H
#define CULVERT_IO_TLS_JOB_H

#include <stdint.h>

#include "base/ms.h"
#include "base/peer.h"
#include "base/turns.h"
#include "io/tls.h"

/* Which way the connection was made says what the handshake needs, and who waits for it. */
enum tls_direction {
	TLS_TO_SERVER, /* by the dialer */
	TLS_TO_CLIENT, /* it came in by a listener */
};

/* As tls_trust_new() and tls_client_new() want it. */
struct tls_to_server {
	char *name, *ca_file;
	bool verify, is_direct;
};

struct tls_to_client {
	struct peer peer;
	bool is_one;        /* the address is one client's, as far as anybody knows, and no proxy's */
	bool brings_ticket; /* it wants to resume a session */
	struct turn turn;   /* the thread's */
};

struct tls_job {
	enum tls_direction direction;
	uint64_t id; /* TLS_TO_SERVER: among the worker's */
	unsigned worker;
	int fd; /* the job's, until it is taken */
	struct tls_to_server server;
	struct tls_to_client client;
	ms_t timeout; /* what the peer may take; 0: as long as it likes */
	ms_t spent;   /* what it took.  Time in which the job, or an answer, waited for us is no part of either */
	struct tls *tls;
	size_t charged;    /* to its worker's budget; the worker's matter */
	bool is_curious;   /* the caller's to set: certificate is wanted */
	char *certificate; /* what tls_certificate() said; NULL: there was none */
	char reason[TLS_REASON];
};

/* Takes fd over; the strings are copied, ca_file may be NULL.  worker is the caller's to set. */
struct tls_job *tls_job_to_server(uint64_t id, int fd, const struct tls_to_server *server, ms_t timeout);
/* Takes fd over.  worker and client.is_one are the caller's to set. */
struct tls_job *tls_job_to_client(int fd, const struct peer *peer, bool brings_ticket, ms_t timeout);
/* Makes tls ready for the handshake; trust is what the job asks for, NULL when that cannot be had.  False: it has failed. */
bool tls_job_begin(struct tls_job *job, struct tls_trust *trust);
/* The same, to a client: service is that of its listener, or NULL. */
bool tls_job_begin_client(struct tls_job *job, struct tls_service *service);
/* After the handshake: fills in the certificate, if the caller wants it. */
void tls_job_look(struct tls_job *job);
/* The first reason counts; tls_job_look() is part of it. */
void tls_job_fail(struct tls_job *job, const char *why);
/* The connection is the caller's, with its TLS; NULL, and no socket, when it has failed. */
struct tls *tls_job_take(struct tls_job *job, int *fd);
/* Closes what the job holds. */
void tls_job_free(struct tls_job *job);

#endif
