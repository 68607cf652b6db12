#include "session/custody.h"

#include "base/fatal.h"
#include "proto/stream/bounce.h"
#include "proto/stream/envelope.h"

void
custody_begin(struct session *s)
{
	if (s->front.transport->has_proof && s->domain->acks == ACKS_AUTO && s->management == NULL)
		s->management = management_new();
}

/* What management has to say, in order. */
static void
say(struct session *s)
{
	struct stanza *st;

	while ((st = management_next_up(s->management)) != NULL)
		upstream_send(s->upstream, &st);
	while ((st = management_next_down(s->management)) != NULL)
		s->front.transport->give(&s->front, &st);
}

static void
note_proven(struct session *s)
{
	management_proven(s->management, s->front.transport->confirmed(&s->front).returnable);
}

void
custody_end(struct session *s)
{
	if (s->management == NULL)
		return;
	note_proven(s);
	management_end(s->management);
	say(s);
}

/* An answer of the client's is the only one. */
static void
note_answer(struct session *s, const struct stanza *st)
{
	if (!answered_is_answer(st))
		return;
	if (s->answered == NULL)
		s->answered = xcalloc(1, sizeof *s->answered);
	answered_note(s->answered, st);
}

void
custody_up(struct session *s, struct stanza **st, ms_t now)
{
	struct upstream_offer offer;

	note_answer(s, *st);
	if (s->management == NULL) {
		upstream_send(s->upstream, st);
		return;
	}
	offer = upstream_offer(s->upstream);
	management_up(s->management, &offer, st, now);
	say(s);
}

/* Were it left to the server, it would come at each login, and end it. */
static void
bounce_skipped(struct session *s, const struct stanza *st)
{
	struct stanza *bounce = bounce_too_large(stanza_slice(st));

	log_event(s->world->log, LOG_NOTICE, "stanza of the server too large",
		"session=%llu domain=%s limit=%zu answered=%s", (unsigned long long) s->number, s->domain->ascii,
		s->conf->limits.stanza, bounce != NULL ? "yes" : "no");
	if (bounce == NULL)
		return;
	counter_add(s->world->counters->stanzas_bounced, 1);
	upstream_send(s->upstream, &bounce);
}

bool
custody_down(struct session *s, struct stanza *st)
{
	bool is_for_client = s->management == NULL || management_down(s->management, st);

	if (s->management != NULL)
		say(s);
	if (s->answered != NULL && st->kind != STANZA_SKIPPED)
		answered_ask(s->answered, st);
	if (st->kind != STANZA_SKIPPED)
		return is_for_client;
	bounce_skipped(s, st);
	return false;
}

/* How much we want to know what the client has. */
static enum seek
how_to_seek(const struct session *s, uint32_t unhandled)
{
	unsigned many = s->conf->limits.acks;

	if (!management_is_ours(s->management) || management_is_client_inactive(s->management))
		return SEEK_NOT;
	return many > 0 && unhandled >= many ? SEEK_URGENTLY : SEEK_CALMLY;
}

/* Once in each session: it may be that the server forgets, or refuses, what it keeps too much of. */
static void
tell_many(struct session *s, uint32_t unhandled)
{
	if (s->has_many_unhandled || s->conf->limits.acks == 0 || unhandled < s->conf->limits.acks)
		return;
	s->has_many_unhandled = true;
	log_event(s->world->log, LOG_NOTICE, "much is unconfirmed",
		"session=%llu client=%s domain=%s stanzas=%lu text=\"the client does not show what it has; the server may "
		"forget some of it\"",
		(unsigned long long) s->number, log_peer(s->world->log, &s->peer).text, s->domain->ascii,
		(unsigned long) unhandled);
}

void
custody_settle(struct session *s, ms_t now)
{
	struct upstream_offer offer;
	uint32_t unhandled;

	if (s->management == NULL || s->state == SESSION_CLOSED || s->server != SERVER_OPEN)
		return;
	note_proven(s);
	offer = upstream_offer(s->upstream);
	management_settle(s->management, &offer, now);
	say(s);
	unhandled = management_unhandled(s->management);
	s->front.transport->seek(&s->front, how_to_seek(s, unhandled));
	tell_many(s, unhandled);
}

ms_t
custody_deadline(const struct session *s)
{
	if (s->management == NULL || s->state == SESSION_CLOSED || s->server != SERVER_OPEN)
		return MS_NEVER;
	return management_deadline(s->management);
}

size_t
custody_queued(const struct session *s)
{
	return s->management != NULL ? management_queued(s->management) : 0;
}

/*
 * What the server has back is its to answer.  Of the rest a client that was
 * handed something once may have answered it or not: a request that waits for
 * an answer gets one, a message may have been read.  Rooms are not told: they
 * would remove somebody who is leaving anyway.
 */
static bool
is_to_be_answered(const struct session *s, const struct stanza *st, bool is_ours, bool was_handed_out)
{
	if (st->is_returnable || answered_has(s->answered, st))
		return false;
	if (st->kind == STANZA_IQ)
		return true;
	return !was_handed_out && (!is_ours || envelope_is_returnable(st));
}

void
custody_return(struct session *s, enum closing reason)
{
	bool is_ours = s->management != NULL && management_is_ours(s->management);
	size_t handed_out = 0;
	struct stanza *st, *bounce;

	if ((reason != CLOSING_INACTIVE && reason != CLOSING_SHUTDOWN) || s->server != SERVER_OPEN)
		return;
	if (is_ours && reason == CLOSING_INACTIVE)
		handed_out = s->front.transport->recall(&s->front);
	for (size_t i = 0; (st = s->front.transport->next_undelivered(&s->front)) != NULL; i++) {
		bounce = is_to_be_answered(s, st, is_ours, i < handed_out) ? bounce_of(st) : NULL;
		stanza_free(st);
		if (bounce == NULL)
			continue;
		counter_add(s->world->counters->stanzas_bounced, 1);
		upstream_send(s->upstream, &bounce);
	}
}

void
custody_server_lost(struct session *s)
{
	struct stanza *st, *answer;
	uint32_t unanswered =
		s->management != NULL && management_is_ours(s->management) ? management_unanswered(s->management) : 0;
	uint32_t unsent = 0;

	if (s->upstream == NULL || s->state == SESSION_CLOSED)
		return;
	while ((st = upstream_next_unsent(s->upstream)) != NULL) {
		unsent += st->kind == STANZA_MESSAGE || st->kind == STANZA_PRESENCE || st->kind == STANZA_IQ;
		answer = bounce_unsent(st);
		stanza_free(st);
		if (answer != NULL)
			s->front.transport->give(&s->front, &answer);
	}
	if (unanswered > unsent || unsent > 0)
		log_event(s->world->log, LOG_NOTICE, "not confirmed by the server",
			"session=%llu domain=%s unsent=%lu unconfirmed=%lu", (unsigned long long) s->number,
			s->domain->ascii, (unsigned long) unsent,
			(unsigned long) (unanswered > unsent ? unanswered - unsent : 0));
}
