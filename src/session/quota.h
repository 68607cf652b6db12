/*
 * quota.h: how much one client address may take: sessions at once, new
 * sessions in a second, failed logins in a minute; and how many sessions there
 * are in all.
 *
 *      quota_ask()    would it be let in?  before anything is made of it
 *      quota_enter()  a session begins      FINE: quota_leave() when it ends
 *      quota_failed() a login has failed
 *
 * An address of IPv6 counts by its first 64 bits, which is what one customer
 * has; a mapped one of IPv4 as IPv4.  Who is a trusted proxy's address, or
 * nobody knows whose, is counted in all only.
 *
 * All workers share one: what two of them count at the same time is right.
 */
#ifndef CULVERT_SESSION_QUOTA_H
#define CULVERT_SESSION_QUOTA_H

#include "base/ms.h"
#include "base/peer.h"
#include "base/settings.h"

enum quota_verdict {
	QUOTA_FINE,
	QUOTA_ROOM,     /* the machine has no room for more */
	QUOTA_SESSIONS, /* the limits that were reached, as above */
	QUOTA_ADDRESS,
	QUOTA_RATE,
	QUOTA_FAILURES,
};

struct quota_answer {
	enum quota_verdict verdict;
	ms_t retry_after; /* when it may be worth another try, in milliseconds from now; 0: FINE */
	bool is_news;     /* the first refusal of this address in this minute: worth a line in the log */
};

/* What a session keeps, to give back. */
struct quota_ticket {
	unsigned char key[NETWORK_BYTES];
	bool has_key; /* counted by address */
};

/* Called around each look at what is shared; NULL: nobody else looks. */
struct quota_lock {
	void *arg;
	void (*lock)(void *arg);
	void (*unlock)(void *arg);
};

struct quota;

struct quota *quota_new(uint64_t seed, const struct quota_lock *lock);
void quota_free(struct quota *q);
/* Those who have entered stay; whoever comes next is judged by these. */
void quota_set_rules(struct quota *q, struct quota_rules rules);
/* How many sessions there is room for in all, whatever the rules say; 0: any number. */
void quota_set_room(struct quota *q, unsigned sessions);

/* Could a session begin now?  Nothing is counted but the refusal. */
struct quota_answer quota_ask(struct quota *q, const struct peer *peer, ms_t now);
/* May a session begin?  When FINE, it is counted, and the ticket is for quota_leave(). */
struct quota_answer quota_enter(struct quota *q, const struct peer *peer, ms_t now, struct quota_ticket *ticket);
void quota_leave(struct quota *q, const struct quota_ticket *ticket);
/* A login of that session failed for its credentials.  Not FINE when it was one too many. */
struct quota_answer quota_failed(struct quota *q, const struct quota_ticket *ticket, ms_t now);

/* How many addresses it knows something about, for tests. */
size_t quota_addresses(const struct quota *q);

#endif
