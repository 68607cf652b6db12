#include "session/registry.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

struct registry {
	struct context *context;
	const struct outlet *outlet;
	struct session_world world;
	struct xml_readers readers;
	struct body_reader *body_reader;
	struct websocket_reader *websocket_reader;
	struct hash by_sid;
	struct due due;
	struct list live, dead;
	size_t n;
	uint64_t last_number;
	bool is_ending; /* no BOSH session is begun any more */
};

#define SOON_MS 100

/*
 * Deadlines mostly move later, with each message.  Moving them in the heap
 * each time would be wasted: a session whose deadline came too early is asked
 * again and put back.  One that was about to come is moved, though: a held
 * request that lingers for the server's answer mostly gets it in time, and
 * the loop need not wake up for nothing.
 */
static void
rearm(void *arg, struct session *s, ms_t now)
{
	struct registry *r = arg;
	ms_t deadline = session_deadline(s);

	if (session_is_done(s, now)) {
		list_remove(&s->link);
		list_append(&r->dead, &s->link);
		due_set(&r->due, &s->due, MS_NEVER);
		return;
	}
	/* What is overdue already is looked at in the next millisecond: time goes on between two looks. */
	if (deadline <= now)
		deadline = now + 1;
	if (s->due.place == 0 || deadline < s->due.at || (deadline > s->due.at && s->due.at < now + SOON_MS))
		due_set(&r->due, &s->due, deadline);
}

struct registry *
registry_new(struct context *context, const struct outlet *outlet)
{
	struct registry *r = xcalloc(1, sizeof *r);
	const struct hooks *hooks = context->hooks;
	uint64_t seed;

	r->context = context;
	r->outlet = outlet;
	hooks->random(hooks->arg, &seed, sizeof seed);
	xml_readers_init(&r->readers, seed);
	xml_readers_charge(&r->readers, &context->budget);
	r->body_reader = body_reader_new(r->readers.documents);
	r->websocket_reader = websocket_reader_new(r->readers.documents);
	r->world = (struct session_world){
		.outlet = outlet,
		.hooks = hooks,
		.log = context->log,
		.counters = context->counters,
		.websocket_reader = r->websocket_reader,
		.readers = &r->readers,
		.budget = &context->budget,
		.admission = context_admission(context),
		.arg = r,
		.rearm = rearm,
	};
	hooks->random(hooks->arg, &seed, sizeof seed);
	hash_init(&r->by_sid, seed);
	due_init(&r->due);
	list_init(&r->live);
	list_init(&r->dead);
	return r;
}

static void
forget(struct registry *r, struct session *s)
{
	list_remove(&s->link);
	due_set(&r->due, &s->due, MS_NEVER);
	if (s->sid[0] != '\0')
		hash_remove(&r->by_sid, &s->by_sid);
	r->n--;
	session_free(s);
}

void
registry_free(struct registry *r)
{
	struct list *link;

	if (r == NULL)
		return;
	while ((link = list_shift(&r->live)) != NULL || (link = list_shift(&r->dead)) != NULL)
		forget(r, list_entry(link, struct session, link));
	hash_fini(&r->by_sid);
	due_fini(&r->due);
	body_reader_free(r->body_reader);
	websocket_reader_free(r->websocket_reader);
	xml_readers_fini(&r->readers);
	free(r);
}

/* Whose sid this is: one that was not made by this process is taken for our own, and will not be found. */
static struct owner
owner_of(const struct registry *r, struct slice sid)
{
	const struct sid_prefix prefix = {r->context->node, r->context->self.generation};
	struct owner owner = r->context->self;
	unsigned worker;

	if (slice_is_set(sid) && sid_worker(sid, &prefix, &worker) && worker < r->context->n_workers)
		owner.worker = worker;
	return owner;
}

static struct session *
find(const struct registry *r, struct slice sid)
{
	struct hash_link *link = hash_find(&r->by_sid, sid);

	return link != NULL ? hash_entry(link, struct session, by_sid) : NULL;
}

static void
add(struct registry *r, struct session *s)
{
	list_append(&r->live, &s->link);
	r->n++;
	if (s->sid[0] != '\0')
		hash_insert(&r->by_sid, &s->by_sid, slice_str(s->sid));
}

/* Numbers of all workers differ: worker i of w counts i + w, i + 2w ... */
static uint64_t
next_number(struct registry *r)
{
	return r->context->first_number + ++r->last_number * r->context->n_workers + r->context->self.worker;
}

/*
 * A request without a session that could answer it.  Who sends a creation
 * request without a version reads HTTP errors (XEP-0124, 17.1).
 *
 * DEVIATES: of others it is not known, and they get the condition.
 */
static void
answer_terminal(
	struct registry *r, struct req_id req, enum closing reason, unsigned retry_after, const struct body *body)
{
	bool is_legacy = body->has_root && !slice_is_set(body->sid) && !slice_is_set(body->ver);
	const struct outlet *outlet = r->outlet;
	struct buf text;
	struct reply reply = {
		.id = req, .status = is_legacy ? closing_http_status(reason) : 200, .retry_after = retry_after};

	buf_init(&text, BUF_UNLIMITED);
	body_terminal(&text, reason, NULL);
	reply.body = buf_slice(&text);
	outlet->reply(outlet->answers, &reply);
	buf_fini(&text);
}

/*
 * XEP-0124, 19.1: "If the client sends a wrapper element that is part of a
 * 'secure session' over a connection that ... is not encrypted ... the
 * connection manager SHOULD simply close the connection.  The connection
 * manager SHOULD NOT terminate the session".
 */
static bool
is_exposed(const struct registry *r, const struct session *s, const struct peer *peer)
{
	if (!s->peer.is_secure || peer->is_secure)
		return false;
	log_event(r->context->log, LOG_NOTICE, "session of TLS asked for without", "session=%llu client=%s",
		(unsigned long long) s->number, peer->text);
	return true;
}

/* The session of a request that named none; NULL when it is one too many. */
static struct session *
create(struct registry *r, const struct peer *peer, ms_t now, unsigned *retry_after)
{
	const struct sid_prefix prefix = {r->context->node, r->context->self.generation};
	char sid[SID_MAX];
	struct quota_ticket ticket;
	struct session *s;

	if (!admission_enter(&r->world.admission, peer, now, &ticket, retry_after))
		return NULL;
	sid_make(sid, &prefix, r->context->self.worker, r->context->hooks);
	s = session_new_bosh(&r->world, r->context->conf, sid, next_number(r), peer, now);
	s->ticket = ticket;
	s->has_ticket = true;
	add(r, s);
	return s;
}

/* The session whose request this is; NULL when it has been answered. */
static struct session *
find_or_create(struct registry *r, const struct post *post, const struct body *body, struct slice sid,
	enum closing refused, ms_t now)
{
	const struct outlet *outlet = r->outlet;
	struct session *s;
	unsigned retry_after = 0;

	if (slice_is_set(sid)) {
		s = find(r, sid);
		if (s == NULL) {
			counter_add(r->context->counters->bosh_unknown_sid, 1);
			log_event(r->context->log, LOG_INFO, "unknown session", "client=%s rid=%llu", post->peer.text,
				(unsigned long long) body->rid);
			answer_terminal(r, post->id, CLOSING_RID_WINDOW, 0, body);
		} else if (is_exposed(r, s, &post->peer) ||
			(post->has_left && refused == CLOSING_NONE && session_is_old(s, body->rid))) {
			outlet->cut(outlet->answers, post->id);
			s = NULL;
		}
		return s;
	}
	if (refused == CLOSING_NONE && r->is_ending)
		refused = CLOSING_SHUTDOWN;
	if (refused == CLOSING_NONE) {
		s = create(r, &post->peer, now, &retry_after);
		if (s != NULL)
			return s;
		refused = CLOSING_LIMITED;
	}
	answer_terminal(r, post->id, refused, retry_after, body);
	return NULL;
}

/* What a session may send was settled when it began. */
static struct xml_limits
limits_for(const struct registry *r, struct slice sid)
{
	const struct session *s = slice_is_set(sid) ? find(r, sid) : NULL;

	return session_limits(s != NULL ? s->conf : r->context->conf);
}

/* Whose request it is, as far as this sid tells; the sid is kept. */
static bool
is_of_other(const struct registry *r, struct slice named, char sid[SID_MAX], struct owner *owner)
{
	size_t n = named.n < SID_MAX ? named.n : 0;

	if (n > 0)
		memcpy(sid, named.p, n);
	sid[n] = '\0';
	*owner = owner_of(r, named);
	return !owner_eq(*owner, r->context->self);
}

enum registry_verdict
registry_post(struct registry *r, const struct post *post, ms_t now, char sid[SID_MAX], struct owner *owner)
{
	struct session *s;
	struct body *body;
	struct slice named = body_sid(post->body);
	struct xml_limits limits = limits_for(r, named);
	enum closing refused;

	if (is_of_other(r, named, sid, owner))
		return REGISTRY_FORWARD;
	refused = body_read(r->body_reader, limits, post->body, &body);
	named = body->sid;
	/* Only the parser could see whose it is, and that session has other limits. */
	if (limits_for(r, named).element != limits.element)
		refused = body_read(r->body_reader, limits_for(r, named), post->body, &body);
	named = body->sid;
	/* Whoever sends a session nonsense ends it, if it can be made out whose it was. */
	if (!slice_is_set(named) && refused != CLOSING_NONE)
		named = body_sid_of_refused(post->body);
	if (is_of_other(r, named, sid, owner))
		return REGISTRY_FORWARD;
	s = find_or_create(r, post, body, named, refused, now);
	if (s == NULL)
		return REGISTRY_TAKEN;
	memcpy(sid, s->sid, sizeof s->sid);
	session_request(s, body, post->id, post->has_left, refused, now);
	return REGISTRY_TAKEN;
}

enum registry_verdict
registry_news(struct registry *r, const struct news *news, ms_t now, struct owner *owner)
{
	struct session *s;

	*owner = owner_of(r, news->sid);
	if (!owner_eq(*owner, r->context->self))
		return REGISTRY_FORWARD;
	s = slice_is_set(news->sid) ? find(r, news->sid) : NULL;
	if (s != NULL)
		session_news(s, news->id, news->fate, now);
	return REGISTRY_TAKEN;
}

struct session *
registry_websocket(struct registry *r, const struct peer *peer, ms_t now)
{
	struct session *s = session_new_websocket(&r->world, r->context->conf, next_number(r), peer, now);
	unsigned retry_after;

	log_event(r->context->log, LOG_DEBUG, "WebSocket connected", "session=%llu client=%s",
		(unsigned long long) s->number, peer->text);
	s->has_ticket = admission_enter(&r->world.admission, peer, now, &s->ticket, &retry_after);
	s->is_refused = !s->has_ticket;
	if (s->is_refused)
		s->login_by = now;
	add(r, s);
	rearm(r, s, now);
	return s;
}

ms_t
registry_deadline(const struct registry *r)
{
	return due_first(&r->due);
}

void
registry_expire(struct registry *r, ms_t now)
{
	struct due_link *link;

	while ((link = due_shift(&r->due, now)) != NULL) {
		struct session *s = due_entry(link, struct session, due);
		ms_t deadline = session_deadline(s);
		if (deadline <= now)
			session_expire(s, now);
		else
			due_set(&r->due, link, deadline);
	}
}

void
registry_reap(struct registry *r, void (*before_free)(void *arg, struct session *s), void *arg)
{
	struct list *link;

	while ((link = list_shift(&r->dead)) != NULL) {
		struct session *s = list_entry(link, struct session, link);
		if (before_free != NULL)
			before_free(arg, s);
		forget(r, s);
	}
}

void
registry_close_all(struct registry *r, enum closing reason, ms_t now)
{
	struct list *next;

	r->is_ending = true;
	for (struct list *link = r->live.next; link != &r->live; link = next) {
		next = link->next;
		session_close(list_entry(link, struct session, link), reason, now);
	}
}

void
registry_bury_all(struct registry *r)
{
	struct list *link;

	while ((link = list_shift(&r->live)) != NULL)
		list_append(&r->dead, link);
}

bool
registry_is_told(const struct registry *r)
{
	for (struct list *link = r->live.next; link != &r->live; link = link->next)
		if (!session_is_told(list_entry(link, struct session, link)))
			return false;
	return true;
}

size_t
registry_count(const struct registry *r)
{
	return r->n;
}
