#include "proto/net/race.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

enum candidate_state {
	CANDIDATE_WAITING,
	CANDIDATE_RUNNING,
	CANDIDATE_LEADING,
};

/* A server whose name is to be resolved, or one of its addresses. */
struct race_candidate {
	enum candidate_state state;
	bool is_name, is_late;
	unsigned rank;
	size_t server, address;
	ms_t until; /* RUNNING, LEADING */
};

void
race_init(struct race *r, ms_t timeout, ms_t now)
{
	*r = (struct race){.give_up_at = timeout > 0 ? now + timeout : MS_NEVER, .last_at = MS_NEVER};
}

void
race_fini(struct race *r)
{
	free(r->candidate);
	r->candidate = NULL;
	r->n = 0;
}

/* Behind all others that come first: in time, by server. */
static void
insert(struct race *r, struct race_candidate c)
{
	size_t at = r->n;

	while (at > 0 &&
		(r->candidate[at - 1].is_late > c.is_late ||
			(r->candidate[at - 1].is_late == c.is_late && r->candidate[at - 1].server > c.server)))
		at--;
	r->candidate = xrealloc(r->candidate, (r->n + 1) * sizeof c);
	memmove(&r->candidate[at + 1], &r->candidate[at], (r->n - at) * sizeof c);
	r->candidate[at] = c;
	r->n++;
}

static void
leave(struct race *r, struct race_candidate *c)
{
	size_t at = (size_t) (c - r->candidate);

	if (c->state == CANDIDATE_RUNNING)
		r->running--;
	if (c->state == CANDIDATE_LEADING)
		r->is_led = false;
	memmove(c, c + 1, (r->n - at - 1) * sizeof *c);
	r->n--;
}

static struct race_candidate *
find(struct race *r, bool is_name, size_t server, size_t address)
{
	for (size_t i = 0; i < r->n; i++) {
		struct race_candidate *c = &r->candidate[i];
		if (c->is_name == is_name && c->server == server && (is_name || c->address == address))
			return c;
	}
	return NULL;
}

void
race_add_server(struct race *r, unsigned rank, bool is_late)
{
	insert(r,
		(struct race_candidate){
			.is_name = true, .is_late = is_late, .rank = rank, .server = r->n_servers, .until = MS_NEVER});
	r->n_servers++;
}

static struct race_candidate *
first_waiting(const struct race *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->candidate[i].state == CANDIDATE_WAITING)
			return &r->candidate[i];
	return NULL;
}

static size_t
count_waiting(const struct race *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->candidate[i].state == CANDIDATE_WAITING;
	return n;
}

/* The end of a share of the time, of which there are so many. */
static ms_t
share(const struct race *r, size_t shares, ms_t now)
{
	if (r->give_up_at == MS_NEVER)
		return MS_NEVER;
	return ms_min(r->give_up_at, now + ms_max((r->give_up_at - now) / (ms_t) shares, RACE_MIN_ATTEMPT));
}

/* When the candidate that begins now has had its time: not before the end, unless others wait for its place. */
static ms_t
end_of(const struct race *r, const struct race_candidate *c, ms_t now)
{
	size_t behind = count_waiting(r) - 1, places = RACE_PARALLEL - r->running - 1;

	if (behind <= places)
		return r->give_up_at;
	if (c->is_name)
		return share(r, 2, now);
	return ms_min(r->give_up_at, now + RACE_CROWDED);
}

/* When the first of those under way has had its time. */
static ms_t
first_end(const struct race *r)
{
	ms_t first = r->give_up_at;

	for (size_t i = 0; i < r->n; i++)
		if (r->candidate[i].state != CANDIDATE_WAITING)
			first = ms_min(first, r->candidate[i].until);
	return first;
}

/* When the candidate may begin. */
static ms_t
turn_of(const struct race *r, const struct race_candidate *c)
{
	if (r->running == 0 || r->last_at == MS_NEVER)
		return 0;
	if (r->running >= RACE_PARALLEL)
		return MS_NEVER;
	return r->last_at + (c->rank > r->last_rank ? RACE_RANK_DELAY : RACE_DELAY);
}

struct race_step
race_next(struct race *r, ms_t now)
{
	struct race_candidate *c = r->is_led ? NULL : first_waiting(r);
	ms_t turn = c != NULL ? turn_of(r, c) : MS_NEVER;

	if (c == NULL && !r->is_led && r->running == 0)
		return (struct race_step){.kind = RACE_LOST, .until = MS_NEVER};
	if (turn > now)
		return (struct race_step){.kind = RACE_WAIT, .until = ms_min(turn, first_end(r))};
	c->until = end_of(r, c, now);
	r->running++;
	r->last_at = now;
	r->last_rank = c->rank;
	r->last_name = c->is_name ? c->server : r->n_servers;
	c->state = CANDIDATE_RUNNING;
	return (struct race_step){.kind = c->is_name ? RACE_RESOLVE : RACE_CONNECT,
		.server = c->server,
		.address = c->address,
		.until = c->until};
}

/* Is somebody being connected to? */
static bool
is_connecting(const struct race *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->candidate[i].state == CANDIDATE_RUNNING && !r->candidate[i].is_name)
			return true;
	return false;
}

/* IPv6 and IPv4 in turn, as long as there are both (RFC 8305, 4): the next that was not taken. */
static size_t
next_of_family(const struct race_address *address, size_t n, bool is_ip6, size_t from)
{
	while (from < n && address[from].is_ip6 != is_ip6)
		from++;
	return from;
}

void
race_resolved(struct race *r, size_t server, const struct race_address *address, size_t n)
{
	struct race_candidate *name = find(r, true, server, 0), c;
	size_t next[2] = {next_of_family(address, n, false, 0), next_of_family(address, n, true, 0)};
	bool is_ip6 = next[true] < n, is_late;

	if (name == NULL)
		return;
	c = *name;
	is_late = c.is_late;
	leave(r, name);
	/* The turn of a name is its first address's. */
	if (n == 0 || r->last_name == server || !is_connecting(r))
		r->last_at = MS_NEVER;
	c.is_name = false;
	c.state = CANDIDATE_WAITING;
	for (size_t i = 0; i < n; i++) {
		if (next[is_ip6] >= n)
			is_ip6 = !is_ip6;
		c.address = next[is_ip6];
		c.is_late = is_late || address[c.address].is_late;
		insert(r, c);
		next[is_ip6] = next_of_family(address, n, is_ip6, c.address + 1);
		is_ip6 = !is_ip6;
	}
}

void
race_failed(struct race *r, size_t server, size_t address)
{
	struct race_candidate *c = find(r, false, server, address);

	if (c == NULL)
		return;
	leave(r, c);
	r->last_at = MS_NEVER;
}

/* Names go on being resolved: what comes of it is kept. */
static void
put_back(struct race *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->candidate[i].state != CANDIDATE_RUNNING || r->candidate[i].is_name)
			continue;
		r->candidate[i].state = CANDIDATE_WAITING;
		r->running--;
	}
}

ms_t
race_lead(struct race *r, size_t server, size_t address, ms_t now)
{
	struct race_candidate *c = find(r, false, server, address);

	must(c != NULL);
	if (c->state == CANDIDATE_RUNNING)
		r->running--;
	c->state = CANDIDATE_LEADING;
	r->is_led = true;
	put_back(r);
	c->until = share(r, 1 + count_waiting(r), now);
	return c->until;
}

bool
race_expired(const struct race *r, ms_t now, struct race_step *step)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct race_candidate *c = &r->candidate[i];
		if (c->state == CANDIDATE_WAITING || now < ms_min(c->until, r->give_up_at))
			continue;
		*step = (struct race_step){.kind = c->is_name ? RACE_RESOLVE : RACE_CONNECT,
			.server = c->server,
			.address = c->address,
			.until = c->until};
		return true;
	}
	return false;
}

void
race_add_time(struct race *r, ms_t more)
{
	if (r->give_up_at != MS_NEVER)
		r->give_up_at += more;
}

bool
race_has_more(const struct race *r, ms_t now)
{
	return !race_is_over(r, now) && r->n > (r->is_led ? 1 : 0);
}

bool
race_is_over(const struct race *r, ms_t now)
{
	return now >= r->give_up_at;
}
