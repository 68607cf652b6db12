#include "session/front_websocket.h"

#include <stdio.h>

#include "base/fatal.h"

/* Random bytes of a stream's id. */
#define STREAM_ID_BYTES 16

static size_t
outer_limit(const struct conf *conf)
{
	return conf->websocket.max_message;
}

static void
free_websocket(struct front *f)
{
	websocket_free(f->of.websocket);
}

static struct stanza *
next_up(struct front *f)
{
	return websocket_next_up(f->of.websocket);
}

static const struct stream_header *
header(const struct front *f)
{
	return websocket_header(f->of.websocket);
}

static enum closing
served(struct front *f)
{
	return websocket_served(f->of.websocket);
}

static void
opened(struct front *f, const struct stream_header *h)
{
	websocket_opened(f->of.websocket, h);
}

static void
give(struct front *f, struct stanza **st)
{
	websocket_give(f->of.websocket, st);
}

/* While the connection is there, the client may get it; with it, all that waited has gone. */
static struct stanza *
next_undelivered(struct front *f)
{
	(void) f;
	return NULL;
}

static size_t
recall(struct front *f)
{
	(void) f;
	return 0;
}

static void
seek(struct front *f, enum seek how)
{
	(void) f;
	(void) how;
}

static void
close_websocket(struct front *f, enum closing reason, ms_t now)
{
	websocket_close(f->of.websocket, reason, now);
}

static void
flush(struct front *f, const struct outlet *outlet, struct session *s, ms_t now)
{
	struct websocket *w = f->of.websocket;
	struct stanza *st;
	unsigned code;

	while ((st = websocket_first_out(w)) != NULL && outlet->send(outlet->arg, s, st))
		websocket_sent(w, now);
	if (websocket_next_hangup(w, now, &code))
		outlet->hangup(outlet->arg, s, code);
}

static ms_t
deadline(const struct front *f)
{
	return websocket_deadline(f->of.websocket);
}

/* What is due is done by flush. */
static enum closing
expire(struct front *f, ms_t now)
{
	(void) f;
	(void) now;
	return CLOSING_NONE;
}

static bool
is_told(const struct front *f)
{
	return websocket_is_done(f->of.websocket);
}

static bool
is_done(const struct front *f, ms_t now)
{
	(void) now;
	return websocket_is_done(f->of.websocket);
}

/* What the connection took: nothing in RFC 7395 would tell more. */
static struct stanza_tally
confirmed(const struct front *f)
{
	return websocket_confirmed(f->of.websocket);
}

static size_t
queued(const struct front *f)
{
	return websocket_queued(f->of.websocket);
}

static size_t
queued_up(const struct front *f)
{
	return websocket_queued_up(f->of.websocket);
}

/* Nobody asks again for a message. */
static size_t
kept(const struct front *f)
{
	(void) f;
	return 0;
}

static const struct transport transport = {
	.name = "websocket",
	.can_pause = true,
	.waits_for_server = true, /* RFC 6120, 4.4 */
	.has_proof = false,
	.outer_limit = outer_limit,
	.free = free_websocket,
	.next_up = next_up,
	.header = header,
	.served = served,
	.opened = opened,
	.give = give,
	.next_undelivered = next_undelivered,
	.recall = recall,
	.seek = seek,
	.close = close_websocket,
	.flush = flush,
	.deadline = deadline,
	.expire = expire,
	.is_told = is_told,
	.is_done = is_done,
	.confirmed = confirmed,
	.queued = queued,
	.queued_up = queued_up,
	.kept = kept,
};

void
front_websocket_init(struct front *f, const struct hooks *hooks, const struct trace *trace)
{
	unsigned char random[STREAM_ID_BYTES];
	char id[2 * STREAM_ID_BYTES + 1];

	hooks->random(hooks->arg, random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	f->transport = &transport;
	f->of.websocket = websocket_new(slice_str(id), trace);
}

struct websocket *
front_websocket(const struct front *f)
{
	must(f->transport == &transport);
	return f->of.websocket;
}
