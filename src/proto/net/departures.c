#include "proto/net/departures.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/hash.h"

#define ADDRESS_BYTES 8 /* of an IPv6 address */

/* Lives as long as somebody is on the way to it, or waits. */
struct departures_server {
	struct hash_link by_name;
	char *name;
	unsigned limit;
	size_t going, waiting;
	struct list clients; /* that wait: whose turn is next comes first */
	struct list link;    /* in departures->free: it may have a place for one that waits */
};

struct key {
	const struct departures_server *server;
	unsigned char address[NETWORK_BYTES]; /* what one client is known by */
};

/* Lives as long as it waits for this server. */
struct departures_client {
	struct hash_link by_key;
	struct key key;
	struct list waiting; /* in the order they asked */
	struct list link;    /* in server->clients */
};

struct departures {
	struct hash servers, clients;
	struct list free;
	struct due due; /* all that wait and do not wait for ever */
};

struct departures *
departures_new(uint64_t seed)
{
	struct departures *t = xcalloc(1, sizeof *t);

	hash_init(&t->servers, seed);
	hash_init(&t->clients, seed);
	list_init(&t->free);
	due_init(&t->due);
	return t;
}

void
departures_free(struct departures *t)
{
	if (t == NULL)
		return;
	must(t->servers.n == 0);
	hash_fini(&t->servers);
	hash_fini(&t->clients);
	due_fini(&t->due);
	free(t);
}

static struct departures_server *
server_of(struct departures *t, struct slice name)
{
	struct hash_link *link = hash_find(&t->servers, name);
	struct departures_server *s;

	if (link != NULL)
		return hash_entry(link, struct departures_server, by_name);
	s = xcalloc(1, sizeof *s);
	s->name = xstrndup(name.p, name.n);
	list_init(&s->clients);
	list_init(&s->link);
	hash_insert(&t->servers, &s->by_name, slice_of(s->name, name.n));
	return s;
}

static struct departures_client *
client_of(struct departures *t, struct departures_server *s, const unsigned char address[NETWORK_BYTES])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is_ipv4 = memcmp(address, mapped, sizeof mapped) == 0;
	struct key key = {.server = s};
	struct hash_link *link;
	struct departures_client *c;

	memcpy(key.address, address, is_ipv4 ? NETWORK_BYTES : ADDRESS_BYTES);
	link = hash_find(&t->clients, slice_of((const char *) &key, sizeof key));
	if (link != NULL)
		return hash_entry(link, struct departures_client, by_key);
	c = xcalloc(1, sizeof *c);
	c->key = key;
	list_init(&c->waiting);
	list_append(&s->clients, &c->link);
	hash_insert(&t->clients, &c->by_key, slice_of((const char *) &c->key, sizeof c->key));
	return c;
}

static void
look_for_place(struct departures *t, struct departures_server *s)
{
	list_remove(&s->link);
	if (s->waiting > 0 && (s->limit == 0 || s->going < s->limit))
		list_append(&t->free, &s->link);
	if (s->going > 0 || s->waiting > 0)
		return;
	hash_remove(&t->servers, &s->by_name);
	free(s->name);
	free(s);
}

/* It waits no longer.  What else the client has comes after all others. */
static void
leave(struct departures *t, struct departure *turn)
{
	struct departures_client *c = turn->client;

	list_remove(&turn->link);
	due_set(&t->due, &turn->due, MS_NEVER);
	turn->server->waiting--;
	turn->client = NULL;
	if (list_is_empty(&c->waiting)) {
		list_remove(&c->link);
		hash_remove(&t->clients, &c->by_key);
		free(c);
	}
}

bool
departures_ask(struct departures *t, struct departure *turn, struct slice server, unsigned limit,
	const unsigned char client[NETWORK_BYTES], ms_t until)
{
	struct departures_server *s = server_of(t, server);

	must(turn->state == DEPARTURE_NONE || turn->state == DEPARTURE_LATE);
	*turn = (struct departure){.server = s, .until = until};
	list_init(&turn->link);
	s->limit = limit;
	if ((limit == 0 || s->going < limit) && s->waiting == 0) {
		turn->state = DEPARTURE_GOING;
		s->going++;
		return true;
	}
	turn->state = DEPARTURE_WAITING;
	turn->client = client_of(t, s, client);
	list_append(&turn->client->waiting, &turn->link);
	s->waiting++;
	if (until != MS_NEVER)
		due_set(&t->due, &turn->due, until);
	look_for_place(t, s);
	return false;
}

static struct departure *
give_up(struct departures *t, struct departure *turn)
{
	struct departures_server *s = turn->server;

	leave(t, turn);
	turn->state = DEPARTURE_LATE;
	turn->server = NULL;
	look_for_place(t, s);
	return turn;
}

/* The first of the client whose turn it is, which then is behind the others. */
static struct departure *
first_of(struct departures_server *s)
{
	struct departures_client *c = list_entry(s->clients.next, struct departures_client, link);

	list_remove(&c->link);
	list_append(&s->clients, &c->link);
	return list_entry(c->waiting.next, struct departure, link);
}

struct departure *
departures_next(struct departures *t, ms_t now)
{
	struct due_link *late = due_shift(&t->due, now);
	struct departures_server *s;
	struct departure *turn;

	if (late != NULL)
		return give_up(t, due_entry(late, struct departure, due));
	if (list_is_empty(&t->free))
		return NULL;
	s = list_entry(t->free.next, struct departures_server, link);
	turn = first_of(s);
	if (turn->until != MS_NEVER && turn->until - now < DEPARTURES_TOO_LATE)
		return give_up(t, turn);
	leave(t, turn);
	turn->state = DEPARTURE_GOING;
	s->going++;
	look_for_place(t, s);
	return turn;
}

void
departures_end(struct departures *t, struct departure *turn)
{
	struct departures_server *s = turn->server;

	if (turn->state == DEPARTURE_WAITING)
		leave(t, turn);
	else if (turn->state == DEPARTURE_GOING)
		s->going--;
	if (turn->state == DEPARTURE_WAITING || turn->state == DEPARTURE_GOING)
		look_for_place(t, s);
	turn->state = DEPARTURE_NONE;
	turn->server = NULL;
}

ms_t
departures_deadline(const struct departures *t)
{
	return due_first(&t->due);
}

size_t
departures_waiting(const struct departure *turn)
{
	return turn->server != NULL ? turn->server->waiting : 0;
}
