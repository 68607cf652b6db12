#include "proto/net/race.h"

void
race_init(struct race *r, size_t n_servers, ms_t timeout, ms_t now)
{
	*r = (struct race){.n_servers = n_servers, .give_up_at = timeout > 0 ? now + timeout : MS_NEVER};
}

/* For one of so many of the server at hand; those behind it get theirs. */
static ms_t
share(const struct race *r, size_t at_hand, ms_t now)
{
	size_t left = at_hand + (r->n_servers - r->servers);

	if (r->give_up_at == MS_NEVER)
		return MS_NEVER;
	return ms_min(r->give_up_at, now + ms_max((r->give_up_at - now) / (ms_t) left, RACE_MIN_ATTEMPT));
}

struct race_attempt
race_next(struct race *r, ms_t now)
{
	struct race_attempt a = {.step = RACE_LOST, .until = MS_NEVER};

	if (r->addresses < r->n_addresses) {
		a.step = RACE_CONNECT;
		a.until = share(r, r->n_addresses - r->addresses, now);
		a.address = r->addresses++;
	} else if (r->servers < r->n_servers) {
		a.step = RACE_RESOLVE;
		r->servers++;
		r->n_addresses = r->addresses = 0;
		a.until = share(r, 1, now);
	}
	a.server = r->servers > 0 ? r->servers - 1 : 0;
	return a;
}

void
race_resolved(struct race *r, size_t n)
{
	r->n_addresses = n;
	r->addresses = 0;
}

void
race_add_time(struct race *r, ms_t more)
{
	if (r->give_up_at != MS_NEVER)
		r->give_up_at += more;
}

bool
race_is_over(const struct race *r, ms_t now)
{
	return now >= r->give_up_at;
}
