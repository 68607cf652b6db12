#include "io/tls.h"

#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fatal.h"
#include "io/certificates.h"
#include "io/idn.h"
#include "io/resumption.h"
#include "io/tls_service.h"
#include "io/tls_settings.h"

#define FOUND 300  /* how much is said of the names in a certificate that is refused */
#define SERVERS 64 /* with so many a session may be resumed */

struct tls_trust {
	atomic_int refs;
	struct resumption *resumption; /* only who made the trust uses it, during handshakes */
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	mbedtls_x509_crt authorities;
	mbedtls_ssl_config starttls, direct;
};

struct tls {
	struct tls_trust *trust;     /* we are the client; NULL: */
	struct tls_service *service; /* we are the server */
	mbedtls_ssl_context ssl;
	int fd;
	size_t unflushed; /* bytes taken, whose record the socket has not taken whole */
	bool has_said_goodbye;
	struct buf *certificate; /* NULL: nobody wants to know */
	char *name;              /* whose certificate the server must have */
	struct buf found;        /* in its certificate instead, for people */
	struct buf key;          /* of the server, for resumption.h */
};

/*
 * Only ciphers that need no random numbers once the handshake is over: the
 * generator stays behind with the thread that made it.
 */
static const int ciphers[] = {
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
	0,
};

static const char *const system_authorities[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

/* Of the system's, those that cannot be read are left out. */
static int
load_authorities(struct tls_trust *t, const char *ca_file, struct slice text, struct buf *error)
{
	int n = -1;

	if (ca_file != NULL)
		return certificates_load_text(&t->authorities, ca_file, text, false, error) > 0 ? 0 : -1;
	for (size_t i = 0; i < sizeof system_authorities / sizeof *system_authorities && n <= 0; i++) {
		buf_clear(error, BUF_UNLIMITED);
		n = certificates_load(&t->authorities, system_authorities[i], true, error);
	}
	buf_clear(error, BUF_UNLIMITED);
	if (n <= 0)
		buf_printf(error,
			"the system has no certificates of authorities: install the package ca-certificates, "
			"or set \"ca_file\"");
	return n > 0 ? 0 : -1;
}

static int
configure(struct tls_trust *t, mbedtls_ssl_config *config, bool verify)
{
	if (mbedtls_ssl_config_defaults(
		    config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		return -1;
	tls_settings_apply(config);
	mbedtls_ssl_conf_ciphersuites(config, ciphers);
	mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &t->drbg);
	mbedtls_ssl_conf_ca_chain(config, &t->authorities, NULL);
	mbedtls_ssl_conf_authmode(config, verify ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
	return 0;
}

static void
trust_free(struct tls_trust *t)
{
	mbedtls_ssl_config_free(&t->direct);
	mbedtls_ssl_config_free(&t->starttls);
	mbedtls_x509_crt_free(&t->authorities);
	resumption_free(t->resumption);
	mbedtls_ctr_drbg_free(&t->drbg);
	mbedtls_entropy_free(&t->entropy);
	free(t);
}

struct tls_trust *
tls_trust_new(const char *ca_file, struct slice text, bool verify, struct buf *error)
{
	static const char *protocols[] = {"xmpp-client", NULL};
	static const unsigned char personal[] = "culvert tls";
	struct tls_trust *t = xcalloc(1, sizeof *t);

	atomic_init(&t->refs, 1);
	t->resumption = resumption_new(SERVERS);
	mbedtls_entropy_init(&t->entropy);
	mbedtls_ctr_drbg_init(&t->drbg);
	mbedtls_x509_crt_init(&t->authorities);
	mbedtls_ssl_config_init(&t->starttls);
	mbedtls_ssl_config_init(&t->direct);
	if (mbedtls_ctr_drbg_seed(&t->drbg, mbedtls_entropy_func, &t->entropy, personal, sizeof personal - 1) != 0 ||
		configure(t, &t->starttls, verify) != 0 || configure(t, &t->direct, verify) != 0 ||
		mbedtls_ssl_conf_alpn_protocols(&t->direct, protocols) != 0) {
		buf_append_str(error, "TLS cannot be set up: no entropy or no memory");
		trust_free(t);
		return NULL;
	}
	if (verify && load_authorities(t, ca_file, text, error) != 0) {
		trust_free(t);
		return NULL;
	}
	return t;
}

void
tls_trust_unref(struct tls_trust *t)
{
	if (t != NULL && atomic_fetch_sub(&t->refs, 1) == 1)
		trust_free(t);
}

static int
bio_send(void *arg, const unsigned char *bytes, size_t n)
{
	const struct tls *t = arg;
	ssize_t sent = send(t->fd, bytes, n, MSG_NOSIGNAL);

	if (sent >= 0)
		return (int) sent;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int
bio_recv(void *arg, unsigned char *bytes, size_t n)
{
	const struct tls *t = arg;
	ssize_t got = recv(t->fd, bytes, n, 0);

	if (got >= 0)
		return (int) got;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/*
 * RFC 6125: the library looks at DNS names, and at less of RFC 6120, 13.7; its
 * word on the name is replaced by ours.  The server's own certificate is the
 * one at depth 0.
 */
static void
judge_names(struct tls *t, const mbedtls_x509_crt *certificate, uint32_t *flags)
{
	static const struct hooks hooks = {.to_ascii = idn_to_ascii};
	size_t n;
	struct identity *names = certificates_names(certificate, &n);

	if (identity_is_among(names, n, slice_str(t->name), &hooks)) {
		*flags &= ~(uint32_t) MBEDTLS_X509_BADCERT_CN_MISMATCH;
	} else {
		*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
		buf_clear(&t->found, FOUND);
		identity_describe(names, n, &t->found);
	}
	free(names);
}

static int
on_certificate(void *arg, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct tls *t = arg;

	if (depth != 0)
		return 0;
	judge_names(t, certificate, flags);
	if (t->certificate != NULL) {
		buf_clear(t->certificate, BUF_UNLIMITED);
		certificates_describe(certificate, t->certificate);
	}
	return 0;
}

/* The same name at the same address, by the same kind of TLS. */
static void
name_server(struct tls *t, bool is_direct)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t n = sizeof address;

	if (getpeername(t->fd, (struct sockaddr *) &address, &n) != 0)
		n = 0;
	buf_append(&t->key, slice_of(t->name, strlen(t->name) + 1));
	buf_append_char(&t->key, is_direct ? 'd' : 's');
	buf_append(&t->key, slice_of((const char *) &address, n < sizeof address ? n : sizeof address));
}

static struct tls *
set_up(struct tls *t, int fd, const mbedtls_ssl_config *config, const char *name)
{
	t->fd = fd;
	mbedtls_ssl_init(&t->ssl);
	if (mbedtls_ssl_setup(&t->ssl, config) != 0 || (name != NULL && mbedtls_ssl_set_hostname(&t->ssl, name) != 0)) {
		tls_free(t);
		return NULL;
	}
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return t;
}

struct tls *
tls_client_new(struct tls_trust *trust, int fd, const char *name, bool is_direct)
{
	struct tls *t = xcalloc(1, sizeof *t);

	atomic_fetch_add(&trust->refs, 1);
	t->trust = trust;
	t->name = xstrdup(name);
	buf_init(&t->found, FOUND);
	buf_init(&t->key, BUF_UNLIMITED);
	t->fd = fd;
	name_server(t, is_direct);
	t = set_up(t, fd, is_direct ? &trust->direct : &trust->starttls, name);
	if (t == NULL)
		return NULL;
	mbedtls_ssl_set_verify(&t->ssl, on_certificate, t);
	resumption_offer(trust->resumption, &t->ssl, buf_slice(&t->key));
	return t;
}

struct tls *
tls_server_new(struct tls_service *service, int fd)
{
	struct tls *t = xcalloc(1, sizeof *t);

	t->service = tls_service_ref(service);
	buf_init(&t->found, FOUND);
	buf_init(&t->key, BUF_UNLIMITED);
	return set_up(t, fd, tls_service_config(service), NULL);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	mbedtls_ssl_free(&t->ssl);
	tls_trust_unref(t->trust);
	tls_service_unref(t->service);
	if (t->certificate != NULL)
		buf_fini(t->certificate);
	free(t->certificate);
	free(t->name);
	buf_fini(&t->found);
	buf_fini(&t->key);
	free(t);
}

void
tls_keep_certificate(struct tls *t)
{
	t->certificate = xcalloc(1, sizeof *t->certificate);
	buf_init(t->certificate, BUF_UNLIMITED);
}

void
tls_describe(const struct tls *t, struct buf *out)
{
	const char *cipher = mbedtls_ssl_get_ciphersuite(&t->ssl);

	buf_printf(out, "%s, %s", mbedtls_ssl_get_version(&t->ssl), cipher != NULL ? cipher : "?");
}

/* Where nobody checks it, the library only keeps it. */
struct slice
tls_certificate(const struct tls *t)
{
	const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&t->ssl);

	if (t->certificate == NULL)
		return SLICE("");
	if (t->certificate->n == 0 && certificate != NULL)
		certificates_describe(certificate, t->certificate);
	return buf_slice(t->certificate);
}

/* What is wrong with the server's certificate, in one line. */
static void
describe_certificate(struct tls *t, uint32_t flags, char reason[TLS_REASON])
{
	static const struct {
		uint32_t flag;
		const char *text;
	} known[] = {
		{MBEDTLS_X509_BADCERT_EXPIRED, "it has expired"},
		{MBEDTLS_X509_BADCERT_FUTURE, "it is not valid yet"},
		{MBEDTLS_X509_BADCERT_NOT_TRUSTED, "its issuer is not known (set \"ca_file\" if it is your own)"},
		{MBEDTLS_X509_BADCERT_REVOKED, "it is revoked"},
		{MBEDTLS_X509_BADCERT_MISSING, "there is none"},
		{MBEDTLS_X509_BADCERT_BAD_MD, "its signature algorithm is too weak"},
		{MBEDTLS_X509_BADCERT_BAD_KEY, "its key is too weak"},
	};
	const char *separator = " ";
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "the server's certificate is refused:");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if ((flags & known[i].flag) == 0)
			continue;
		buf_printf(&out, "%s%s", separator, known[i].text);
		separator = ", ";
		flags &= ~known[i].flag;
	}
	if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
		buf_printf(&out, "%sit is for another name (expected %.100s, found %s)", separator, t->name,
			buf_cstr(&t->found));
		separator = ", ";
		flags &= ~(uint32_t) MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	if (flags != 0)
		buf_printf(&out, "%sflags 0x%x", separator, (unsigned) flags);
	snprintf(reason, TLS_REASON, "%s", buf_cstr(&out));
	buf_fini(&out);
}

/* What clients do most often, for who looks after a listener. */
static const char *
client_fault(int status)
{
	switch (status) {
	case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
		return "the client speaks only versions before TLS 1.2";
	case MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN:
		return "the client offers no cipher with ECDHE and AEAD, or none for the kind of our key";
#ifdef MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO
	case MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO:
		return "no sound ClientHello, or only protocols that are not spoken here (ALPN)";
#endif
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		return "the client gave up; does it trust the issuer of the certificate?";
	default:
		return NULL;
	}
}

static void
describe_failure(const struct tls *t, int status, char *why, size_t room)
{
	const char *known = t->service != NULL ? client_fault(status) : NULL;

	mbedtls_strerror(status, why, room);
	if (status == MBEDTLS_ERR_SSL_CONN_EOF)
		snprintf(why, room, "the %s closed the connection", t->service != NULL ? "client" : "server");
	else if (status == MBEDTLS_ERR_SSL_INTERNAL_ERROR) /* bio_recv, bio_send */
		snprintf(why, room, "the connection broke");
	else if (known != NULL)
		snprintf(why, room, "%s", known);
}

enum tls_result
tls_handshake(struct tls *t, char reason[TLS_REASON])
{
	int status = mbedtls_ssl_handshake(&t->ssl);
	uint32_t flags;
	char why[128];

	if (status == 0) {
		if (t->trust != NULL)
			resumption_keep(t->trust->resumption, &t->ssl, buf_slice(&t->key));
		buf_fini(&t->key); /* most connections live on for long */
		return TLS_DONE;
	}
	if (status == MBEDTLS_ERR_SSL_WANT_READ)
		return TLS_WANT_READ;
	if (status == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANT_WRITE;
	if (t->trust != NULL)
		resumption_forget(t->trust->resumption, buf_slice(&t->key));
	flags = mbedtls_ssl_get_verify_result(&t->ssl);
	if (status == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags != 0 && flags != (uint32_t) -1) {
		describe_certificate(t, flags, reason);
		return TLS_FAILED;
	}
	describe_failure(t, status, why, sizeof why);
	snprintf(reason, TLS_REASON, "TLS handshake failed: %s", why);
	return TLS_FAILED;
}

enum tls_result
tls_read(struct tls *t, char *bytes, size_t room, size_t *n)
{
	int status = mbedtls_ssl_read(&t->ssl, (unsigned char *) bytes, room);

	*n = 0;
	if (status > 0) {
		*n = (size_t) status;
		return TLS_DONE;
	}
	if (status == 0 || status == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || status == MBEDTLS_ERR_SSL_CONN_EOF)
		return TLS_CLOSED;
	if (status == MBEDTLS_ERR_SSL_WANT_READ)
		return TLS_WANT_READ;
	if (status == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WANT_WRITE;
	return TLS_FAILED;
}

/* Elements are small: several go into one record. */
static size_t
gather(char scratch[TLS_RECORD], const struct iovec *v, int n_vectors)
{
	size_t n = 0;

	for (int i = 0; i < n_vectors && n < TLS_RECORD; i++) {
		size_t some = v[i].iov_len < TLS_RECORD - n ? v[i].iov_len : TLS_RECORD - n;
		memcpy(scratch + n, v[i].iov_base, some);
		n += some;
	}
	return n;
}

/*
 * The library has encrypted a record once it asks for more room, and wants
 * the same call again only to send it: its bytes are taken.
 */
static enum tls_result
write_record(struct tls *t, const char *bytes, size_t want, size_t *n)
{
	int status = mbedtls_ssl_write(&t->ssl, (const unsigned char *) bytes, want);

	*n = 0;
	if (status > 0) {
		*n = (size_t) status;
		t->unflushed = 0;
		return TLS_DONE;
	}
	if (status == MBEDTLS_ERR_SSL_WANT_WRITE || status == MBEDTLS_ERR_SSL_WANT_READ) {
		*n = want;
		t->unflushed = want;
		return TLS_WANT_WRITE;
	}
	return TLS_FAILED;
}

enum tls_result
tls_write(struct tls *t, char scratch[TLS_RECORD], const struct iovec *v, int n_vectors, size_t *n)
{
	enum tls_result result;
	size_t want, sent;

	*n = 0;
	if (t->unflushed > 0) {
		result = write_record(t, scratch, t->unflushed, &sent);
		if (result != TLS_DONE)
			return result;
	}
	want = gather(scratch, v, n_vectors);
	return want > 0 ? write_record(t, scratch, want, n) : TLS_DONE;
}

bool
tls_has_pending(const struct tls *t)
{
	return mbedtls_ssl_check_pending(&t->ssl) != 0;
}

void
tls_goodbye(struct tls *t)
{
	if (t->has_said_goodbye || t->unflushed > 0)
		return;
	t->has_said_goodbye = true;
	(void) mbedtls_ssl_close_notify(&t->ssl);
}
