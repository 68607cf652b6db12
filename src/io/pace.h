/*
 * pace.h: how far the request on a connection has come, and whether by bytes
 * and time it comes as it should.  The HTTP library knows only how long a
 * connection is silent: neither that a client sends a byte now and then, nor
 * that another request has come behind one that is held.
 *
 *      HEAD --head--> BODY --whole--> ASKED --hold--> HELD
 *        ^              ^ `-read on-----' |             |
 *        |                                |answer       |answer
 *        |                                v             v
 *        `----------------next-------- ANSWER <--run-- DUE
 *
 * next may come at any time: the connection is gone.
 */
#ifndef CULVERT_IO_PACE_H
#define CULVERT_IO_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ms.h"
#include "base/rate.h"
#include "base/state.h"
#include "conf/conf.h"

enum pace_stage {
	PACE_HEAD,   /* of the next request; mostly none of it has come */
	PACE_BODY,   /* the head is there, the rest is being read */
	PACE_ASKED,  /* the handler is being asked, and may answer at once */
	PACE_HELD,   /* the request waits for its answer, and the library is told not to look at it */
	PACE_DUE,    /* the answer is there, or none will be: the library is to look again */
	PACE_ANSWER, /* which may be on its way */
	PACE_TAKEN,  /* it was an upgrade: the connection is not HTTP's any more */
};

struct pace {
	int fd;
	const struct log *log;
	enum pace_stage stage; /* only pace.c sets it */
	bool is_counted;       /* the kernel counts its bytes: TCP */
	bool is_chunked;       /* the request, the last one: its framing is not counted */
	uint64_t consumed;     /* bytes of requests so far */
	ms_t since;            /* BODY: the end of the head; HEAD: some of it was seen first, 0: none yet */
	struct rate rate;      /* BODY: how fast it comes; ANSWER: how fast it goes, once is_measured */
	bool is_measured;
};

/* A new connection, whose first request is said to be there already. */
void pace_init(struct pace *p, int fd, const struct log *log, ms_t now);

/* The head of a request has been read: so many bytes. */
void pace_head(struct pace *p, uint64_t bytes, bool is_chunked, ms_t now);
/* The handler is asked, with the whole request or only its head; */
void pace_ask(struct pace *p);
/* what it was asked was whether it takes the connection over: it does, */
void pace_take(struct pace *p);
/* or does not, and the rest of the request is read. */
void pace_read_on(struct pace *p);
/* The handler has not answered. */
void pace_hold(struct pace *p);
/* It has now, or will not.  True: the library is to be told to look again, and pace_run() is due. */
bool pace_answer(struct pace *p);
void pace_run(struct pace *p);
/* The request is done with, the next may come. */
void pace_next(struct pace *p);
/* Something has come, as far as anybody was told.  Where bytes are not counted that is how the next head shows. */
void pace_arrive(struct pace *p, ms_t now);

/* Is there a request that the handler has yet to answer? */
static inline bool
pace_is_unanswered(const struct pace *p)
{
	return p->stage == PACE_ASKED || p->stage == PACE_HELD;
}

/* Does the library not look at it? */
static inline bool
pace_is_suspended(const struct pace *p)
{
	return p->stage == PACE_HELD || p->stage == PACE_DUE;
}

/* Is a request being read, if there is one? */
static inline bool
pace_is_reading(const struct pace *p)
{
	return p->stage == PACE_HEAD || p->stage == PACE_BODY;
}

/* And has all been read that came?  When the client is gone, no more will. */
bool pace_has_read_out(const struct pace *p);
/* Has another request come behind the one whose answer the library does not have yet? */
bool pace_is_pipelined(const struct pace *p);
/*
 * Has this one taken too long to come?  To be asked about every RATE_LOOK: of a head, the first call only takes the
 * time.
 */
bool pace_is_late(struct pace *p, const struct conf_limits *limits, ms_t now);
/* Does the client take a long answer too slowly?  To be asked as often. */
bool pace_is_stuck(struct pace *p, size_t least, ms_t now);

#endif
