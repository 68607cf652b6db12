/*
 * courier.h: takes what is said about BOSH requests to whoever it concerns:
 * this worker or another one; later another process.
 *
 *      connection here             session here
 *         courier_post   ------>      registry_post
 *         courier_news   ------>      registry_news
 *         site_reply     <------   courier_reply
 *         site_cut       <------   courier_cut
 *
 * What stays here is a call.  What goes elsewhere is a letter: bytes, and no
 * pointer.
 */
#ifndef CULVERT_WORKER_COURIER_H
#define CULVERT_WORKER_COURIER_H

#include "io/site.h"
#include "session/registry.h"
#include "worker/mailbox.h"

/* All of it is the owner's to set, and to outlive the courier's use. */
struct courier {
	struct context *context;
	uv_loop_t *loop;
	struct registry *registry;
	struct site *site;
	struct mailbox *const *mailboxes; /* of all workers */
};

/* For site_handler: courier is a struct courier. */
void courier_post(void *courier, const struct post *post, char *sid);
void courier_news(void *courier, const struct news *news);
/* For outlet. */
void courier_reply(void *courier, const struct reply *reply);
void courier_forward(void *courier, const struct post *post, struct owner owner);
void courier_cut(void *courier, struct req_id id);

/* A letter came.  One that cannot be read is dropped, with a log line. */
void courier_receive(struct courier *c, struct slice bytes);

#endif
