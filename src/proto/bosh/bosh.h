/*
 * bosh.h: the rules of one BOSH session (XEP-0124, XEP-0206).
 *
 * A request is taken up when all before it have been: its payload goes up,
 * and it is held until there is something to answer.  Answers leave in the
 * order of the rids, and are kept for those who ask again (14.3).  What the
 * rules are about has files of its own:
 *
 *      terms    what client and we agree on when the session is created (7)
 *      ring     the requests, by rid (14.1, 14.2)
 *      acks     what each side knows the other has (9)
 *      patience with those who ask too often (11, 12)
 *      keys     who may ask at all (15)
 *      proof    what the client is known to have
 *      seek     why one that waits is made to go on
 *      ending   how the client learns that it is over (13, 17.2)
 *      answers  what goes out after each event
 *      parts    which stanzas an answer holds
 */
#ifndef CULVERT_PROTO_BOSH_BOSH_H
#define CULVERT_PROTO_BOSH_BOSH_H

#include "base/ms.h"
#include "base/req.h"
#include "base/state.h"
#include "proto/bosh/answers.h"
#include "proto/bosh/body.h"
#include "proto/bosh/seek.h"
#include "proto/bosh/terms.h"
#include "proto/closing.h"
#include "proto/stream/stream_header.h"
#include "proto/xml/stanza.h"

/* An answer on its way to the client.  The bytes are good until the next call on the same session. */
struct bosh_answer {
	struct req_id req;
	bool is_cut;     /* there is none: the connection of the request is to be closed */
	unsigned status; /* of HTTP: 200, or an error for a client that reads no others (17.1) */
	struct slice body;
	enum content content;
};

struct bosh;

/* A session that has yet to see its first request.  sid is copied; all else must outlive it. */
struct bosh *
bosh_new(const struct bosh_settings *settings, const struct hooks *hooks, struct slice sid, const struct trace *trace);
void bosh_free(struct bosh *b);

/*
 * A request came in; the first one creates the session (7.1).  Takes the
 * body's payload.  Every request gets an answer sooner or later.  When this
 * returns a reason, call bosh_close() with it: the answer comes then.
 */
enum closing bosh_request(struct bosh *b, struct body *body, struct req_id req, ms_t now);
/*
 * Would a request with this rid be nothing new: one that came before, or after
 * the end?  On a connection that is over by now it is a copy that was late,
 * and the client has long gone on: it is to be ignored.
 */
bool bosh_is_old(const struct bosh *b, uint64_t rid);
/*
 * A request named this session, but its body was refused: bosh_close() with
 * that reason answers it.
 */
void bosh_refused(struct bosh *b, struct req_id req);
/*
 * The connection of a request is gone, before it had an answer or before
 * anything of the answer was written; nothing is said of one that may have
 * been read.  It will not be answered with payload, and the payload that it
 * has been answered with waits again.  True when anything changed.
 */
bool bosh_gone(struct bosh *b, struct req_id req, ms_t now);

/* Bytes of a request come, or of an answer go, and will for a while; or they do not any more.  Meanwhile the client is not idle. */
void bosh_moves(struct bosh *b, bool moves, ms_t now);

/* Somebody waits behind this request: it is answered at once, and with it those before it. */
void bosh_hurry(struct bosh *b, struct req_id req, ms_t now);

/* What the client wants next: a stanza for the server, or a STANZA_OPEN or STANZA_CLOSE mark.  NULL when nothing. */
struct stanza *bosh_next_up(struct bosh *b);
/* The header of the stream the client asked for: to, from, lang, version. */
const struct stream_header *bosh_header(const struct bosh *b);

/* The server opened its stream: header's from, id and version go to the client (XEP-0206, 5). */
void bosh_opened(struct bosh *b, const struct stream_header *header);
/* A stanza for the client; takes it over. */
void bosh_give(struct bosh *b, struct stanza **st);
/*
 * A stanza that nobody is there to be given to, now the caller's: for the time
 * when nobody will come any more.  NULL when there is none, or a request is held.
 */
struct stanza *bosh_next_undelivered(struct bosh *b);
/*
 * What the client is not known to have waits again, in front; how many
 * stanzas.  For the time when nobody will come any more.
 */
size_t bosh_recall(struct bosh *b);
/* How much somebody wants to know what the client has: see seek.h. */
void bosh_seek(struct bosh *b, enum seek how);
/* Answers what can be answered now.  To be called once after a batch of the above. */
void bosh_flush(struct bosh *b, ms_t now);
/* False when there is no more. */
bool bosh_next_answer(struct bosh *b, struct bosh_answer *answer);

/*
 * Ends the session: payload first, then the terminal condition, on the oldest
 * held request or on the next to come (11, 13, 17.2).  Later calls change nothing.
 */
void bosh_close(struct bosh *b, enum closing reason, ms_t now);
/* When bosh_expire() is due; MS_NEVER when not. */
ms_t bosh_deadline(const struct bosh *b);
/* Time passed.  A reason means: call bosh_close() with it. */
enum closing bosh_expire(struct bosh *b, ms_t now);
/* True when the session is closed and nobody needs it for a repeat any more. */
bool bosh_is_done(const struct bosh *b, ms_t now);

/* True when the session is closed and the client knows: what is left is for repeats. */
bool bosh_is_told(const struct bosh *b);

/* Bytes and cost waiting for the client, not yet put into an answer. */
size_t bosh_queued(const struct bosh *b);
/* The same for what bosh_next_up() has yet to give. */
size_t bosh_queued_up(const struct bosh *b);
/* Bytes of answers kept for repeats. */
size_t bosh_kept(const struct bosh *b);
/* Messages, presence and iq that the client is known to have: its requests show which answers. */
struct stanza_tally bosh_confirmed(const struct bosh *b);
/* How many times a stored answer went out again. */
unsigned bosh_replays(const struct bosh *b);

#endif
