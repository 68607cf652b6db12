/*
 * sha1.h: SHA-1 (FIPS 180-4) for tests, so that they need no library: short
 * texts only.  The daemon has its own, by mbedTLS.
 */
#ifndef CULVERT_TESTS_SHA1_H
#define CULVERT_TESTS_SHA1_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hooks.h"

static inline uint32_t
sha1_roll(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline void
sha1_block(uint32_t h[5], const unsigned char *block)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (unsigned t = 0; t < 80; t++) {
		uint32_t f, k, next;
		w[t] = t >= 16 ? sha1_roll(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1)
			       : (uint32_t) block[4 * t] << 24 | (uint32_t) block[4 * t + 1] << 16 |
				(uint32_t) block[4 * t + 2] << 8 | block[4 * t + 3];
		if (t < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (t < 40)
			f = b ^ c ^ d, k = 0x6ed9eba1;
		else if (t < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		else
			f = b ^ c ^ d, k = 0xca62c1d6;
		next = sha1_roll(a, 5) + f + e + k + w[t];
		e = d, d = c, c = sha1_roll(b, 30), b = a, a = next;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* As a hook: arg is not looked at. */
static inline void
sha1_hash(void *arg, struct slice text, uint8_t hash[HOOKS_SHA1])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	unsigned char block[64] = {0};
	size_t left = text.n;

	(void) arg;
	for (; left >= sizeof block; left -= sizeof block)
		sha1_block(h, (const unsigned char *) text.p + (text.n - left));
	if (left > 0)
		memcpy(block, text.p + (text.n - left), left);
	block[left] = 0x80;
	if (left >= 56) {
		sha1_block(h, block);
		memset(block, 0, sizeof block);
	}
	for (unsigned i = 0; i < 8; i++)
		block[63 - i] = (unsigned char) ((uint64_t) text.n * 8 >> 8 * i);
	sha1_block(h, block);
	for (unsigned i = 0; i < HOOKS_SHA1; i++)
		hash[i] = (uint8_t) (h[i / 4] >> (24 - 8 * (i % 4)));
}

#define SHA1_HEX (2 * HOOKS_SHA1 + 1)

/* The n-th of a client's keys (XEP-0124, 15.3): K(1) = hex(SHA-1(seed)), K(2) = hex(SHA-1(K(1))) ... */
static inline void
sha1_key(const char *seed, unsigned n, char key[SHA1_HEX])
{
	uint8_t hash[HOOKS_SHA1];
	struct slice text = {seed, strlen(seed)};

	assert(n > 0);
	while (n-- > 0) {
		sha1_hash(NULL, text, hash);
		for (unsigned i = 0; i < HOOKS_SHA1; i++)
			snprintf(key + 2 * i, 3, "%02x", hash[i]);
		text = (struct slice){key, SHA1_HEX - 1};
	}
}

#endif
