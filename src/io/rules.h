/* rules.h: what the configuration says, in the words of proto/http; made when it is asked for, never kept. */
#ifndef CULVERT_IO_RULES_H
#define CULVERT_IO_RULES_H

#include "proto/http/upgrade.h"
#include "session/context.h"

static inline struct origins
rules_origins(const struct context *c)
{
	return (struct origins){c->conf->origins.v, c->conf->origins.n};
}

static inline struct places
rules_places(const struct context *c)
{
	const struct conf_list *bosh = &c->conf->bosh_paths, *websocket = &c->conf->websocket_paths;

	return (struct places){bosh->v, bosh->n, websocket->v, websocket->n};
}

static inline struct upgrade_rules
rules_upgrade(const struct context *c)
{
	return (struct upgrade_rules){
		.places = rules_places(c),
		.origins = rules_origins(c),
		.require_subprotocol = c->conf->websocket.require_subprotocol,
		.hooks = c->hooks,
	};
}

#endif
