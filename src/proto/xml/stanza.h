/*
 * stanza.h: one complete element as bytes that can travel alone, and the few
 * facts we route by.  One allocation holds it all:
 *
 *      struct stanza | headroom | bytes ...
 *
 * The headroom belongs to whoever writes the element out: a WebSocket frame
 * header goes there, so that the bytes are never moved again.
 */
#ifndef CULVERT_PROTO_XML_STANZA_H
#define CULVERT_PROTO_XML_STANZA_H

#include "base/slice.h"

enum stanza_kind {
	STANZA_OTHER,
	STANZA_MESSAGE,
	STANZA_PRESENCE,
	STANZA_IQ,
	STANZA_FEATURES,     /* <stream:features/> */
	STANZA_STREAM_ERROR, /* <stream:error/> */
	STANZA_STREAM,   /* anything else of that namespace, <stream:stream/> above all: no element within a stream */
	STANZA_SUCCESS,  /* <success/> of SASL: the stream restarts */
	STANZA_SUCCESS2, /* the same of SASL2: it goes on */
	STANZA_FAILURE,  /* <failure/> of SASL or SASL2: the login failed */
	STANZA_AUTH,     /* <auth/> of SASL or <authenticate/> of SASL2: a client logs in */
	STANZA_PROCEED,  /* <proceed/> of STARTTLS */
	STANZA_TLS_FAILURE, /* <failure/> of STARTTLS */
	STANZA_HOP_BY_HOP,  /* <starttls/> or <compress/>: meant for whoever is at the other end of the connection */
	STANZA_SM,          /* <enabled/> or <resumed/> of stream management */
	STANZA_SM_BEGIN,    /* <enable/> or <resume/> */
	STANZA_SM_FAILED,   /* <failed/> */
	STANZA_SM_ANSWER,   /* <a/> */
	STANZA_SM_REQUEST,  /* <r/> */
	STANZA_ACTIVE,      /* <active/> of client state indication (XEP-0352) */
	STANZA_INACTIVE,    /* <inactive/> */
	STANZA_OPEN,        /* a mark without bytes: here a stream opens, or opens anew */
	STANZA_CLOSE,       /* a mark without bytes: here it ends */
	STANZA_SKIPPED,     /* no element: the beginning of one that was too large, and was left out */
	STANZA_TAG,         /* ours: a stream's start or end tag, on its way to the server */
};

/* How many stanzas in the sense of XEP-0198, 4, and their bytes; and how many of them the server would have back. */
struct stanza_tally {
	uint64_t stanzas, bytes, returnable;
};

/* Counts it, if it is one. */
static inline void
stanza_count(struct stanza_tally *tally, enum stanza_kind kind, size_t n)
{
	if (kind != STANZA_MESSAGE && kind != STANZA_PRESENCE && kind != STANZA_IQ)
		return;
	tally->stanzas++;
	tally->bytes += n;
}

#define STANZA_HEADROOM 32

struct stanza {
	struct stanza *next;
	size_t n;
	enum stanza_kind kind;
	bool has_stream_prefix; /* its name is written stream:... */
	bool is_returnable;     /* the server has it back if the client does not get it (management.h) */
	char headroom[STANZA_HEADROOM];
	char bytes[];
};

/* A stanza with n bytes to be filled in by the caller, who owns it. */
struct stanza *stanza_new(size_t n, enum stanza_kind kind);
/* The same, with a copy of the bytes. */
struct stanza *stanza_copy(struct slice bytes, enum stanza_kind kind);
/* Its bytes are wiped: they may be a login.  NULL is fine. */
void stanza_free(struct stanza *st);

static inline struct slice
stanza_slice(const struct stanza *st)
{
	return slice_of(st->bytes, st->n);
}

/* Stanzas in order, with the sum of their bytes. */
struct stanza_queue {
	struct stanza *first, **end;
	size_t count, bytes;
};

void stanza_queue_init(struct stanza_queue *q);
/* Frees the stanzas; the queue is empty and may be used again. */
void stanza_queue_fini(struct stanza_queue *q);
/* Takes *st over and sets it to NULL. */
void stanza_queue_push(struct stanza_queue *q, struct stanza **st);
/* A mark, which has no bytes: STANZA_OPEN or STANZA_CLOSE. */
void stanza_queue_push_mark(struct stanza_queue *q, enum stanza_kind kind);
/* The first, now the caller's; NULL when there is none. */
struct stanza *stanza_queue_shift(struct stanza_queue *q);
/* Moves all of from behind all of to. */
void stanza_queue_move(struct stanza_queue *to, struct stanza_queue *from);

/* What memory a queued element costs beyond its bytes; the caps count it, so that many tiny ones are not free. */
#define STANZA_COST sizeof(struct stanza)

static inline size_t
stanza_queue_cost(const struct stanza_queue *q)
{
	return q->bytes + q->count * STANZA_COST;
}

#endif
