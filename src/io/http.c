#include "io/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/state.h"
#include "io/http_connection.h"
#include "io/http_library.h"
#include "io/late_upgrade.h"

/*
 * Resuming costs the library a walk over all requests it holds, so the
 * connections are spread over several daemons, MAX_SHARDS of them, once there
 * are many.
 */
#define SHARD_CONNECTIONS 1000

static const struct state states[] = {
	[HTTP_OPEN] = {"open", STEP(HTTP_ENDING)},
	[HTTP_ENDING] = {"ending", STEP(HTTP_CLOSED)},
	[HTTP_CLOSED] = {"closed", 0},
};

static void
set_state(struct http *h, enum http_state to)
{
	struct trace trace = {.log = h->context->log, .kind = "worker", .number = h->context->self.worker};

	state_step(states, "http", &trace, h->state, to);
	h->state = to;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct shard *s = poll->data;

	(void) status;
	(void) events;
	s->is_dirty = true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct http *h = timer->data;

	for (unsigned i = 0; i < h->n_shards; i++)
		h->shard[i].is_dirty = true;
}

/* False when the library, or the loop, has no descriptors left for another daemon. */
static bool
open_shard(struct http *h, enum pool pool)
{
	struct shard *s = &h->shard[h->n_shards];
	const union MHD_DaemonInfo *info;

	*s = (struct shard){.http = h, .pool = pool};
	s->daemon = http_library_start(h, pool);
	if (s->daemon == NULL)
		return false;
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	must(info != NULL);
	must(uv_poll_init(h->loop, &s->poll, info->epoll_fd) == 0);
	s->poll.data = s;
	must(uv_poll_start(&s->poll, UV_READABLE, on_readable) == 0);
	h->n_shards++;
	h->n_open++;
	return true;
}

struct http *
http_new(uv_loop_t *loop, struct context *context, const struct http_handler *handler)
{
	struct http *h = xcalloc(1, sizeof *h);

	h->loop = loop;
	h->context = context;
	h->handler = handler;
	list_init(&h->to_resume);
	list_init(&h->untold);
	list_init(&h->vanished);
	list_init(&h->leaving);
	list_init(&h->pipelined);
	list_init(&h->upgrades);
	list_init(&h->connections);
	h->watch = watch_new(loop, http_connection_watched, h);
	must(uv_timer_init(loop, &h->timer) == 0);
	h->timer.data = h;
	h->sweep_at = MS_NEVER;
	h->n_open = 1;
	must(open_shard(h, POOL_USUAL));
	return h;
}

static struct shard *
choose_shard(struct http *h, enum pool pool)
{
	struct shard *best = NULL;

	for (unsigned i = 0; i < h->n_shards; i++)
		if (h->shard[i].pool == pool && (best == NULL || h->shard[i].n_connections < best->n_connections))
			best = &h->shard[i];
	if (best != NULL && (best->n_connections < SHARD_CONNECTIONS || h->n_shards >= MAX_SHARDS))
		return best;
	if (open_shard(h, pool))
		return &h->shard[h->n_shards - 1];
	/* A crowded one, or the usual one, serves as well when there is nothing to make another of. */
	return best != NULL ? best : &h->shard[0];
}

void
http_adopt(struct http *h, int fd, size_t room, const struct peer *peer)
{
	struct connection *c;

	if (h->state == HTTP_CLOSED) {
		close(fd);
		return;
	}
	c = http_connection_new(
		h, fd, peer, choose_shard(h, pool_choose(room, conf_is_trusted(h->context->conf, peer))));
	c->shard->is_dirty = true;
	if (MHD_add_connection(c->shard->daemon, fd, NULL, 0) != MHD_YES) {
		log_event(h->context->log, LOG_WARNING, "connection not served",
			"client=%s reason=\"no room in the HTTP library\"", log_peer(h->context->log, peer).text);
		http_connection_refused(h, c);
	}
}

ms_t
http_deadline(const struct http *h)
{
	return h->sweep_at;
}

void
http_expire(struct http *h, ms_t now)
{
	if (now < h->sweep_at)
		return;
	http_connections_expire(h, now);
	http_connections_plan(h, now);
}

void
http_reload(struct http *h)
{
	http_connections_plan(h, (ms_t) uv_now(h->loop));
}

static void
hand_over_upgrades(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->upgrades)) != NULL) {
		struct late_upgrade *late = list_entry(link, struct late_upgrade, link);
		h->handler->upgraded(h->handler->arg, late->fd, &late->head, &late->peer);
		late->fd = -1;
		late_upgrade_free(late);
	}
}

/*
 * Whoever gave a large answer was in the middle of a session's event: it is told
 * later how much is on its way.
 */
static void
tell_unsent(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->untold)) != NULL) {
		struct request *rq = list_entry(link, struct request, untold);
		tell(rq, (struct req_fate){REQ_UNSENT, (int64_t) rq->unsent});
		tell_moving(rq, true);
	}
}

void
http_tell_gone(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->vanished)) != NULL) {
		struct connection *c = list_entry(link, struct connection, vanished);
		struct request *rq = c->request;
		if (!pace_is_suspended(&c->pace)) {
			http_connection_leave(h, c);
			continue;
		}
		list_remove(&rq->due);
		list_append(&h->to_resume, &rq->due);
		http_library_dismiss(rq);
	}
	tell_unsent(h);
}

static void
hurry(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->pipelined)) != NULL) {
		struct connection *c = list_entry(link, struct connection, vanished);
		if (pace_is_unanswered(&c->pace) && pace_is_pipelined(&c->pace))
			tell(c->request, (struct req_fate){.event = REQ_HURRY});
	}
}

static void
resume(struct http *h)
{
	struct list *link;

	while ((link = list_shift(&h->to_resume)) != NULL) {
		struct request *rq = list_entry(link, struct request, due);
		pace_run(&rq->connection->pace);
		rq->connection->shard->is_dirty = true;
		MHD_resume_connection(rq->library);
	}
}

bool
http_run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG timeout, first = UINT64_MAX;

	if (h->state == HTTP_CLOSED)
		return false;
	http_tell_gone(h);
	hurry(h);
	tell_unsent(h);
	resume(h);
	for (unsigned i = 0; i < h->n_shards; i++) {
		struct shard *s = &h->shard[i];
		if (!s->is_dirty)
			continue;
		s->is_dirty = false;
		MHD_run(s->daemon);
		if (MHD_get_timeout(s->daemon, &timeout) != MHD_YES)
			continue;
		if (timeout == 0)
			s->is_dirty = true;
		else if (timeout < first)
			first = timeout;
	}
	http_connections_part(h);
	hand_over_upgrades(h);
	if (first != UINT64_MAX && !uv_is_active((uv_handle_t *) &h->timer))
		uv_timer_start(&h->timer, on_timer, first, 0);
	for (unsigned i = 0; i < h->n_shards; i++)
		if (h->shard[i].is_dirty)
			return true;
	return !list_is_empty(&h->to_resume) || !list_is_empty(&h->untold) || !list_is_empty(&h->vanished);
}

static void
on_closed(uv_handle_t *handle)
{
	struct http *h = handle->type == UV_TIMER ? handle->data : ((struct shard *) handle->data)->http;

	if (--h->n_open > 0)
		return;
	for (unsigned i = 0; i < h->n_shards; i++)
		MHD_stop_daemon(h->shard[i].daemon);
	watch_close(h->watch);
	slots_fini(&h->requests);
	fdmap_fini(&h->arrivals, NULL);
	free(h);
}

void
http_close(struct http *h)
{
	struct http_field field = {"Connection", "close"};
	struct request *rq;
	uint32_t slot = 0;

	if (h == NULL)
		return;
	set_state(h, HTTP_ENDING);
	/* The library aborts when a daemon stops while it holds a request. */
	while ((rq = slots_next(&h->requests, &slot)) != NULL)
		http_reply(h, request_id(rq), 503, &field, 1, SLICE(""));
	for (int i = 0; i < 16 && http_run(h); i++)
		;
	set_state(h, HTTP_CLOSED);
	for (unsigned i = 0; i < h->n_shards; i++)
		uv_close((uv_handle_t *) &h->shard[i].poll, on_closed);
	uv_close((uv_handle_t *) &h->timer, on_closed);
}

void
http_versions(struct library *l)
{
	/* Two digits for each part. */
	unsigned built = (unsigned) MHD_VERSION;
	char text[LIBRARY_VERSION];

	snprintf(text, sizeof text, "%x.%x.%x", built >> 24, built >> 16 & 0xff, built >> 8 & 0xff);
	library_set(l, "libmicrohttpd", text, MHD_get_version());
}
