#include "proto/bosh/terms.h"

#include "base/fatal.h"

#define BOSH_VERSION_MAJOR 1
#define BOSH_VERSION_MINOR 11

/* A polling client asks seldom; its inactivity period is longer (12). */
#define POLLING_INACTIVITY 3
/* The most simultaneous requests, however many a client wants to have held: each has a slot. */
#define REQUESTS_MAX 17

/* The lower of the client's version and ours (7.2), both numbers of which count (7.1). */
static enum closing
agree_on_version(struct terms *t, struct slice ver)
{
	uint64_t major, minor;
	bool is_ours;

	t->is_legacy = !slice_is_set(ver);
	if (t->is_legacy)
		return CLOSING_NONE;
	if (!slice_version(slice_trim(ver), UINT32_MAX, &major, &minor))
		return CLOSING_BAD_BODY;
	is_ours = major > BOSH_VERSION_MAJOR || (major == BOSH_VERSION_MAJOR && minor > BOSH_VERSION_MINOR);
	t->ver_major = is_ours ? BOSH_VERSION_MAJOR : (unsigned) major;
	t->ver_minor = is_ours ? BOSH_VERSION_MINOR : (unsigned) minor;
	return CLOSING_NONE;
}

/*
 * One request more than the client wants to have held, so that there is
 * always one to send with (7.2), also where we hold fewer.
 *
 * DEVIATES: a client that wants more than 16 held gets fewer than that.
 */
static unsigned
requests_for(const struct body *body, unsigned hold)
{
	uint64_t wanted = body->has_hold && body->hold > hold ? body->hold : hold;

	if (wanted + 1 > REQUESTS_MAX)
		return REQUESTS_MAX;
	return wanted + 1 > 2 ? (unsigned) wanted + 1 : 2;
}

enum closing
terms_agree(struct terms *t, const struct bosh_settings *settings, const struct body *body)
{
	*t = (struct terms){
		.wait = settings->wait,
		.inactivity = settings->inactivity,
		.polling = settings->polling,
		.maxpause = settings->maxpause,
		.hold = settings->hold,
		.content = content_read(body->content),
		.has_acks = body->has_ack && body->ack == 1,
	};
	if (body->has_wait && (ms_t) body->wait * 1000 < t->wait)
		t->wait = (ms_t) body->wait * 1000;
	if (body->has_hold && body->hold < t->hold)
		t->hold = (unsigned) body->hold;
	else if (!body->has_hold && t->hold > 1)
		t->hold = 1;
	t->is_polling = t->wait == 0 || t->hold == 0;
	if (t->is_polling) {
		t->hold = 0;
		/* 12: "The increase SHOULD be greater than the value it specifies for the 'polling' attribute." */
		t->inactivity = ms_max(t->inactivity * POLLING_INACTIVITY, t->inactivity + 2 * t->polling);
	}
	t->requests = requests_for(body, t->hold);
	return agree_on_version(t, body->ver);
}

void
terms_write(const struct terms *t, const char *sid, struct buf *out)
{
	buf_printf(out, " sid='%s' wait='%lld' requests='%u' hold='%u' inactivity='%lld'", sid,
		(long long) (t->wait / 1000), t->requests, t->hold, (long long) (t->inactivity / 1000));
	/* Whole seconds: who keeps to what is written must not be too fast. */
	if (t->polling > 0)
		buf_printf(out, " polling='%lld'", (long long) ((t->polling + 999) / 1000));
	if (!t->is_legacy)
		buf_printf(out, " ver='%u.%u'", t->ver_major, t->ver_minor);
	if (t->maxpause > 0)
		buf_printf(out, " maxpause='%lld'", (long long) (t->maxpause / 1000));
}
