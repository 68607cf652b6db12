/*
 * bosh_http.h: what the HTTP side serves: BOSH bodies to the registry, CORS,
 * short pages for people, and upgrades that come late; what is none of these
 * goes to discovery.c and pages.c.
 */
#ifndef CULVERT_IO_BOSH_HTTP_H
#define CULVERT_IO_BOSH_HTTP_H

#include <uv.h>

#include "base/log.h"
#include "base/ms.h"
#include "io/http.h"
#include "proto/http/upgrade.h"
#include "session/registry.h"

struct bosh_http;

struct bosh_http_handler {
	void *arg;
	/* A body belongs to another worker's session; bytes are borrowed. */
	void (*forward)(void *arg, unsigned worker, struct req_id req, struct slice body, const struct peer *peer);
	/* The client of a request that was forwarded is gone, or has sent another behind it. */
	void (*forward_event)(void *arg, unsigned worker, struct req_id req, struct slice sid, bool is_gone);
	/* A session there has so many bytes more, or less, on their way to its client. */
	void (*forward_unsent)(void *arg, unsigned worker, struct slice sid, ssize_t n);
	/* A connection is to become a WebSocket, its head read; takes fd over. */
	void (*websocket)(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer);
};

struct bosh_http_config {
	uv_loop_t *loop;
	struct registry *registry;
	const struct conf *conf;
	const struct listeners *listeners;
	const struct upgrade_rules *rules;
	struct counters *counters;
	const struct log *log;
	uint32_t worker;
};

/* All pointers must outlive it. */
struct bosh_http *bosh_http_new(const struct bosh_http_config *config, const struct bosh_http_handler *handler);
/* Answers what is held and closes connections; to be freed when the loop has ended. */
void bosh_http_close(struct bosh_http *b);
void bosh_http_free(struct bosh_http *b);

/* Another configuration, for requests to come; must outlive it, or the next one. */
void bosh_http_set_conf(struct bosh_http *b, const struct conf *conf);

/* Serves a connection; takes fd over. */
void bosh_http_adopt(struct bosh_http *b, int fd, size_t n_head, const struct peer *peer);
/* The answer to a request of this worker, with a status of HTTP; nothing happens when it is gone. */
void
bosh_http_reply(struct bosh_http *b, struct req_id req, unsigned status, struct slice body, const char *content_type);
/* No answer to it: its connection is closed. */
void bosh_http_cut(struct bosh_http *b, struct req_id req);
/* As http_waiting(). */
unsigned bosh_http_waiting(const struct bosh_http *b);
/* As http_run(). */
bool bosh_http_run(struct bosh_http *b);

#endif
