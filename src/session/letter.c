#include "session/letter.h"

#include "base/fatal.h"
#include "base/octets.h"
#include "session/sid.h"

enum {
	FLAG_SECURE = 1,
	FLAG_LEFT = 2,
	FLAG_CLIENT = 4,
	FLAGS = FLAG_SECURE | FLAG_LEFT | FLAG_CLIENT,
};

#define HEAD_BYTES 22

/* ---- writing ---- */

static struct req_id
id_of(const struct letter *letter)
{
	switch (letter->kind) {
	case LETTER_POST:
		return letter->u.post.id;
	case LETTER_NEWS:
		return letter->u.news.id;
	case LETTER_REPLY:
		return letter->u.reply.id;
	default:
		return letter->u.cut;
	}
}

size_t
letter_size(const struct letter *letter)
{
	switch (letter->kind) {
	case LETTER_POST:
		return HEAD_BYTES + 1 + 1 + 4 + NETWORK_BYTES + 2 + 4 + letter->u.post.body.n;
	case LETTER_NEWS:
		return HEAD_BYTES + 1 + 8 + 1 + letter->u.news.sid.n;
	case LETTER_REPLY:
		return HEAD_BYTES + 2 + 1 + 4 + letter->u.reply.body.n;
	default:
		return HEAD_BYTES;
	}
}

static char *
write_post(char *out, const struct post *post)
{
	const struct peer *peer = &post->peer;

	out = octets_put_number(out,
		(peer->is_secure ? FLAG_SECURE : 0) | (peer->is_client ? FLAG_CLIENT : 0) |
			(post->has_left ? FLAG_LEFT : 0),
		1);
	out = octets_put_number(out, peer->kind, 1);
	out = octets_put_number(out, peer->listener, 4);
	memcpy(out, peer->address, NETWORK_BYTES);
	out = octets_put_number(out + NETWORK_BYTES, peer->port, 2);
	return octets_put_text(out, post->body, 4);
}

static char *
write_news(char *out, const struct news *news)
{
	must(news->sid.n < SID_MAX);
	out = octets_put_number(out, news->fate.event, 1);
	out = octets_put_number(out, (uint64_t) news->fate.unsent, 8);
	return octets_put_text(out, news->sid, 1);
}

static char *
write_reply(char *out, const struct reply *reply)
{
	out = octets_put_number(out, reply->status, 2);
	out = octets_put_number(out, reply->content, 1);
	return octets_put_text(out, reply->body, 4);
}

void
letter_write(const struct letter *letter, char *out)
{
	struct req_id id = id_of(letter);
	const char *end = out + letter_size(letter);

	out = octets_put_number(out, LETTER_VERSION, 1);
	out = octets_put_number(out, letter->kind, 1);
	out = octets_put_number(out, id.owner.generation, 4);
	out = octets_put_number(out, id.owner.worker, 4);
	out = octets_put_number(out, id.slot, 4);
	out = octets_put_number(out, id.use, 8);
	if (letter->kind == LETTER_POST)
		out = write_post(out, &letter->u.post);
	else if (letter->kind == LETTER_NEWS)
		out = write_news(out, &letter->u.news);
	else if (letter->kind == LETTER_REPLY)
		out = write_reply(out, &letter->u.reply);
	must(out == end);
}

/* ---- reading ---- */

static void
read_post(struct octets *r, struct post *post)
{
	unsigned flags = octets_take_choice(r, 1, FLAGS + 1);
	struct slice address;

	post->peer = (struct peer){.is_secure = flags & FLAG_SECURE, .is_client = flags & FLAG_CLIENT};
	post->has_left = flags & FLAG_LEFT;
	post->peer.kind = (enum peer_kind) octets_take_choice(r, 1, PEER_KINDS);
	post->peer.listener = (uint32_t) octets_take_number(r, 4);
	address = octets_take(r, NETWORK_BYTES);
	memcpy(post->peer.address, address.p, address.n);
	post->peer.port = (uint16_t) octets_take_number(r, 2);
	post->body = octets_take_text(r, 4);
}

static void
read_news(struct octets *r, struct news *news)
{
	news->fate.event = (enum req_event) octets_take_choice(r, 1, REQ_SLOW + 1);
	news->fate.unsent = (int64_t) octets_take_number(r, 8);
	news->sid = octets_take_text(r, 1);
	if (news->sid.n >= SID_MAX)
		r->is_bad = true;
}

static void
read_reply(struct octets *r, struct reply *reply)
{
	reply->status = octets_take_choice(r, 2, 1000);
	reply->content = (enum content) octets_take_choice(r, 1, CONTENTS);
	reply->body = octets_take_text(r, 4);
	if (reply->status < 200)
		r->is_bad = true;
}

bool
letter_read(struct slice bytes, struct letter *letter)
{
	struct octets r = {.rest = bytes};
	struct req_id id;

	*letter = (struct letter){.kind = LETTER_NONE};
	if (octets_take_number(&r, 1) != LETTER_VERSION)
		return false;
	letter->kind = (enum letter_kind) octets_take_choice(&r, 1, LETTER_CUT + 1);
	id.owner.generation = (uint32_t) octets_take_number(&r, 4);
	id.owner.worker = (uint32_t) octets_take_number(&r, 4);
	id.slot = (uint32_t) octets_take_number(&r, 4);
	id.use = octets_take_number(&r, 8);
	switch (letter->kind) {
	case LETTER_POST:
		read_post(&r, &letter->u.post);
		letter->u.post.id = id;
		break;
	case LETTER_NEWS:
		read_news(&r, &letter->u.news);
		letter->u.news.id = id;
		break;
	case LETTER_REPLY:
		read_reply(&r, &letter->u.reply);
		letter->u.reply.id = id;
		break;
	case LETTER_CUT:
		letter->u.cut = id;
		break;
	case LETTER_NONE:
		return false;
	}
	return !r.is_bad && r.rest.n == 0;
}
