#include "io/pace.h"

#include "io/tcp_info.h"

#define BODY_MS 60000 /* from a request's head to the end of its body */
#define STRAY_BYTES 4 /* some clients end a body with a line end that is not part of it */

void
pace_init(struct pace *p, int fd, ms_t now)
{
	*p = (struct pace){.fd = fd, .since = now};
}

void
pace_head(struct pace *p, uint64_t bytes, bool is_chunked, ms_t now)
{
	p->stage = PACE_BODY;
	p->consumed += bytes;
	p->is_chunked = is_chunked;
	p->since = now;
}

void
pace_next(struct pace *p)
{
	/* The framing of chunks was not counted: all that has come is taken for part of it. */
	if (p->is_chunked)
		p->consumed = tcp_info_bytes_received(p->fd);
	p->stage = PACE_HEAD;
	p->is_chunked = false;
	p->since = 0;
}

static bool
has_more(const struct pace *p)
{
	return tcp_info_bytes_received(p->fd) > p->consumed + STRAY_BYTES;
}

/* What comes in between the two questions makes it less, never more. */
bool
pace_has_read_on(const struct pace *p)
{
	uint64_t received = tcp_info_bytes_received(p->fd);

	return received > tcp_info_bytes_waiting(p->fd) + p->consumed + STRAY_BYTES;
}

/*
 * Where bytes are not counted (a Unix socket, a chunked request) those tell
 * that nobody has read: while a request is held they belong to the next.  One
 * that came in the same packet was read with it, and is not seen.
 */
bool
pace_is_pipelined(const struct pace *p)
{
	uint64_t received;

	if (p->stage != PACE_HELD)
		return false;
	received = p->is_chunked ? 0 : tcp_info_bytes_received(p->fd);
	return received > 0 ? received > p->consumed + STRAY_BYTES : tcp_info_bytes_waiting(p->fd) > STRAY_BYTES;
}

bool
pace_is_late(struct pace *p, ms_t head, ms_t now)
{
	switch (p->stage) {
	case PACE_HEAD:
		if (p->since == 0 && has_more(p))
			p->since = now;
		return p->since != 0 && now - p->since > head;
	case PACE_BODY:
		return now - p->since > BODY_MS;
	case PACE_HELD:
	case PACE_ANSWER:
		break;
	}
	return false;
}
