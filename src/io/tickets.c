#include "io/tickets.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/gcm.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fatal.h"
#include "base/wipe.h"
#include "proto/net/ticket_keys.h"

#define NONCE 12
#define TAG 16
#define OVERHEAD (TICKET_KEY_NAME + NONCE + TAG)

/*
 *      name of the key (16)  nonce (12)  session, encrypted by AES-256-GCM  tag (16)
 *                                        the name is authenticated, too
 */
struct tickets {
	pthread_mutex_t mutex;
	struct ticket_keys keys;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
};

struct tickets *
tickets_new(void)
{
	static const unsigned char personal[] = "culvert tickets";
	struct tickets *t = xcalloc(1, sizeof *t);

	must(pthread_mutex_init(&t->mutex, NULL) == 0);
	mbedtls_entropy_init(&t->entropy);
	mbedtls_ctr_drbg_init(&t->drbg);
	if (mbedtls_ctr_drbg_seed(&t->drbg, mbedtls_entropy_func, &t->entropy, personal, sizeof personal - 1) == 0)
		return t;
	tickets_free(t);
	return NULL;
}

void
tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	mbedtls_ctr_drbg_free(&t->drbg);
	mbedtls_entropy_free(&t->entropy);
	pthread_mutex_destroy(&t->mutex);
	wipe(&t->keys, sizeof t->keys);
	free(t);
}

/* The key for a new ticket, and a nonce.  0 or what the library failed with. */
static int
take_key(struct tickets *t, struct ticket_key *key, unsigned char nonce[NONCE])
{
	unsigned char random[TICKET_KEY_NAME + TICKET_KEY_BYTES];
	int64_t now = (int64_t) time(NULL);
	int status = 0;

	pthread_mutex_lock(&t->mutex);
	if (ticket_keys_are_due(&t->keys, now)) {
		status = mbedtls_ctr_drbg_random(&t->drbg, random, sizeof random);
		if (status == 0)
			ticket_keys_rotate(&t->keys, random, now);
		wipe(random, sizeof random);
	}
	if (status == 0)
		status = mbedtls_ctr_drbg_random(&t->drbg, nonce, NONCE);
	*key = t->keys.key[0];
	pthread_mutex_unlock(&t->mutex);
	return status;
}

static bool
find_key(struct tickets *t, struct ticket_key *key, const unsigned char *name)
{
	const struct ticket_key *found;

	pthread_mutex_lock(&t->mutex);
	found = ticket_keys_find(&t->keys, name, (int64_t) time(NULL));
	if (found != NULL)
		*key = *found;
	pthread_mutex_unlock(&t->mutex);
	return found != NULL;
}

static int
lock_up(const struct ticket_key *key, unsigned char *ticket, size_t n)
{
	unsigned char *nonce = ticket + TICKET_KEY_NAME, *text = nonce + NONCE;
	mbedtls_gcm_context gcm;
	int status;

	mbedtls_gcm_init(&gcm);
	memcpy(ticket, key->name, TICKET_KEY_NAME);
	status = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key->bytes, TICKET_KEY_BYTES * 8);
	if (status == 0)
		status = mbedtls_gcm_crypt_and_tag(
			&gcm, MBEDTLS_GCM_ENCRYPT, n, nonce, NONCE, ticket, TICKET_KEY_NAME, text, text, TAG, text + n);
	mbedtls_gcm_free(&gcm);
	return status;
}

int
tickets_write(void *arg, const struct mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
	size_t *n, uint32_t *lifetime)
{
	struct tickets *t = arg;
	size_t room = (size_t) (end - start), text = 0;
	struct ticket_key key;
	int status;

	if (room < OVERHEAD)
		return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
	status = mbedtls_ssl_session_save(session, start + TICKET_KEY_NAME + NONCE, room - OVERHEAD, &text);
	if (status != 0)
		return status;
	status = take_key(t, &key, start + TICKET_KEY_NAME);
	if (status == 0)
		status = lock_up(&key, start, text);
	wipe(&key, sizeof key);
	*n = text + OVERHEAD;
	*lifetime = TICKET_LIFETIME;
	return status;
}

int
tickets_parse(void *arg, struct mbedtls_ssl_session *session, unsigned char *ticket, size_t n)
{
	struct tickets *t = arg;
	unsigned char *nonce = ticket + TICKET_KEY_NAME, *text = nonce + NONCE;
	mbedtls_gcm_context gcm;
	struct ticket_key key;
	int status;

	if (n < OVERHEAD)
		return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
	if (!find_key(t, &key, ticket))
		return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
	mbedtls_gcm_init(&gcm);
	status = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key.bytes, TICKET_KEY_BYTES * 8);
	if (status == 0)
		status = mbedtls_gcm_auth_decrypt(&gcm, n - OVERHEAD, nonce, NONCE, ticket, TICKET_KEY_NAME,
			text + n - OVERHEAD, TAG, text, text);
	mbedtls_gcm_free(&gcm);
	wipe(&key, sizeof key);
	if (status != 0)
		return MBEDTLS_ERR_SSL_INVALID_MAC;
	return mbedtls_ssl_session_load(session, text, n - OVERHEAD);
}
