/*
 * tls.h: TLS 1.2 on a non-blocking socket, by mbedTLS: the handshake, then
 * records.  A handshake takes milliseconds of CPU, so it runs in a thread of
 * its own (worker/handshake.c); the connection then moves to its worker.
 *
 *      struct tls_trust     we are the client: whom to believe, and how
 *      struct tls_service   we are the server: who we are (tls_service.h)
 *                           one thread makes it, connections refer to it
 *      struct tls           one connection; used by one thread at a time
 */
#ifndef CULVERT_IO_TLS_H
#define CULVERT_IO_TLS_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/buf.h"

struct tls;
struct tls_service;
struct tls_trust;

#define TLS_REASON 480   /* room for why a handshake failed, with its NUL */
#define TLS_RECORD 16384 /* the most bytes one record carries */
#define TLS_MEMORY 49152 /* about what a connection takes: room for a record each way, the peer's certificates */

/*
 * Certificates are checked against those in text, which is what ca_file (PEM)
 * has in it, or against the system's when ca_file is NULL; not at all without
 * verify.  NULL when they cannot be read: error then says why and what to do.
 */
struct tls_trust *tls_trust_new(const char *ca_file, struct slice text, bool verify, struct buf *error);
/* One reference less, from any thread; the last one frees.  NULL is fine. */
void tls_trust_unref(struct tls_trust *t);

/*
 * The client's side of a connection on fd, which stays the caller's.  The
 * certificate must be for name (identity.h), which is also sent (SNI).
 * is_direct: TLS from the first byte, with ALPN xmpp-client (XEP-0368).  A
 * session with the same server is resumed.  The trust is referenced: by the
 * thread that made it, which also does the handshake.  NULL when there is no
 * memory.
 */
struct tls *tls_client_new(struct tls_trust *t, int fd, const char *name, bool is_direct);
/* The server's side of a connection on fd, which stays the caller's.  The service is referenced.  NULL: no memory. */
struct tls *tls_server_new(struct tls_service *s, int fd);
void tls_free(struct tls *t);
/* Before the handshake: the server's certificate is kept, as words, also when it is refused. */
void tls_keep_certificate(struct tls *t);

enum tls_result {
	TLS_DONE,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_CLOSED, /* the peer said goodbye */
	TLS_FAILED,
};

/* One step; TLS_FAILED writes why to reason, for people. */
enum tls_result tls_handshake(struct tls *t, char reason[TLS_REASON]);

/* Appends what was agreed on: "TLSv1.2, TLS-ECDHE-..."; after the handshake. */
void tls_describe(const struct tls *t, struct buf *out);
/* Whose certificate the server has shown, by whom and until when; "" while there was none, or it was not to be kept. */
struct slice tls_certificate(const struct tls *t);

/* Reads at most room bytes.  TLS_DONE: *n bytes are there, more may be. */
enum tls_result tls_read(struct tls *t, char *bytes, size_t room, size_t *n);
/*
 * Writes; scratch is room of the caller's that need not last.  *n bytes are taken, which may be fewer.  TLS_WANT_WRITE: call
 * again, also with nothing, when the socket takes output.
 */
enum tls_result tls_write(struct tls *t, char scratch[TLS_RECORD], const struct iovec *v, int n_vectors, size_t *n);
/* Are there decrypted bytes that no readiness of the socket will tell of? */
bool tls_has_pending(const struct tls *t);
/* Says goodbye, once, if the socket takes it. */
void tls_goodbye(struct tls *t);

#endif
