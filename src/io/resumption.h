/*
 * resumption.h: TLS sessions with servers, so that the next connection to the
 * same one costs a fraction of a handshake (RFC 5077; RFC 5246, 7.3).  Part of
 * what one thread believes: what is resumed was verified under the same trust,
 * and goes with it (mbedTLS).
 */
#ifndef CULVERT_IO_RESUMPTION_H
#define CULVERT_IO_RESUMPTION_H

#include "base/slice.h"

struct mbedtls_ssl_context;
struct resumption;

/* Room for sessions with n servers; whose was kept first makes place. */
struct resumption *resumption_new(unsigned n);
void resumption_free(struct resumption *r);

/* Before the handshake: offers the server that key names what was kept of it. */
void resumption_offer(const struct resumption *r, struct mbedtls_ssl_context *ssl, struct slice key);
/* After it: keeps what the server may resume. */
void resumption_keep(struct resumption *r, const struct mbedtls_ssl_context *ssl, struct slice key);
/* A handshake has failed: nothing is offered next time. */
void resumption_forget(struct resumption *r, struct slice key);

#endif
