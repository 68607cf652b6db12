#include "io/credentials.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/fatal.h"
#include "io/certificates.h"

#define DAY 86400
#define SOON_DAYS \
	14 /* before its end a certificate should have been renewed; one with a short life: in its last third */

struct credentials {
	atomic_int refs;
	struct credential *v;
	size_t n;
};

struct credentials *
credentials_new(void)
{
	struct credentials *c = xcalloc(1, sizeof *c);

	atomic_init(&c->refs, 1);
	return c;
}

struct credentials *
credentials_ref(struct credentials *c)
{
	if (c != NULL)
		atomic_fetch_add(&c->refs, 1);
	return c;
}

void
credentials_unref(struct credentials *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].certificate);
		free(c->v[i].key);
		buf_fini(&c->v[i].chain_text);
		buf_fini(&c->v[i].key_text);
	}
	free(c->v);
	free(c);
}

struct credential *
credentials_add(struct credentials *c, size_t listener, const char *certificate, const char *key)
{
	struct credential *one;

	c->v = xrealloc(c->v, (c->n + 1) * sizeof *c->v);
	one = &c->v[c->n++];
	*one = (struct credential){listener, xstrdup(certificate), xstrdup(key), {0}, {0}};
	buf_init(&one->chain_text, BUF_UNLIMITED);
	buf_init_secret(&one->key_text, BUF_UNLIMITED);
	return one;
}

const struct credential *
credentials_at(const struct credentials *c, size_t i)
{
	return i < c->n ? &c->v[i] : NULL;
}

/* ---- reading ---- */

/* Of a key as PEM the library wants the NUL behind it, too. */
static int
parse_key(struct slice text, struct mbedtls_pk_context *key, int (*rng)(void *, unsigned char *, size_t), void *rng_arg)
{
	bool is_pem = text.n > 0 && memmem(text.p, text.n, "-----BEGIN ", 11) != NULL;
	struct buf copy;
	int status;

	buf_init_secret(&copy, BUF_UNLIMITED);
	buf_append(&copy, text);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	status = mbedtls_pk_parse_key(
		key, (const unsigned char *) buf_cstr(&copy), copy.n + (is_pem ? 1 : 0), NULL, 0, rng, rng_arg);
#else
	(void) rng;
	(void) rng_arg;
	status = mbedtls_pk_parse_key(key, (const unsigned char *) buf_cstr(&copy), copy.n + (is_pem ? 1 : 0), NULL, 0);
#endif
	buf_fini(&copy);
	return status;
}

static bool
is_pair(const struct mbedtls_x509_crt *certificate, const struct mbedtls_pk_context *key,
	int (*rng)(void *, unsigned char *, size_t), void *rng_arg)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(&certificate->pk, key, rng, rng_arg) == 0;
#else
	(void) rng;
	(void) rng_arg;
	return mbedtls_pk_check_pair(&certificate->pk, key) == 0;
#endif
}

static void
describe_key(const struct credential *c, int status, struct buf *error)
{
	struct slice text = buf_slice(&c->key_text);
	char why[128];

	mbedtls_strerror(status, why, sizeof why);
	if (text.n == 0)
		buf_printf(error, "%s: an empty file, expected a private key (PEM)", c->key);
	else if (status == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || status == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
		buf_printf(error,
			"%s: the key is locked by a passphrase, expected one without: \"openssl pkey -in FILE -out FILE\" takes "
			"it away",
			c->key);
	else if (memmem(text.p, text.n, "-----BEGIN ", 11) != NULL && memmem(text.p, text.n, "PRIVATE KEY", 11) == NULL)
		buf_printf(error,
			"%s: no private key in it, expected the file with the key; are the two files exchanged?",
			c->key);
	else
		buf_printf(
			error, "%s: no private key that can be read (%s), expected RSA or ECDSA as PEM", c->key, why);
}

/* The key is for another certificate; maybe for a later one of the same file. */
static void
describe_mismatch(const struct credential *c, const struct mbedtls_x509_crt *chain,
	const struct mbedtls_pk_context *key, int (*rng)(void *, unsigned char *, size_t), void *rng_arg,
	struct buf *error)
{
	for (const struct mbedtls_x509_crt *other = chain->next; other != NULL; other = other->next) {
		if (!is_pair(other, key, rng, rng_arg))
			continue;
		buf_printf(error,
			"%s: the certificate of %s is not the first in the file, expected it before those of its issuers",
			c->certificate, c->key);
		return;
	}
	buf_printf(error, "%s: not the key of the certificate in %s, expected the two files of one certificate", c->key,
		c->certificate);
}

int
credential_read(const struct credential *c, struct mbedtls_x509_crt *chain, struct mbedtls_pk_context *key,
	int (*rng)(void *, unsigned char *, size_t), void *rng_arg, struct buf *error)
{
	int status = certificates_load_text(chain, c->certificate, buf_slice(&c->chain_text), false, error);

	if (status <= 0) {
		buf_append_str(error, ", expected the certificate and those of its issuers (PEM)");
		return CV_EINVAL;
	}
	status = parse_key(buf_slice(&c->key_text), key, rng, rng_arg);
	if (status != 0) {
		describe_key(c, status, error);
		return CV_EINVAL;
	}
	if (!mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) && !mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA)) {
		buf_printf(error, "%s: a key that cannot sign, expected RSA or ECDSA", c->key);
		return CV_EINVAL;
	}
	if (!is_pair(chain, key, rng, rng_arg)) {
		describe_mismatch(c, chain, key, rng, rng_arg, error);
		return CV_EINVAL;
	}
	return 0;
}

/* ---- names ---- */

static bool
see_common_name(const struct mbedtls_x509_crt *certificate, bool (*see)(void *arg, struct slice name), void *arg)
{
	for (const mbedtls_x509_name *part = &certificate->subject; part != NULL; part = part->next)
		if (part->oid.p != NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 &&
			!see(arg, slice_of((const char *) part->val.p, part->val.len)))
			return false;
	return true;
}

/* RFC 6125, 6.4.4: the common name counts only where no name of DNS is given. */
void
credentials_each_name(const struct mbedtls_x509_crt *certificate, bool (*see)(void *arg, struct slice name), void *arg)
{
	const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
	bool has_any = false;

	for (; name != NULL && name->buf.p != NULL; name = name->next) {
		if ((name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_DNS_NAME)
			continue;
		has_any = true;
		if (!see(arg, slice_of((const char *) name->buf.p, name->buf.len)))
			return;
	}
	if (!has_any)
		see_common_name(certificate, see, arg);
}

/* ---- what will be a trouble ---- */

static time_t
time_of(const mbedtls_x509_time *t)
{
	struct tm tm = {.tm_year = t->year - 1900,
		.tm_mon = t->mon - 1,
		.tm_mday = t->day,
		.tm_hour = t->hour,
		.tm_min = t->min,
		.tm_sec = t->sec};

	return timegm(&tm);
}

static void
note_dates(const struct credential *c, const struct mbedtls_x509_crt *certificate, struct buf *notes)
{
	time_t now = time(NULL), from = time_of(&certificate->valid_from), to = time_of(&certificate->valid_to);
	const mbedtls_x509_time *end = &certificate->valid_to;

	if (to < now)
		buf_printf(notes, "%s: expired on %04d-%02d-%02d, and clients refuse it: renew it, then reload\n",
			c->certificate, end->year, end->mon, end->day);
	else if (from > now)
		buf_printf(notes, "%s: not valid yet, and clients refuse it: is the clock of this machine right?\n",
			c->certificate);
	else if (to - now < SOON_DAYS * DAY && to - now < (to - from) / 3)
		buf_printf(notes, "%s: expires on %04d-%02d-%02d: renew it, then reload\n", c->certificate, end->year,
			end->mon, end->day);
}

/* The TLS feature status_request (RFC 7633): the certificate counts only with an answer that we cannot give. */
static bool
must_staple(const struct mbedtls_x509_crt *certificate)
{
	static const unsigned char oid[] = {0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18};

	return certificate->v3_ext.len > 0 &&
		memmem(certificate->v3_ext.p, certificate->v3_ext.len, oid, sizeof oid) != NULL;
}

static bool
is_self_signed(const struct mbedtls_x509_crt *certificate)
{
	return certificate->issuer_raw.len == certificate->subject_raw.len &&
		memcmp(certificate->issuer_raw.p, certificate->subject_raw.p, certificate->issuer_raw.len) == 0;
}

static void
note_troubles(const struct credential *c, const struct mbedtls_x509_crt *certificate, struct buf *notes)
{
	note_dates(c, certificate, notes);
	if (must_staple(certificate))
		buf_printf(notes,
			"%s: demands OCSP stapling (\"must-staple\"), which culvert does not do, and clients may refuse it: get one "
			"without\n",
			c->certificate);
	if (certificate->next == NULL && !is_self_signed(certificate))
		buf_printf(notes,
			"%s: only one certificate, and clients may not know its issuer: use the file with the whole chain "
			"(fullchain.pem, fullchain.cer), unless the issuer is an authority that all clients know\n",
			c->certificate);
	if (mbedtls_x509_crt_check_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
		buf_printf(notes,
			"%s: may not be used for signatures, and no handshake will succeed: get one that may\n",
			c->certificate);
}

static int
check(const struct credential *c, mbedtls_ctr_drbg_context *drbg, struct buf *error, struct buf *notes)
{
	struct mbedtls_x509_crt chain;
	struct mbedtls_pk_context key;
	int status;

	mbedtls_x509_crt_init(&chain);
	mbedtls_pk_init(&key);
	status = credential_read(c, &chain, &key, mbedtls_ctr_drbg_random, drbg, error);
	if (status == 0)
		note_troubles(c, &chain, notes);
	mbedtls_pk_free(&key);
	mbedtls_x509_crt_free(&chain);
	return status;
}

int
credential_check(const struct credential *c, struct buf *error, struct buf *notes)
{
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	int status = CV_EINVAL;

	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&drbg);
	if (mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0) == 0)
		status = check(c, &drbg, error, notes);
	else
		buf_append_str(error, "the system gives no entropy");
	mbedtls_ctr_drbg_free(&drbg);
	mbedtls_entropy_free(&entropy);
	return status;
}
