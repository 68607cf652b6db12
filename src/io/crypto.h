/* crypto.h: the cryptographic hooks of the core (base/hooks.h), by mbedTLS. */
#ifndef CULVERT_IO_CRYPTO_H
#define CULVERT_IO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hooks.h"
#include "base/library.h"
#include "base/slice.h"

struct crypto;

/* A random generator of its own, for one thread; NULL when the system gives no entropy. */
struct crypto *crypto_new(void);
void crypto_free(struct crypto *c);

/* Fills n bytes that nobody can guess. */
void crypto_random(struct crypto *c, void *bytes, size_t n);
/* True when text is the base64 form of exactly n bytes (n at most 64). */
bool crypto_is_base64(struct slice text, size_t n);
/* Decodes base64; 0 when it is none, or longer than room. */
size_t crypto_from_base64(struct slice text, char *out, size_t room);
/* The SHA-1 hash of text, for key sequences. */
void crypto_sha1(struct slice text, uint8_t hash[HOOKS_SHA1]);

/* For --version. */
void crypto_versions(struct library *l);

#endif
