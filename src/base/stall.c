#include "base/stall.h"

/* Any timer is a bit late; who is as late as that was not running. */
#define LATE_MS 20
/* The others have got their turn by then. */
#define MAX_WAIT_MS 2000

bool
stall_is_over(struct stall *s, ms_t first, ms_t now, ms_t *until)
{
	ms_t looked_at = s->looked_at;

	s->looked_at = now;
	if (first > looked_at) {
		s->wait_until = 0;
		return false;
	}
	if (s->wait_until == 0 && now - first >= LATE_MS)
		s->wait_until = now + ms_min(now - first, MAX_WAIT_MS);
	if (looked_at < s->wait_until)
		return false;
	s->wait_until = 0;
	*until = looked_at;
	return true;
}

ms_t
stall_wake(const struct stall *s, ms_t first)
{
	return ms_max(first, s->wait_until);
}
