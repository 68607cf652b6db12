#include "proto/net/srv.h"

#include <stdlib.h>

enum srv_outcome
srv_judge(struct srv_record *record, size_t *n)
{
	bool is_refused = false;
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		if (record[i].host[0] == '\0')
			is_refused = true;
		else if (record[i].port > 0)
			record[kept++] = record[i];
	}
	*n = kept;
	if (kept > 0)
		return SRV_FOUND;
	return is_refused ? SRV_NOT_OFFERED : SRV_NONE;
}

/* Who has no weight stands first, so that a random number of 0 can still find it (RFC 2782, Weight). */
static int
compare(const void *a, const void *b)
{
	const struct srv_record *one = a, *other = b;

	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	return one->weight - other->weight;
}

static size_t
choose(const struct srv_record *record, size_t n, uint32_t number)
{
	uint32_t sum = 0, running = 0;

	for (size_t i = 0; i < n; i++)
		sum += record[i].weight;
	number %= sum + 1;
	for (size_t i = 0; i < n; i++) {
		running += record[i].weight;
		if (running >= number)
			return i;
	}
	return 0;
}

/* The others keep their order: those without weight stay in front. */
static void
bring_to_front(struct srv_record *record, size_t i)
{
	struct srv_record chosen = record[i];

	for (; i > 0; i--)
		record[i] = record[i - 1];
	record[0] = chosen;
}

void
srv_order(struct srv_record *record, size_t n, uint32_t (*random)(void *arg), void *arg)
{
	if (n > 1)
		qsort(record, n, sizeof *record, compare);
	while (n > 1) {
		size_t same = 1;
		while (same < n && record[same].priority == record[0].priority)
			same++;
		if (same > 1)
			bring_to_front(record, choose(record, same, random(arg)));
		record++;
		n--;
	}
}
