#include "session/front.h"

#define IS_BOSH(f) ((f)->bosh != NULL)

void
front_free(struct front *f)
{
	bosh_free(f->bosh);
	frame_free(f->frame);
	f->bosh = NULL;
	f->frame = NULL;
}

const char *
front_name(const struct front *f)
{
	return IS_BOSH(f) ? "bosh" : "websocket";
}

struct stanza *
front_next_up(struct front *f)
{
	return IS_BOSH(f) ? bosh_next_up(f->bosh) : frame_next_up(f->frame);
}

const struct header *
front_header(const struct front *f)
{
	return IS_BOSH(f) ? bosh_header(f->bosh) : frame_header(f->frame);
}

enum closing
front_served(struct front *f)
{
	return IS_BOSH(f) ? CLOSING_NONE : frame_served(f->frame);
}

void
front_opened(struct front *f, const struct header *header)
{
	if (IS_BOSH(f))
		bosh_opened(f->bosh, header);
	else
		frame_opened(f->frame, header);
}

void
front_give(struct front *f, struct stanza **st)
{
	if (IS_BOSH(f))
		bosh_give(f->bosh, st);
	else
		frame_give(f->frame, st);
}

struct stanza *
front_next_undelivered(struct front *f)
{
	return IS_BOSH(f) ? bosh_next_undelivered(f->bosh) : NULL;
}

void
front_close(struct front *f, enum closing reason, ms_t now)
{
	if (IS_BOSH(f))
		bosh_close(f->bosh, reason, now);
	else
		frame_close(f->frame, reason, now);
}

ms_t
front_deadline(const struct front *f)
{
	return IS_BOSH(f) ? bosh_deadline(f->bosh) : frame_deadline(f->frame);
}

enum closing
front_expire(struct front *f, ms_t now)
{
	return IS_BOSH(f) ? bosh_expire(f->bosh, now) : CLOSING_NONE;
}

bool
front_is_done(const struct front *f, ms_t now)
{
	return IS_BOSH(f) ? bosh_is_done(f->bosh, now) : frame_is_done(f->frame);
}

size_t
front_queued(const struct front *f)
{
	return IS_BOSH(f) ? bosh_queued(f->bosh) : frame_queued(f->frame);
}

size_t
front_queued_up(const struct front *f)
{
	return IS_BOSH(f) ? bosh_queued_up(f->bosh) : frame_queued_up(f->frame);
}

size_t
front_kept(const struct front *f)
{
	return IS_BOSH(f) ? bosh_kept(f->bosh) : 0;
}

bool
front_is_told(const struct front *f)
{
	return IS_BOSH(f) ? bosh_is_told(f->bosh) : frame_is_done(f->frame);
}
