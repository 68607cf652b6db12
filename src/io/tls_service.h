/*
 * tls_service.h: the server's side of TLS, as one listener has it (mbedTLS):
 * certificates, chosen by the name a client asks for, and what is offered.
 * One thread makes it and does handshakes by it; connections refer to it, so
 * it lasts as long as the last of them, also after a reload.
 */
#ifndef CULVERT_IO_TLS_SERVICE_H
#define CULVERT_IO_TLS_SERVICE_H

#include "base/buf.h"
#include "base/log.h"
#include "io/credentials.h"

struct mbedtls_ssl_config;
struct server_names_told;
struct tickets;
struct tls_service;

/* What services of a thread share; it and all in it must outlive them. */
struct tls_service_shared {
	const struct log *log;
	struct tickets *tickets;
	struct server_names_told *told; /* of the thread */
};

/* NULL when there is none of this listener in c, or one that cannot be used: error then says why. */
struct tls_service *tls_service_new(
	const struct credentials *c, size_t listener, const struct tls_service_shared *shared, struct buf *error);
/* From any thread. */
struct tls_service *tls_service_ref(struct tls_service *s);
/* One reference less, from any thread; the last one wipes and frees.  NULL is fine. */
void tls_service_unref(struct tls_service *s);

/* For tls.c. */
const struct mbedtls_ssl_config *tls_service_config(const struct tls_service *s);

#endif
