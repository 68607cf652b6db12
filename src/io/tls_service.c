#include "io/tls_service.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fatal.h"
#include "io/tickets.h"
#include "io/tls_settings.h"
#include "proto/net/server_name.h"

#define NAME_MAX_BYTES 256

struct identity {
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};

struct tls_service {
	atomic_int refs;
	struct tls_service_shared shared;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	mbedtls_ssl_config config;
	struct identity *identity; /* in the order of the configuration */
	size_t n;
	char first[NAME_MAX_BYTES]; /* the first name of the first one */
};

/*
 * Only with an exchange of keys that nobody can make up for later (ECDHE) and
 * authenticated encryption; none of them needs random numbers once the
 * handshake is over, for the generator stays behind with the thread.  ECDSA
 * comes first: it is cheaper for us.
 */
static const int ciphers[] = {
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	0,
};

/* ---- names ---- */

struct asked {
	struct slice name;
	enum server_name_match best;
};

static bool
see_name(void *arg, struct slice name)
{
	struct asked *asked = arg;
	enum server_name_match match = server_name_match(name, asked->name);

	if (match > asked->best)
		asked->best = match;
	return asked->best != SERVER_NAME_EXACT;
}

static enum server_name_match
match(const struct identity *identity, struct slice name)
{
	struct asked asked = {.name = name};

	credentials_each_name(&identity->chain, see_name, &asked);
	return asked.best;
}

/* The best match there is for a name. */
static enum server_name_match
find_best(const struct tls_service *s, struct slice name)
{
	enum server_name_match best = SERVER_NAME_OTHER;

	for (size_t i = 0; i < s->n; i++) {
		enum server_name_match one = match(&s->identity[i], name);
		if (one > best)
			best = one;
	}
	return best;
}

/*
 * All that match as well as the best: there may be one for each kind of key,
 * and the library takes that which goes with a cipher of the client's.
 */
static int
on_server_name(void *arg, mbedtls_ssl_context *ssl, const unsigned char *p, size_t n)
{
	struct tls_service *s = arg;
	struct slice name = slice_of((const char *) p, n);
	enum server_name_match best = find_best(s, name);

	if (best == SERVER_NAME_OTHER) {
		if (server_names_tell(s->shared.told, name, (int64_t) time(NULL)))
			log_event(s->shared.log, LOG_NOTICE, "no certificate for this name", "name=%s shown=%s",
				log_value(name).text, log_string(s->first).text);
		return 0;
	}
	for (size_t i = 0; i < s->n; i++)
		if (match(&s->identity[i], name) == best &&
			mbedtls_ssl_set_hs_own_cert(ssl, &s->identity[i].chain, &s->identity[i].key) != 0)
			return -1;
	return 0;
}

static bool
keep_name(void *arg, struct slice name)
{
	struct tls_service *s = arg;

	snprintf(s->first, sizeof s->first, "%.*s", SLICE_ARG(name));
	return false;
}

/* Without a name that is known: the first one, and those with another key for the same name. */
static int
set_default(struct tls_service *s)
{
	credentials_each_name(&s->identity[0].chain, keep_name, s);
	for (size_t i = 0; i < s->n; i++)
		if ((i == 0 || match(&s->identity[i], slice_str(s->first)) == SERVER_NAME_EXACT) &&
			mbedtls_ssl_conf_own_cert(&s->config, &s->identity[i].chain, &s->identity[i].key) != 0)
			return -1;
	return 0;
}

/* ---- life ---- */

static int
configure(struct tls_service *s)
{
	static const char *protocols[] = {"http/1.1", NULL};

	if (mbedtls_ssl_config_defaults(
		    &s->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		return -1;
	tls_settings_apply(&s->config);
	mbedtls_ssl_conf_ciphersuites(&s->config, ciphers);
	mbedtls_ssl_conf_rng(&s->config, mbedtls_ctr_drbg_random, &s->drbg);
	mbedtls_ssl_conf_authmode(&s->config, MBEDTLS_SSL_VERIFY_NONE);
#ifdef MBEDTLS_SSL_RENEGOTIATION
	mbedtls_ssl_conf_renegotiation(&s->config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
	mbedtls_ssl_conf_sni(&s->config, on_server_name, s);
	mbedtls_ssl_conf_session_tickets_cb(&s->config, tickets_write, tickets_parse, s->shared.tickets);
	if (mbedtls_ssl_conf_alpn_protocols(&s->config, protocols) != 0)
		return -1;
	return set_default(s);
}

static int
read_identities(struct tls_service *s, const struct credentials *c, size_t listener, struct buf *error)
{
	const struct credential *one;

	for (size_t i = 0; (one = credentials_at(c, i)) != NULL; i++)
		s->n += one->listener == listener;
	s->identity = xcalloc(s->n > 0 ? s->n : 1, sizeof *s->identity);
	for (size_t i = 0; i < s->n; i++) {
		mbedtls_x509_crt_init(&s->identity[i].chain);
		mbedtls_pk_init(&s->identity[i].key);
	}
	for (size_t i = 0, k = 0; (one = credentials_at(c, i)) != NULL; i++) {
		if (one->listener != listener)
			continue;
		if (credential_read(one, &s->identity[k].chain, &s->identity[k].key, mbedtls_ctr_drbg_random, &s->drbg,
			    error) != 0)
			return -1;
		k++;
	}
	return s->n > 0 ? 0 : -1;
}

static void
release(struct tls_service *s)
{
	mbedtls_ssl_config_free(&s->config);
	for (size_t i = 0; i < s->n; i++) {
		mbedtls_pk_free(&s->identity[i].key);
		mbedtls_x509_crt_free(&s->identity[i].chain);
	}
	free(s->identity);
	mbedtls_ctr_drbg_free(&s->drbg);
	mbedtls_entropy_free(&s->entropy);
	free(s);
}

struct tls_service *
tls_service_new(
	const struct credentials *c, size_t listener, const struct tls_service_shared *shared, struct buf *error)
{
	static const unsigned char personal[] = "culvert tls service";
	struct tls_service *s = xcalloc(1, sizeof *s);

	atomic_init(&s->refs, 1);
	s->shared = *shared;
	mbedtls_entropy_init(&s->entropy);
	mbedtls_ctr_drbg_init(&s->drbg);
	mbedtls_ssl_config_init(&s->config);
	if (mbedtls_ctr_drbg_seed(&s->drbg, mbedtls_entropy_func, &s->entropy, personal, sizeof personal - 1) == 0 &&
		read_identities(s, c, listener, error) == 0 && configure(s) == 0)
		return s;
	if (error->n == 0)
		buf_append_str(error, "TLS cannot be set up: no entropy or no memory");
	release(s);
	return NULL;
}

struct tls_service *
tls_service_ref(struct tls_service *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
tls_service_unref(struct tls_service *s)
{
	if (s != NULL && atomic_fetch_sub(&s->refs, 1) == 1)
		release(s);
}

const struct mbedtls_ssl_config *
tls_service_config(const struct tls_service *s)
{
	return &s->config;
}
