/*
 * pace.h: how far the request on a connection has come, by bytes and time.
 * The HTTP library knows only how long a connection is silent: neither that
 * a client sends a byte now and then, nor that another request has come
 * behind one that is held.
 *
 *      HEAD --head--> BODY --whole--> HELD --answer--> ANSWER --written--> HEAD
 *                       `-------------------------------^
 */
#ifndef CULVERT_IO_PACE_H
#define CULVERT_IO_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ms.h"

enum pace_stage {
	PACE_HEAD,   /* of the next request; mostly none of it has come */
	PACE_BODY,   /* the head is there, the rest is being read */
	PACE_HELD,   /* the request waits for its answer */
	PACE_ANSWER, /* which is there, and may be on its way */
};

struct pace {
	int fd;
	enum pace_stage stage;
	bool is_chunked;   /* the request: its framing is not counted */
	uint64_t consumed; /* bytes of requests so far */
	ms_t since;        /* BODY: the end of the head; HEAD: the first look that found some of it, 0: none did */
};

/* A new connection, whose first request is said to be there already. */
void pace_init(struct pace *p, int fd, ms_t now);

/* The head of a request has been read: so many bytes. */
void pace_head(struct pace *p, uint64_t bytes, bool is_chunked, ms_t now);
/* Behind the head that was read just now: has the library read more? */
bool pace_has_read_on(const struct pace *p);
/* The request is done with, the next may come. */
void pace_next(struct pace *p);

/* Has another request come behind the one that is held? */
bool pace_is_pipelined(const struct pace *p);
/* Has this one taken too long?  head is the limit for a head, to be asked regularly: the first call only takes the time. */
bool pace_is_late(struct pace *p, ms_t head, ms_t now);

#endif
