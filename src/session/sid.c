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
	struct slice number, random;
	uint64_t value;

	if (!slice_has_prefix(sid, slice_of(text, (size_t) n)))
		return false;
	sid = slice_of(sid.p + n, sid.n - (size_t) n);
	if (!slice_cut(sid, '.', &number, &random) || !slice_number(number, UINT16_MAX, &value))
		return false;
	*worker = (unsigned) value;
	return true;
}
