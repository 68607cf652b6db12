#include "session/sid.h"

#include <stdio.h>

#define SID_RANDOM 16

void
sid_make(char out[SID_MAX], const struct sid_prefix *prefix, unsigned worker, const struct hooks *hooks)
{
	unsigned char bytes[SID_RANDOM];
	int n = snprintf(out, SID_MAX, "%.16s.%x.%u.", prefix->node, (unsigned) prefix->generation, worker);

	hooks->random(hooks->arg, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		n += snprintf(out + n, (size_t) (SID_MAX - n), "%02x", bytes[i]);
}

bool
sid_worker(struct slice sid, const struct sid_prefix *prefix, unsigned *worker)
{
	char text[SID_MAX];
	int n = snprintf(text, sizeof text, "%.16s.%x.", prefix->node, (unsigned) prefix->generation);
	struct slice rest;
	const char *dot;
	uint64_t number;

	if (!slice_has_prefix(sid, slice_of(text, (size_t) n)))
		return false;
	rest = slice_of(sid.p + n, sid.n - (size_t) n);
	dot = rest.n > 0 ? memchr(rest.p, '.', rest.n) : NULL;
	if (dot == NULL || !slice_number(slice_of(rest.p, (size_t) (dot - rest.p)), UINT16_MAX, &number))
		return false;
	*worker = (unsigned) number;
	return true;
}
