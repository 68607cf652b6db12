#include "base/turns.h"

#include <limits.h>
#include <stdlib.h>

#include "base/fatal.h"

#define QUICK_RUN 3  /* quick ones in a row while others wait, too */
#define IPV6_BYTES 8 /* of an address of IPv6 that count */

enum { QUICK, SLOW, KINDS };

struct turns_address {
	struct hash_link link;
	unsigned char key[1 + NETWORK_BYTES]; /* the first byte: is it known? */
	struct list waiting[KINDS];
	struct list rotation[KINDS]; /* in t->rotation while somebody waits and may be served */
	unsigned n_waiting, n_served;
};

void
turns_init(struct turns *t, const struct turns_rules *rules, uint64_t seed)
{
	*t = (struct turns){.rules = *rules};
	hash_init(&t->addresses, seed);
	for (int kind = 0; kind < KINDS; kind++)
		list_init(&t->rotation[kind]);
}

void
turns_fini(struct turns *t)
{
	must(t->addresses.n == 0);
	hash_fini(&t->addresses);
}

static void
make_key(unsigned char key[1 + NETWORK_BYTES], const unsigned char *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(key, 0, 1 + NETWORK_BYTES);
	if (address == NULL)
		return;
	key[0] = 1;
	memcpy(key + 1, address, memcmp(address, mapped, sizeof mapped) == 0 ? NETWORK_BYTES : IPV6_BYTES);
}

static struct turns_address *
find(struct turns *t, const unsigned char *address)
{
	unsigned char key[1 + NETWORK_BYTES];
	struct turns_address *a;
	struct hash_link *link;

	make_key(key, address);
	link = hash_find(&t->addresses, slice_of((const char *) key, sizeof key));
	if (link != NULL)
		return hash_entry(link, struct turns_address, link);
	a = xcalloc(1, sizeof *a);
	memcpy(a->key, key, sizeof key);
	for (int kind = 0; kind < KINDS; kind++) {
		list_init(&a->waiting[kind]);
		list_init(&a->rotation[kind]);
	}
	hash_insert(&t->addresses, &a->link, slice_of((const char *) a->key, sizeof a->key));
	return a;
}

static bool
is_within(const struct turns_address *a, unsigned n, unsigned most)
{
	return a->key[0] == 0 || n < most;
}

/* Is it in the rotations it belongs to, and in no other? */
static void
settle(struct turns *t, struct turns_address *a)
{
	bool may = is_within(a, a->n_served, t->rules.served_each);

	for (int kind = 0; kind < KINDS; kind++) {
		if (!may || list_is_empty(&a->waiting[kind]))
			list_remove(&a->rotation[kind]);
		else if (list_is_empty(&a->rotation[kind]))
			list_append(&t->rotation[kind], &a->rotation[kind]);
	}
	if (a->n_waiting == 0 && a->n_served == 0) {
		hash_remove(&t->addresses, &a->link);
		free(a);
	}
}

bool
turns_wait(struct turns *t, struct turn *turn, const unsigned char *address, bool is_quick)
{
	struct turns_address *a = find(t, address);

	if (t->waiting >= t->rules.waiting || !is_within(a, a->n_waiting, t->rules.waiting_each)) {
		settle(t, a);
		return false;
	}
	turn->of = a;
	list_append(&a->waiting[is_quick ? QUICK : SLOW], &turn->link);
	a->n_waiting++;
	t->waiting++;
	settle(t, a);
	return true;
}

static struct turn *
serve(struct turns *t, struct turns_address *a, int kind)
{
	struct turn *turn = list_entry(list_shift(&a->waiting[kind]), struct turn, link);

	/* Its next one waits for all others. */
	list_remove(&a->rotation[kind]);
	t->waiting--;
	a->n_waiting--;
	a->n_served++;
	settle(t, a);
	return turn;
}

struct turn *
turns_next(struct turns *t)
{
	bool is_quick =
		!list_is_empty(&t->rotation[QUICK]) && (t->quick < QUICK_RUN || list_is_empty(&t->rotation[SLOW]));
	int kind = is_quick ? QUICK : SLOW;

	if (list_is_empty(&t->rotation[kind]))
		return NULL;
	t->quick = is_quick ? t->quick + 1 : 0;
	return serve(t, list_entry(t->rotation[kind].next, struct turns_address, rotation[kind]), kind);
}

void
turns_done(struct turns *t, struct turn *turn)
{
	turn->of->n_served--;
	settle(t, turn->of);
}

bool
turns_is_in_the_way(const struct turns *t, const struct turn *turn)
{
	return turn->of->n_waiting > 0 && !is_within(turn->of, turn->of->n_served, t->rules.served_each);
}

struct turn *
turns_any(struct turns *t)
{
	t->rules.served_each = UINT_MAX;
	for (size_t i = 0; i < t->addresses.n_buckets; i++)
		for (struct hash_link *link = t->addresses.bucket[i]; link != NULL; link = link->next)
			settle(t, hash_entry(link, struct turns_address, link));
	return turns_next(t);
}
