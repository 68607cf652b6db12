#include "proto/net/ticket_keys.h"

#define VERSION 1

bool
ticket_keys_are_due(const struct ticket_keys *k, int64_t now)
{
	const struct ticket_key *newest = &k->key[0];

	return newest->made_at == 0 || now < newest->made_at || now - newest->made_at >= TICKET_KEYS_PERIOD;
}

void
ticket_keys_rotate(struct ticket_keys *k, const unsigned char random[TICKET_KEY_NAME + TICKET_KEY_BYTES], int64_t now)
{
	memmove(&k->key[1], &k->key[0], (TICKET_KEYS - 1) * sizeof *k->key);
	memcpy(k->key[0].name, random, TICKET_KEY_NAME);
	memcpy(k->key[0].bytes, random + TICKET_KEY_NAME, TICKET_KEY_BYTES);
	k->key[0].made_at = now;
}

const struct ticket_key *
ticket_keys_find(const struct ticket_keys *k, const unsigned char name[TICKET_KEY_NAME], int64_t now)
{
	for (size_t i = 0; i < TICKET_KEYS; i++) {
		const struct ticket_key *key = &k->key[i];
		if (key->made_at != 0 && now - key->made_at < TICKET_KEYS_PERIOD + TICKET_LIFETIME &&
			memcmp(key->name, name, TICKET_KEY_NAME) == 0)
			return key;
	}
	return NULL;
}

void
ticket_keys_write(const struct ticket_keys *k, unsigned char out[TICKET_KEYS_ENCODED])
{
	*out++ = VERSION;
	for (size_t i = 0; i < TICKET_KEYS; i++) {
		for (int shift = 56; shift >= 0; shift -= 8)
			*out++ = (unsigned char) ((uint64_t) k->key[i].made_at >> shift);
		memcpy(out, k->key[i].name, TICKET_KEY_NAME);
		memcpy(out + TICKET_KEY_NAME, k->key[i].bytes, TICKET_KEY_BYTES);
		out += TICKET_KEY_NAME + TICKET_KEY_BYTES;
	}
}

bool
ticket_keys_read(struct ticket_keys *k, struct slice bytes)
{
	const unsigned char *p = (const unsigned char *) bytes.p;

	if (bytes.n != TICKET_KEYS_ENCODED || *p++ != VERSION)
		return false;
	for (size_t i = 0; i < TICKET_KEYS; i++) {
		uint64_t made_at = 0;
		for (int n = 0; n < 8; n++)
			made_at = made_at << 8 | *p++;
		k->key[i].made_at = (int64_t) made_at;
		memcpy(k->key[i].name, p, TICKET_KEY_NAME);
		memcpy(k->key[i].bytes, p + TICKET_KEY_NAME, TICKET_KEY_BYTES);
		p += TICKET_KEY_NAME + TICKET_KEY_BYTES;
	}
	return true;
}
