#include "base/rate.h"

#define WINDOW 10000
#define SECOND 1000

void
rate_begin(struct rate *r, uint64_t bytes, ms_t now)
{
	*r = (struct rate){.bytes = bytes, .seen = bytes, .since = now, .moved_at = now};
}

bool
rate_is_low(struct rate *r, uint64_t bytes, size_t least, ms_t now)
{
	bool is_low;

	if (bytes == r->seen && now - r->moved_at >= RATE_SILENCE)
		return true;
	if (bytes != r->seen)
		r->moved_at = now;
	r->seen = bytes;
	if (bytes == r->bytes)
		r->since = now;
	if (now - r->since < WINDOW)
		return false;
	is_low = (bytes - r->bytes) * SECOND < (uint64_t) least * (uint64_t) (now - r->since);
	r->bytes = bytes;
	r->since = now;
	return is_low;
}
