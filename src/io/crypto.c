#include "io/crypto.h"

#include <mbedtls/base64.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha1.h>
#include <mbedtls/version.h>
#include <stdlib.h>

#include "base/fatal.h"

struct crypto {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
};

struct crypto *
crypto_new(void)
{
	static const unsigned char personal[] = "culvert";
	struct crypto *c = xcalloc(1, sizeof *c);

	mbedtls_entropy_init(&c->entropy);
	mbedtls_ctr_drbg_init(&c->drbg);
	if (mbedtls_ctr_drbg_seed(&c->drbg, mbedtls_entropy_func, &c->entropy, personal, sizeof personal - 1) != 0) {
		crypto_free(c);
		return NULL;
	}
	return c;
}

void
crypto_free(struct crypto *c)
{
	if (c == NULL)
		return;
	mbedtls_ctr_drbg_free(&c->drbg);
	mbedtls_entropy_free(&c->entropy);
	free(c);
}

void
crypto_random(struct crypto *c, void *bytes, size_t n)
{
	unsigned char *out = bytes;

	while (n > 0) {
		size_t some = n < MBEDTLS_CTR_DRBG_MAX_REQUEST ? n : MBEDTLS_CTR_DRBG_MAX_REQUEST;
		/* A predictable session id would be worse than no daemon. */
		must(mbedtls_ctr_drbg_random(&c->drbg, out, some) == 0);
		out += some;
		n -= some;
	}
}

bool
crypto_is_base64(struct slice text, size_t n)
{
	unsigned char out[64];
	size_t length = 0;

	return n <= sizeof out && text.n == (n + 2) / 3 * 4 &&
		mbedtls_base64_decode(out, sizeof out, &length, (const unsigned char *) text.p, text.n) == 0 &&
		length == n;
}

size_t
crypto_from_base64(struct slice text, char *out, size_t room)
{
	size_t length = 0;

	if (mbedtls_base64_decode((unsigned char *) out, room, &length, (const unsigned char *) text.p, text.n) != 0)
		return 0;
	return length;
}

void
crypto_sha1(struct slice text, uint8_t hash[HOOKS_SHA1])
{
	must(mbedtls_sha1_ret((const unsigned char *) text.p, text.n, hash) == 0);
}

void
crypto_versions(struct library *l)
{
	char runs[16];

	mbedtls_version_get_string(runs);
	library_set(l, "mbedTLS", MBEDTLS_VERSION_STRING, runs);
}
