#include "session/front_bosh.h"

#include "base/fatal.h"

/* Of a body, what its own tag may take. */
#define BODY_ROOM 512

static size_t
outer_limit(const struct conf *conf)
{
	return conf->bosh.max_body - BODY_ROOM;
}

static void
free_bosh(struct front *f)
{
	bosh_free(f->of.bosh);
}

static struct stanza *
next_up(struct front *f)
{
	return bosh_next_up(f->of.bosh);
}

static const struct stream_header *
header(const struct front *f)
{
	return bosh_header(f->of.bosh);
}

/* The rest of a creation request was judged when it came. */
static enum closing
served(struct front *f)
{
	(void) f;
	return CLOSING_NONE;
}

static void
opened(struct front *f, const struct stream_header *h)
{
	bosh_opened(f->of.bosh, h);
}

static void
give(struct front *f, struct stanza **st)
{
	bosh_give(f->of.bosh, st);
}

static struct stanza *
next_undelivered(struct front *f)
{
	return bosh_next_undelivered(f->of.bosh);
}

static size_t
recall(struct front *f)
{
	return bosh_recall(f->of.bosh);
}

static void
seek(struct front *f, enum seek how)
{
	bosh_seek(f->of.bosh, how);
}

static void
close_bosh(struct front *f, enum closing reason, ms_t now)
{
	bosh_close(f->of.bosh, reason, now);
}

static void
flush(struct front *f, const struct outlet *outlet, struct session *s, ms_t now)
{
	struct bosh_answer answer;

	(void) s;
	bosh_flush(f->of.bosh, now);
	while (bosh_next_answer(f->of.bosh, &answer)) {
		const struct reply reply = {
			.id = answer.req, .status = answer.status, .content = answer.content, .body = answer.body};
		if (answer.is_cut)
			outlet->cut(outlet->answers, answer.req);
		else
			outlet->reply(outlet->answers, &reply);
	}
}

static ms_t
deadline(const struct front *f)
{
	return bosh_deadline(f->of.bosh);
}

static enum closing
expire(struct front *f, ms_t now)
{
	return bosh_expire(f->of.bosh, now);
}

static bool
is_told(const struct front *f)
{
	return bosh_is_told(f->of.bosh);
}

static bool
is_done(const struct front *f, ms_t now)
{
	return bosh_is_done(f->of.bosh, now);
}

static struct stanza_tally
confirmed(const struct front *f)
{
	return bosh_confirmed(f->of.bosh);
}

static size_t
queued(const struct front *f)
{
	return bosh_queued(f->of.bosh);
}

static size_t
queued_up(const struct front *f)
{
	return bosh_queued_up(f->of.bosh);
}

static size_t
kept(const struct front *f)
{
	return bosh_kept(f->of.bosh);
}

static const struct transport transport = {
	.name = "bosh",
	.can_pause = false, /* it has sent no more than its requests allow */
	.waits_for_server = false,
	.has_proof = true,
	.outer_limit = outer_limit,
	.free = free_bosh,
	.next_up = next_up,
	.header = header,
	.served = served,
	.opened = opened,
	.give = give,
	.next_undelivered = next_undelivered,
	.recall = recall,
	.seek = seek,
	.close = close_bosh,
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
front_bosh_init(
	struct front *f, const struct conf *conf, const struct hooks *hooks, const char *sid, const struct trace *trace)
{
	f->transport = &transport;
	f->of.bosh = bosh_new(&conf->bosh, hooks, slice_str(sid), trace);
}

struct bosh *
front_bosh(const struct front *f)
{
	must(f->transport == &transport);
	return f->of.bosh;
}
