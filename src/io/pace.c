#include "io/pace.h"

#include "io/tcp_info.h"

#define LINE_END 2    /* some clients end a body with a line end that is not part of it (RFC 9112, 2.2) */
#define STRAY_BYTES 4 /* or two: behind a request that is held they are not another one */

static const struct state stages[] = {
	[PACE_HEAD] = {"head", STEP(PACE_BODY)},
	[PACE_BODY] = {"body", STEP(PACE_ASKED) | STEP(PACE_HEAD)},
	[PACE_ASKED] = {"asked",
		STEP(PACE_BODY) | STEP(PACE_TAKEN) | STEP(PACE_HELD) | STEP(PACE_ANSWER) | STEP(PACE_HEAD)},
	[PACE_HELD] = {"held", STEP(PACE_DUE) | STEP(PACE_HEAD)},
	[PACE_DUE] = {"due", STEP(PACE_ANSWER) | STEP(PACE_HEAD)},
	[PACE_ANSWER] = {"answer", STEP(PACE_HEAD)},
	[PACE_TAKEN] = {"taken", STEP(PACE_HEAD)},
};

static void
set_stage(struct pace *p, enum pace_stage to)
{
	struct trace trace = {.log = p->log, .kind = "fd", .number = (uint64_t) p->fd};

	state_step(stages, "request", &trace, p->stage, to);
	p->stage = to;
}

void
pace_init(struct pace *p, int fd, const struct log *log, ms_t now)
{
	*p = (struct pace){.fd = fd, .log = log, .since = now, .is_counted = tcp_info_bytes_received(fd) > 0};
}

void
pace_head(struct pace *p, uint64_t bytes, bool is_chunked, ms_t now)
{
	set_stage(p, PACE_BODY);
	p->consumed += bytes;
	p->is_chunked = is_chunked;
	p->since = now;
	rate_begin(&p->rate, p->consumed, now);
}

void
pace_ask(struct pace *p)
{
	set_stage(p, PACE_ASKED);
}

void
pace_take(struct pace *p)
{
	set_stage(p, PACE_TAKEN);
}

void
pace_read_on(struct pace *p)
{
	set_stage(p, PACE_BODY);
}

void
pace_hold(struct pace *p)
{
	set_stage(p, PACE_HELD);
}

bool
pace_answer(struct pace *p)
{
	set_stage(p, p->stage == PACE_HELD ? PACE_DUE : PACE_ANSWER);
	return p->stage == PACE_DUE;
}

void
pace_run(struct pace *p)
{
	set_stage(p, PACE_ANSWER);
}

void
pace_next(struct pace *p)
{
	uint64_t more = p->is_counted ? tcp_info_bytes_received(p->fd) - p->consumed : 0;

	/* A line end that came with a body is not the next head. */
	if (more <= LINE_END)
		p->consumed += more;
	set_stage(p, PACE_HEAD);
	p->is_chunked = p->is_measured = false;
	p->since = 0;
}

void
pace_arrive(struct pace *p, ms_t now)
{
	if (p->stage == PACE_HEAD && p->since == 0 && !p->is_counted && tcp_info_bytes_waiting(p->fd) > 0)
		p->since = now;
}

bool
pace_has_read_out(const struct pace *p)
{
	return pace_is_reading(p) && tcp_info_bytes_waiting(p->fd) == 0;
}

/*
 * Where bytes are not counted (a Unix socket, a chunked request) those tell
 * that nobody has read: behind a whole request they belong to the next.  One
 * that came in the same packet was read with it, and is not seen.
 */
bool
pace_is_pipelined(const struct pace *p)
{
	uint64_t received;

	if (!pace_is_unanswered(p) && p->stage != PACE_DUE)
		return false;
	received = p->is_chunked ? 0 : tcp_info_bytes_received(p->fd);
	return received > 0 ? received > p->consumed + STRAY_BYTES : tcp_info_bytes_waiting(p->fd) > STRAY_BYTES;
}

bool
pace_is_stuck(struct pace *p, size_t least, ms_t now)
{
	uint64_t taken = p->stage == PACE_ANSWER ? tcp_info_bytes_taken(p->fd) : 0;

	if (taken == 0)
		return false;
	if (!p->is_measured)
		rate_begin(&p->rate, taken, now);
	p->is_measured = true;
	return rate_is_low(&p->rate, taken, least, now);
}

bool
pace_is_late(struct pace *p, const struct conf_limits *limits, ms_t now)
{
	switch (p->stage) {
	case PACE_HEAD:
		if (p->since == 0 && p->is_counted && tcp_info_bytes_received(p->fd) > p->consumed)
			p->since = now;
		return limits->header_timeout > 0 && p->since != 0 && now - p->since > limits->header_timeout;
	case PACE_BODY:
		return (limits->upload_time > 0 && now - p->since > limits->upload_time) ||
			rate_is_low(&p->rate, p->consumed, limits->upload_rate, now);
	case PACE_ASKED:
	case PACE_HELD:
	case PACE_DUE:
	case PACE_ANSWER:
	case PACE_TAKEN:
		break;
	}
	return false;
}
