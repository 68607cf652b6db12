/*
 * site.h: what is served where over HTTP: BOSH, a word of explanation on the
 * WebSocket path, host-meta documents, pages; each of them a file over http.c.
 * An upgrade that comes late is judged here too.
 */
#ifndef CULVERT_IO_SITE_H
#define CULVERT_IO_SITE_H

#include <uv.h>

#include "base/ms.h"
#include "io/bosh_http.h"
#include "proto/http/upgrade.h"

struct site;

struct site_handler {
	struct bosh_http_handler bosh;
	void *arg;
	/* A connection is to become a WebSocket, its head read; takes fd over. */
	void (*websocket)(void *arg, int fd, const struct upgrade_head *head, const struct peer *peer);
};

/* All pointers must outlive it. */
struct site *site_new(uv_loop_t *loop, struct context *context, const struct site_handler *handler);
/* Answers what is held and closes connections; to be freed when the loop has ended. */
void site_close(struct site *s);
void site_free(struct site *s);
/* After the context has another configuration. */
void site_reload(struct site *s);

/* Serves a connection; takes fd over. */
void site_adopt(struct site *s, int fd, size_t room, const struct peer *peer);
/* Answers a BOSH request of this worker, or closes its connection; nothing happens when it is gone. */
void site_reply(struct site *s, const struct reply *reply);
void site_cut(struct site *s, struct req_id id);
/* As http_waiting() and the like. */
unsigned site_waiting(const struct site *s);
void site_tell_gone(struct site *s);
bool site_run(struct site *s);
ms_t site_deadline(const struct site *s);
void site_expire(struct site *s, ms_t now);

#endif
