#include "worker/courier.h"

static ms_t
now_of(const struct courier *c)
{
	return (ms_t) uv_now(c->loop);
}

static bool
is_here(const struct courier *c, struct owner owner)
{
	return owner_eq(owner, c->context->self);
}

/* Nobody else makes owners yet but the workers of this process. */
static void
send_letter(const struct courier *c, struct owner to, const struct letter *letter)
{
	struct mail *mail;
	size_t counted = 0;

	if (to.generation != c->context->self.generation || to.worker >= c->context->n_workers)
		return;
	mail = mail_room(MAIL_LETTER, letter_size(letter));
	letter_write(letter, mail->bytes);
	/* What is said already counts on its way, and is refused no more; courier_receive() takes it off. */
	budget_move(&c->context->budget, &counted, mail->n);
	mailbox_post(c->mailboxes[to.worker], mail);
}

void
courier_forward(void *courier, const struct post *post, struct owner owner)
{
	struct courier *c = courier;
	const struct letter letter = {.kind = LETTER_POST, .u.post = *post};

	if (!is_here(c, post->id.owner)) {
		courier_cut(c, post->id);
		return;
	}
	counter_add(c->context->counters->bosh_forwarded, 1);
	send_letter(c, owner, &letter);
}

void
courier_post(void *courier, const struct post *post, char *sid)
{
	struct courier *c = courier;
	struct owner owner;

	if (registry_post(c->registry, post, now_of(c), sid, &owner) == REGISTRY_FORWARD)
		courier_forward(c, post, owner);
}

void
courier_news(void *courier, const struct news *news)
{
	struct courier *c = courier;
	const struct letter letter = {.kind = LETTER_NEWS, .u.news = *news};
	struct owner owner;

	if (registry_news(c->registry, news, now_of(c), &owner) == REGISTRY_FORWARD)
		send_letter(c, owner, &letter);
}

void
courier_reply(void *courier, const struct reply *reply)
{
	struct courier *c = courier;
	const struct letter letter = {.kind = LETTER_REPLY, .u.reply = *reply};

	if (is_here(c, reply->id.owner))
		site_reply(c->site, reply);
	else
		send_letter(c, reply->id.owner, &letter);
}

void
courier_cut(void *courier, struct req_id id)
{
	struct courier *c = courier;
	const struct letter letter = {.kind = LETTER_CUT, .u.cut = id};

	if (is_here(c, id.owner))
		site_cut(c->site, id);
	else
		send_letter(c, id.owner, &letter);
}

/* It was the sid that sent the body here; whoever sent it was wrong about it, and hears so by a cut connection. */
static void
receive_post(struct courier *c, const struct post *post)
{
	char sid[SID_MAX];
	struct owner owner;

	if (registry_post(c->registry, post, now_of(c), sid, &owner) == REGISTRY_FORWARD)
		courier_cut(c, post->id);
}

void
courier_receive(struct courier *c, struct slice bytes)
{
	struct letter letter;
	struct owner owner;
	size_t counted = bytes.n;

	budget_move(&c->context->budget, &counted, 0);
	if (!letter_read(bytes, &letter)) {
		log_event(c->context->log, LOG_ERROR, "message between workers dropped",
			"bytes=%zu reason=\"it cannot be read: a fault of culvert, please report it\"", bytes.n);
		return;
	}
	switch (letter.kind) {
	case LETTER_POST:
		receive_post(c, &letter.u.post);
		break;
	case LETTER_NEWS:
		registry_news(c->registry, &letter.u.news, now_of(c), &owner);
		break;
	case LETTER_REPLY:
		if (is_here(c, letter.u.reply.id.owner))
			site_reply(c->site, &letter.u.reply);
		break;
	case LETTER_CUT:
		if (is_here(c, letter.u.cut.owner))
			site_cut(c->site, letter.u.cut);
		break;
	case LETTER_NONE:
		break;
	}
}
