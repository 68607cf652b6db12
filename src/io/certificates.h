/*
 * certificates.h: files with certificates of authorities (mbedTLS).  They are
 * read one by one, so that it can be said which one is broken.
 */
#ifndef CULVERT_IO_CERTIFICATES_H
#define CULVERT_IO_CERTIFICATES_H

#include "base/buf.h"
#include "proto/net/identity.h"

struct mbedtls_x509_crt;

/*
 * Adds the certificates in the text of a file (PEM, or one as DER) to the
 * chain.  Returns how many, at least 1; or a negative CV_E* code, with the
 * file, the line and what is wrong there appended to error.  With is_lenient
 * the broken ones are left out, as long as one is not.
 */
int certificates_load_text(
	struct mbedtls_x509_crt *chain, const char *file, struct slice text, bool is_lenient, struct buf *error);
/* The same, and reads the file. */
int certificates_load(struct mbedtls_x509_crt *chain, const char *file, bool is_lenient, struct buf *error);

/* Appends one line: whose it is, for which names, by whom and until when. */
void certificates_describe(const struct mbedtls_x509_crt *certificate, struct buf *out);

/*
 * All names that it has for a server, *n of them, in one block that the caller
 * frees; the bytes are the certificate's.  The library knows DNS names only.
 */
struct identity *certificates_names(const struct mbedtls_x509_crt *certificate, size_t *n);

/* Only looks whether the text can be used: as certificates_load_text(), without a chain. */
int certificates_check(const char *file, struct slice text, struct buf *error);

#endif
