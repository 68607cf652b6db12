/* hooks.h: what the core needs from libraries it must not know.  The daemon fills it once; tests give their own. */
#ifndef CULVERT_BASE_HOOKS_H
#define CULVERT_BASE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define HOOKS_SHA1 20 /* bytes of a hash */

struct hooks {
	void *arg;
	/* Fills n bytes that nobody can guess. */
	void (*random)(void *arg, void *bytes, size_t n);
	/*
	 * Writes the A-label form of a domain, lower case, with a NUL, to out
	 * (room bytes).  False when the domain is not a valid one or too long.
	 */
	bool (*to_ascii)(void *arg, struct slice domain, char *out, size_t room);
	/* True when the text is the base64 form of exactly n bytes. */
	bool (*is_base64)(void *arg, struct slice text, size_t n);
	/* Decodes base64 into out.  Returns how many bytes that are; 0 when it is none, or there is no room for it. */
	size_t (*from_base64)(void *arg, struct slice text, char *out, size_t room);
	/* The SHA-1 hash of the text. */
	void (*sha1)(void *arg, struct slice text, uint8_t hash[HOOKS_SHA1]);
};

#endif
