#include "session/registry.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/wipe.h"

struct registry {
	struct context *context;
	const struct outlet *outlet;
	struct session_world world;
	struct xml_readers readers;
	struct body_reader *body_reader, *large_body_reader;
	struct websocket_reader *websocket_reader, *large_websocket_reader;
	struct xml *large_bodies;
	struct hash by_sid;
	struct due due;
	struct list live, dead;
	struct list unread, posts; /* of which something is read in portions; first the one that has begun */
	struct list newcomers;     /* requests that begin a session, and wait for a turn with room for it */
	unsigned n_newcomers;      /* in this turn */
	size_t n;
	uint64_t last_number;
	bool is_ending; /* no session is begun any more */
	struct {
		enum closing reason;
		size_t n; /* so many are still to be ended, the first ones */
		ms_t at, until;
	} drain;
};

#define SOON_MS 100
/* Sessions begun by BOSH in one turn. */
#define MAX_NEWCOMERS 32

/* A request that has to wait: its body is read in portions, or it begins a session; and what has happened to it meanwhile. */
struct waiting {
	struct post post;
	struct buf bytes;
	struct xml_limits limits;
	struct budget *budget;
	size_t charged;
	bool is_gone, is_hurried;
	char sid[SID_MAX]; /* that it named, or of the session that it may begin */
	struct list link;
};

static struct waiting *
waiting_new(const struct post *post, struct xml_limits limits, const char *sid, struct budget *budget)
{
	struct waiting *p = xcalloc(1, sizeof *p);

	buf_init_secret(&p->bytes, BUF_UNLIMITED);
	must(buf_append(&p->bytes, post->body) == 0);
	p->post = *post;
	p->post.body = buf_slice(&p->bytes);
	p->limits = limits;
	memcpy(p->sid, sid, strlen(sid) + 1);
	p->budget = budget;
	budget_move(budget, &p->charged, post->body.n);
	list_init(&p->link);
	return p;
}

static void
waiting_free(struct waiting *p)
{
	list_remove(&p->link);
	budget_move(p->budget, &p->charged, 0);
	buf_fini(&p->bytes);
	wipe(p->sid, sizeof p->sid);
	free(p);
}

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

	if (!session_has_unread(s))
		list_remove(&s->unread_link);
	else if (list_is_empty(&s->unread_link))
		list_append(&r->unread, &s->unread_link);
	if (session_is_done(s, now)) {
		list_remove(&s->unread_link);
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
	r->large_bodies = xml_new(seed);
	xml_charge(r->large_bodies, &context->budget);
	r->large_body_reader = body_reader_new(r->large_bodies);
	r->large_websocket_reader = websocket_reader_new(r->readers.large);
	r->world = (struct session_world){
		.outlet = outlet,
		.hooks = hooks,
		.log = context->log,
		.counters = context->counters,
		.websocket_reader = r->websocket_reader,
		.large_reader = r->large_websocket_reader,
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
	list_init(&r->unread);
	list_init(&r->posts);
	list_init(&r->newcomers);
	return r;
}

static void
forget(struct registry *r, struct session *s)
{
	list_remove(&s->unread_link);
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
	while ((link = list_shift(&r->posts)) != NULL || (link = list_shift(&r->newcomers)) != NULL)
		waiting_free(list_entry(link, struct waiting, link));
	hash_fini(&r->by_sid);
	due_fini(&r->due);
	body_reader_free(r->body_reader);
	body_reader_free(r->large_body_reader);
	websocket_reader_free(r->websocket_reader);
	websocket_reader_free(r->large_websocket_reader);
	xml_free(r->large_bodies);
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
		(unsigned long long) s->number, log_peer(r->context->log, peer).text);
	return true;
}

/* A sid for the session of a request that named none. */
static void
make_sid(const struct registry *r, char sid[SID_MAX])
{
	const struct sid_prefix prefix = {r->context->node, r->context->self.generation};

	sid_make(sid, &prefix, r->context->self.worker, r->context->hooks);
}

/* The session of a request that named none; NULL when it is one too many. */
static struct session *
create(struct registry *r, const struct peer *peer, const char *sid, ms_t now, unsigned *retry_after)
{
	struct quota_ticket ticket;
	struct session *s;

	if (!admission_enter(&r->world.admission, peer, now, &ticket, retry_after))
		return NULL;
	s = session_new_bosh(&r->world, r->context->conf, sid, next_number(r), peer, now);
	s->ticket = ticket;
	s->has_ticket = true;
	add(r, s);
	return s;
}

/* The session whose request this is; NULL when it has been answered.  made: the sid of one that it begins. */
static struct session *
find_or_create(struct registry *r, const struct post *post, const struct body *body, struct slice sid, const char *made,
	enum closing refused, ms_t now)
{
	const struct outlet *outlet = r->outlet;
	struct session *s;
	unsigned retry_after = 0;

	if (slice_is_set(sid)) {
		s = find(r, sid);
		if (s == NULL) {
			counter_add(r->context->counters->bosh_unknown_sid, 1);
			log_event(r->context->log, LOG_INFO, "unknown session", "client=%s rid=%llu",
				log_peer(r->context->log, &post->peer).text, (unsigned long long) body->rid);
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
		s = create(r, &post->peer, made, now, &retry_after);
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

/* The body has been read.  sid: of the session that it may begin, and then of the one it belongs to. */
static enum registry_verdict
take(struct registry *r, const struct post *post, struct body *body, enum closing refused, ms_t now, char sid[SID_MAX],
	struct owner *owner)
{
	struct slice named = body->sid;
	struct session *s;

	/* Whoever sends a session nonsense ends it, if it can be made out whose it was. */
	if (!slice_is_set(named) && refused != CLOSING_NONE)
		named = body_sid_of_refused(post->body);
	if (slice_is_set(named) && is_of_other(r, named, sid, owner))
		return REGISTRY_FORWARD;
	if (!slice_is_set(named) && refused == CLOSING_NONE && sid[0] == '\0')
		make_sid(r, sid);
	s = find_or_create(r, post, body, named, sid, refused, now);
	if (s == NULL && !slice_is_set(named))
		sid[0] = '\0';
	if (s == NULL)
		return REGISTRY_TAKEN;
	memcpy(sid, s->sid, sizeof s->sid);
	session_request(s, body, post->id, post->has_left, refused, now);
	return REGISTRY_TAKEN;
}

/* Puts a request off.  One that names no session may begin one: its connection is told now by which sid. */
static void
put_off(struct registry *r, struct list *list, const struct post *post, struct xml_limits limits, char sid[SID_MAX])
{
	if (sid[0] == '\0')
		make_sid(r, sid);
	list_append(list, &waiting_new(post, limits, sid, &r->context->budget)->link);
}

enum registry_verdict
registry_post(struct registry *r, const struct post *post, ms_t now, char sid[SID_MAX], struct owner *owner)
{
	struct body *body;
	struct slice named = body_sid(post->body);
	struct xml_limits limits = limits_for(r, named);
	enum closing refused;

	if (is_of_other(r, named, sid, owner))
		return REGISTRY_FORWARD;
	if (post->body.n > XML_PORTION) {
		put_off(r, &r->posts, post, limits, sid);
		return REGISTRY_TAKEN;
	}
	refused = body_read(r->body_reader, limits, post->body, &body);
	if (refused == CLOSING_NONE && !slice_is_set(body->sid) && r->n_newcomers++ >= MAX_NEWCOMERS) {
		put_off(r, &r->newcomers, post, limits, sid);
		return REGISTRY_TAKEN;
	}
	/* Only the parser could see whose it is, and that session has other limits. */
	if (limits_for(r, body->sid).element != limits.element)
		refused = body_read(r->body_reader, limits_for(r, body->sid), post->body, &body);
	return take(r, post, body, refused, now, sid, owner);
}

/* What has happened to the request while it was not the session's yet. */
static void
catch_up(struct registry *r, const struct waiting *p, ms_t now)
{
	struct session *s = find(r, slice_str(p->sid));

	if (s != NULL && p->is_gone)
		session_news(s, p->post.id, (struct req_fate){.event = REQ_GONE}, now);
	else if (s != NULL && p->is_hurried)
		session_news(s, p->post.id, (struct req_fate){.event = REQ_HURRY}, now);
}

static void
run_post(struct registry *r, struct waiting *p, struct body_reader *reader, ms_t now)
{
	const struct outlet *outlet = r->outlet;
	struct owner owner;
	struct body *body;
	bool is_done;
	enum closing refused = body_portion(reader, p->limits, p->post.body, &body, &is_done);

	if (!is_done)
		return;
	/* Only the parser could see whose it is, and that session has other limits: once more. */
	if (limits_for(r, body->sid).element != p->limits.element) {
		p->limits = limits_for(r, body->sid);
		return;
	}
	list_remove(&p->link);
	budget_move(p->budget, &p->charged, 0);
	if (take(r, &p->post, body, refused, now, p->sid, &owner) == REGISTRY_FORWARD)
		outlet->forward(outlet->answers, &p->post, owner);
	else
		catch_up(r, p, now);
	waiting_free(p);
}

static void
run_session(struct registry *r, struct session *s, ms_t now)
{
	if (session_go_on(s, now) || list_is_empty(&s->unread_link))
		return;
	/* More of it is there: the others first. */
	list_remove(&s->unread_link);
	list_append(&r->unread, &s->unread_link);
}

bool
registry_run(struct registry *r, ms_t now)
{
	r->n_newcomers = 0;
	if (list_is_empty(&r->posts) && list_is_empty(&r->newcomers) && list_is_empty(&r->unread))
		return false;
	for (; r->n_newcomers < MAX_NEWCOMERS && !list_is_empty(&r->newcomers); r->n_newcomers++)
		run_post(r, list_entry(r->newcomers.next, struct waiting, link), r->body_reader, now);
	if (!list_is_empty(&r->posts))
		run_post(r, list_entry(r->posts.next, struct waiting, link), r->large_body_reader, now);
	if (!list_is_empty(&r->unread))
		run_session(r, list_entry(r->unread.next, struct session, unread_link), now);
	return true;
}

/* True when the request is still being read, and its session knows nothing of it. */
static bool
note_news(struct list *waiting, const struct news *news)
{
	if (news->fate.event != REQ_GONE && news->fate.event != REQ_HURRY)
		return false;
	for (struct list *link = waiting->next; link != waiting; link = link->next) {
		struct waiting *p = list_entry(link, struct waiting, link);
		if (!req_eq(p->post.id, news->id))
			continue;
		p->is_gone = p->is_gone || news->fate.event == REQ_GONE;
		p->is_hurried = p->is_hurried || news->fate.event == REQ_HURRY;
		return true;
	}
	return false;
}

enum registry_verdict
registry_news(struct registry *r, const struct news *news, ms_t now, struct owner *owner)
{
	struct session *s;

	*owner = owner_of(r, news->sid);
	if (!owner_eq(*owner, r->context->self))
		return REGISTRY_FORWARD;
	if (note_news(&r->posts, news) || note_news(&r->newcomers, news))
		return REGISTRY_TAKEN;
	s = slice_is_set(news->sid) ? find(r, news->sid) : NULL;
	if (s != NULL)
		session_news(s, news->id, news->fate, now);
	return REGISTRY_TAKEN;
}

/* When the next session is to be ended: what time is left is divided among those that are. */
static void
time_drain(struct registry *r, ms_t now)
{
	ms_t left = r->drain.until - now;

	if (r->drain.n == 0)
		r->drain.at = MS_NEVER;
	else
		r->drain.at = now + (left > 0 ? left / (ms_t) r->drain.n : 0);
}

void
registry_drain(struct registry *r, enum closing reason, ms_t until, ms_t now)
{
	r->is_ending = true;
	r->drain.reason = reason;
	r->drain.until = until;
	r->drain.n = 0;
	for (struct list *link = r->live.next; link != &r->live; link = link->next)
		r->drain.n++;
	time_drain(r, now);
}

/* Those that are ended go to the end of the list; one that ended by itself, or is new, is no more than ended again. */
static void
drain_some(struct registry *r, ms_t now)
{
	while (r->drain.n > 0 && r->drain.at <= now && !list_is_empty(&r->live)) {
		struct session *s = list_entry(r->live.next, struct session, link);
		list_remove(&s->link);
		list_append(&r->live, &s->link);
		r->drain.n--;
		r->drain.at += r->drain.n > 0 ? (r->drain.until - r->drain.at) / (ms_t) (r->drain.n + 1) : 0;
		session_close(s, r->drain.reason, now);
	}
	if (list_is_empty(&r->live))
		r->drain.n = 0;
}

/* A WebSocket that comes meanwhile is told next, when it is the caller's no more. */
static void
drain_first(struct registry *r, struct session *s, ms_t now)
{
	list_remove(&s->link);
	list_append(r->live.next, &s->link);
	r->drain.n++;
	r->drain.at = now;
}

struct session *
registry_websocket(struct registry *r, const struct peer *peer, ms_t now)
{
	struct session *s = session_new_websocket(&r->world, r->context->conf, next_number(r), peer, now);
	unsigned retry_after;

	log_event(r->context->log, LOG_DEBUG, "WebSocket connected", "session=%llu client=%s",
		(unsigned long long) s->number, log_peer(r->context->log, peer).text);
	s->has_ticket = admission_enter(&r->world.admission, peer, now, &s->ticket, &retry_after);
	s->is_refused = !s->has_ticket;
	if (s->is_refused)
		s->login_by = now;
	add(r, s);
	rearm(r, s, now);
	if (r->drain.until > 0)
		drain_first(r, s, now);
	return s;
}

ms_t
registry_deadline(const struct registry *r)
{
	return ms_min(due_first(&r->due), r->drain.n > 0 ? r->drain.at : MS_NEVER);
}

void
registry_expire(struct registry *r, ms_t now)
{
	struct due_link *link;

	drain_some(r, now);

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
