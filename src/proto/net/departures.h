/*
 * departures.h: who may connect to a server now.  So many connections to one server
 * are on their way at a time; when there are more, the others wait, and those
 * of one client behind one another: clients take turns, whoever has how many.
 * Pure: time is passed in.
 *
 *      departures_ask -> true: GOING -> departures_end
 *              `-> false: WAITING -> departures_next -> GOING, or LATE: its time is over
 */
#ifndef CULVERT_PROTO_NET_DEPARTURES_H
#define CULVERT_PROTO_NET_DEPARTURES_H

#include <stdbool.h>

#include "base/due.h"
#include "base/list.h"
#include "base/ms.h"
#include "base/network.h"
#include "base/slice.h"

#define DEPARTURES_TOO_LATE 1000 /* ms: who has less left when its turn comes would not be connected in time */

struct departures;
struct departures_server;
struct departures_client;

enum departure_state {
	DEPARTURE_NONE,
	DEPARTURE_WAITING,
	DEPARTURE_GOING,
	DEPARTURE_LATE, /* it waited in vain */
};

/* Embedded in whoever asks; all zero before. */
struct departure {
	enum departure_state state;
	struct departures_server *server;
	struct departures_client *client;
	struct list link; /* among the client's that wait, or the late */
	struct due_link due;
	ms_t until;
};

struct departures *departures_new(uint64_t seed);
/* All must have been ended. */
void departures_free(struct departures *t);

/*
 * May a client at this address (of IPv6 its first 64 bits count) connect to
 * server, to which limit (0: any number) may be connecting at a time?  False:
 * it waits, until then at most (MS_NEVER: as long as it takes).
 */
bool departures_ask(struct departures *t, struct departure *turn, struct slice server, unsigned limit,
	const unsigned char client[NETWORK_BYTES], ms_t until);
/* Who has waited and may go now, or is LATE; NULL when nobody.  One who is late is ended. */
struct departure *departures_next(struct departures *t, ms_t now);
/* It is connected, or has given up, or left: the next may go.  Of one that is NONE, or LATE, there is nothing to end. */
void departures_end(struct departures *t, struct departure *turn);
/* When departures_next() is due at the latest. */
ms_t departures_deadline(const struct departures *t);
/* How many wait for this server. */
size_t departures_waiting(const struct departure *turn);

#endif
