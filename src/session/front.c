#include "session/front.h"

#define IS_BOSH(f) ((f)->bosh != NULL)

void
front_free(struct front *f)
{
	bosh_free(f->bosh);
	websocket_free(f->websocket);
	f->bosh = NULL;
	f->websocket = NULL;
}

const char *
front_name(const struct front *f)
{
	return IS_BOSH(f) ? "bosh" : "websocket";
}

struct stanza *
front_next_up(struct front *f)
{
	return IS_BOSH(f) ? bosh_next_up(f->bosh) : websocket_next_up(f->websocket);
}

const struct stream_header *
front_header(const struct front *f)
{
	return IS_BOSH(f) ? bosh_header(f->bosh) : websocket_header(f->websocket);
}

enum closing
front_served(struct front *f)
{
	return IS_BOSH(f) ? CLOSING_NONE : websocket_served(f->websocket);
}

void
front_opened(struct front *f, const struct stream_header *header)
{
	if (IS_BOSH(f))
		bosh_opened(f->bosh, header);
	else
		websocket_opened(f->websocket, header);
}

void
front_give(struct front *f, struct stanza **st)
{
	if (IS_BOSH(f))
		bosh_give(f->bosh, st);
	else
		websocket_give(f->websocket, st);
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
		websocket_close(f->websocket, reason, now);
}

ms_t
front_deadline(const struct front *f)
{
	return IS_BOSH(f) ? bosh_deadline(f->bosh) : websocket_deadline(f->websocket);
}

enum closing
front_expire(struct front *f, ms_t now)
{
	return IS_BOSH(f) ? bosh_expire(f->bosh, now) : CLOSING_NONE;
}

bool
front_is_done(const struct front *f, ms_t now)
{
	return IS_BOSH(f) ? bosh_is_done(f->bosh, now) : websocket_is_done(f->websocket);
}

size_t
front_queued(const struct front *f)
{
	return IS_BOSH(f) ? bosh_queued(f->bosh) : websocket_queued(f->websocket);
}

size_t
front_queued_up(const struct front *f)
{
	return IS_BOSH(f) ? bosh_queued_up(f->bosh) : websocket_queued_up(f->websocket);
}

size_t
front_kept(const struct front *f)
{
	return IS_BOSH(f) ? bosh_kept(f->bosh) : 0;
}

bool
front_is_told(const struct front *f)
{
	return IS_BOSH(f) ? bosh_is_told(f->bosh) : websocket_is_done(f->websocket);
}
