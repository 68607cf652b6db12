#include "session/registry.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

struct registry {
	struct registry_config config;
	struct session_world world;
	const struct conf *conf;
	char *node; /* of the first configuration: sids keep it */
	struct xml_readers readers;
	struct body_reader *body_reader;
	struct websocket_reader *websocket_reader;
	struct hash by_sid;
	struct due due;
	struct list live, dead;
	size_t n;
	uint64_t last_number;
	struct slice posted;
	struct budget budget;
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

/* Each worker has its part of what all together may keep. */
static void
set_limits(struct registry *r)
{
	r->budget.max = r->conf->limits.buffer_total / r->config.n_workers;
}

static void
open_readers(struct registry *r)
{
	struct xml_limits limits = {r->conf->limits.stanza, XML_DEPTH_MAX};

	r->body_reader = body_reader_new(r->readers.documents, limits);
	r->websocket_reader = websocket_reader_new(r->readers.documents, limits);
}

struct registry *
registry_new(const struct registry_config *config, const struct conf *conf)
{
	struct registry *r = xcalloc(1, sizeof *r);
	uint64_t seed;

	r->config = *config;
	r->config.prefix.node = r->node = xstrdup(config->prefix.node);
	r->conf = conf_ref(conf);
	config->hooks->random(config->hooks->arg, &seed, sizeof seed);
	xml_readers_init(&r->readers, seed);
	open_readers(r);
	r->world = (struct session_world){
		.outlet = config->outlet,
		.hooks = config->hooks,
		.log = config->log,
		.counters = config->counters,
		.websocket_reader = r->websocket_reader,
		.readers = &r->readers,
		.budget = &r->budget,
		.arg = r,
		.rearm = rearm,
	};
	set_limits(r);
	config->hooks->random(config->hooks->arg, &seed, sizeof seed);
	hash_init(&r->by_sid, seed);
	due_init(&r->due);
	list_init(&r->live);
	list_init(&r->dead);
	return r;
}

void
registry_set_conf(struct registry *r, const struct conf *conf)
{
	const struct conf *old = r->conf;

	r->conf = conf_ref(conf);
	conf_unref(old);
	body_reader_free(r->body_reader);
	websocket_reader_free(r->websocket_reader);
	open_readers(r);
	r->world.websocket_reader = r->websocket_reader;
	set_limits(r);
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
	conf_unref(r->conf);
	free(r->node);
	free(r);
}

bool
registry_worker(const struct registry *r, struct slice sid, unsigned *worker)
{
	return slice_is_set(sid) && sid_worker(sid, &r->config.prefix, worker) && *worker < r->config.n_workers;
}

unsigned
registry_owner(const struct registry *r, struct slice body, struct slice *sid)
{
	unsigned worker;

	*sid = body_sid(body);
	return registry_worker(r, *sid, &worker) ? worker : r->config.worker;
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
	return ++r->last_number * r->config.n_workers + r->config.worker;
}

/*
 * A request without a session that could answer it.  Who sends a creation
 * request without a version reads HTTP errors (XEP-0124, 17.1).
 *
 * DEVIATES: of others it is not known, and they get the condition.
 */
static void
answer_terminal(struct registry *r, struct req_id req, enum closing reason, const struct body *body)
{
	bool is_legacy = body->has_root && !slice_is_set(body->sid) && !slice_is_set(body->ver);
	const struct outlet *outlet = r->config.outlet;
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	body_terminal(&text, reason, NULL);
	outlet->reply(outlet->arg, req, is_legacy ? closing_http_status(reason) : 200, buf_slice(&text),
		"text/xml; charset=utf-8");
	buf_fini(&text);
}

enum registry_verdict
registry_post(
	struct registry *r, struct req_id req, struct slice bytes, const struct peer *peer, ms_t now, unsigned *worker)
{
	struct session *s;
	struct body *body;
	enum closing refused = body_read(r->body_reader, bytes, &body);
	struct slice sid = body->sid;
	char text[SID_MAX];

	/* Whoever sends a session nonsense ends it, if it can be made out whose it was. */
	if (!slice_is_set(sid) && refused != CLOSING_NONE)
		sid = body_sid_of_refused(bytes);
	r->posted = SLICE_NONE;
	if (slice_is_set(sid)) {
		if (registry_worker(r, sid, worker) && *worker != r->config.worker)
			return REGISTRY_FORWARD;
		s = find(r, sid);
		if (s == NULL) {
			counter_add(r->config.counters->bosh_unknown_sid, 1);
			answer_terminal(r, req, CLOSING_RID_WINDOW, body);
			return REGISTRY_TAKEN;
		}
		/*
		 * XEP-0124, 19.1: "If the client sends a wrapper element that is part of a 'secure session' over a
		 * connection that ... is not encrypted ... the connection manager SHOULD simply close the connection.
		 * The connection manager SHOULD NOT terminate the session".
		 */
		if (s->peer.is_secure && !peer->is_secure) {
			log_event(r->config.log, LOG_NOTICE, "session of TLS asked for without",
				"session=%llu client=%s", (unsigned long long) s->number, peer->text);
			r->config.outlet->cut(r->config.outlet->arg, req);
			return REGISTRY_TAKEN;
		}
		if (peer->has_left && refused == CLOSING_NONE && bosh_is_old(s->front.bosh, body->rid)) {
			r->config.outlet->cut(r->config.outlet->arg, req);
			return REGISTRY_TAKEN;
		}
	} else if (refused != CLOSING_NONE) {
		answer_terminal(r, req, refused, body);
		return REGISTRY_TAKEN;
	} else if (r->is_ending) {
		answer_terminal(r, req, CLOSING_SHUTDOWN, body);
		return REGISTRY_TAKEN;
	} else {
		sid_make(text, &r->config.prefix, r->config.worker, r->config.hooks);
		s = session_new_bosh(&r->world, r->conf, text, next_number(r), peer, now);
		add(r, s);
	}
	r->posted = slice_str(s->sid);
	session_request(s, body, req, refused, now);
	return REGISTRY_TAKEN;
}

struct slice
registry_posted(const struct registry *r)
{
	return r->posted;
}

void
registry_gone(struct registry *r, struct slice sid, struct req_id req, ms_t now)
{
	struct session *s = slice_is_set(sid) ? find(r, sid) : NULL;

	if (s != NULL)
		session_request_gone(s, req, now);
}

void
registry_hurry(struct registry *r, struct slice sid, struct req_id req, ms_t now)
{
	struct session *s = slice_is_set(sid) ? find(r, sid) : NULL;

	if (s != NULL)
		session_request_hurry(s, req, now);
}

void
registry_unsent(struct registry *r, struct slice sid, ssize_t n, ms_t now)
{
	struct session *s = slice_is_set(sid) ? find(r, sid) : NULL;

	if (s != NULL)
		session_unsent(s, n, now);
}

struct session *
registry_websocket(struct registry *r, const struct peer *peer, ms_t now)
{
	struct session *s = session_new_websocket(&r->world, r->conf, next_number(r), peer, now);

	add(r, s);
	rearm(r, s, now);
	return s;
}

struct budget *
registry_budget(struct registry *r)
{
	return &r->budget;
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
