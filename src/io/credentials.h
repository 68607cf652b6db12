/*
 * credentials.h: what our listeners show to prove who they are: chains of
 * certificates with their keys (mbedTLS).  They are kept as the bytes of the
 * files they came in, for any thread: each makes of them what the library
 * wants, since its keys cache without locks.  Who reads the files hands the
 * bytes over; nothing here opens one.
 */
#ifndef CULVERT_IO_CREDENTIALS_H
#define CULVERT_IO_CREDENTIALS_H

#include "base/buf.h"

struct mbedtls_pk_context;
struct mbedtls_x509_crt;

struct credential {
	size_t listener;                 /* the index of the one that shows it */
	char *certificate, *key;         /* the files, for people */
	struct buf chain_text, key_text; /* what is in them */
};

struct credentials;

/* An empty set with one reference. */
struct credentials *credentials_new(void);
/* One more, from any thread; returns c, which may be NULL. */
struct credentials *credentials_ref(struct credentials *c);
/* One less; the last one wipes and frees.  NULL is fine. */
void credentials_unref(struct credentials *c);

/* Adds one, empty but for the names of its files, in the order of the configuration; valid until the next is added. */
struct credential *credentials_add(struct credentials *c, size_t listener, const char *certificate, const char *key);
/* The i-th, counted from 0; NULL when there are no more. */
const struct credential *credentials_at(const struct credentials *c, size_t i);

/*
 * Reads both, which are initialised and the caller's to free.  0, or CV_EINVAL
 * with the file, what is wrong there and what to do appended to error.  rng
 * and its argument are what the library wants of a generator.
 */
int credential_read(const struct credential *c, struct mbedtls_x509_crt *chain, struct mbedtls_pk_context *key,
	int (*rng)(void *, unsigned char *, size_t), void *rng_arg, struct buf *error);

/*
 * Can it be used?  0, or CV_EINVAL with what is wrong and what to do appended
 * to error; a line for each thing that will be a trouble soon is appended to
 * notes.  All name the file.
 */
int credential_check(const struct credential *c, struct buf *error, struct buf *notes);

/* Calls see() with each DNS name that the certificate is for, until it returns false. */
void
credentials_each_name(const struct mbedtls_x509_crt *certificate, bool (*see)(void *arg, struct slice name), void *arg);

#endif
