/* rules.h: what the configuration says, in the words of proto/http; made when it is asked for, never kept. */
#ifndef CULVERT_IO_RULES_H
#define CULVERT_IO_RULES_H

#include "io/pool.h"
#include "proto/http/upgrade.h"
#include "session/context.h"

static inline bool
rules_has_name(const void *arg, struct slice name)
{
	return conf_has_name(arg, name);
}

static inline struct origins
rules_origins(const struct context *c)
{
	return (struct origins){
		.v = c->conf->origins.v,
		.n = c->conf->origins.n,
		.own = c->conf->public_origin,
		.has_name = rules_has_name,
		.arg = c->conf,
	};
}

/* On a listener that only redirects, nothing is a place of BOSH or WebSocket. */
static inline struct places
rules_places(const struct context *c, const struct peer *peer)
{
	const struct conf_list *bosh = &c->conf->bosh_paths, *websocket = &c->conf->websocket_paths;

	if (listeners_of(c->listeners, peer)->conf->redirect)
		return (struct places){NULL, 0, NULL, 0};
	return (struct places){bosh->v, bosh->n, websocket->v, websocket->n};
}

/* peer is borrowed. */
static inline struct proxied_rules
rules_proxied(const struct context *c, const struct peer *peer)
{
	return (struct proxied_rules){
		.peer = peer,
		.is_trusted = conf_is_trusted(c->conf, peer),
		.kind = c->conf->client_address_header,
		.trusted = c->conf->trusted_proxy,
		.n_trusted = c->conf->n_trusted_proxy,
	};
}

static inline struct upgrade_rules
rules_upgrade(const struct context *c, const struct peer *peer)
{
	return (struct upgrade_rules){
		.places = rules_places(c, peer),
		.origins = rules_origins(c),
		.proxied = rules_proxied(c, peer),
		.require_subprotocol = c->conf->websocket.require_subprotocol,
		.hooks = c->hooks,
		.room = pool_bytes(POOL_LONG) - POOL_ANSWER - strlen(c->conf->response_lines),
	};
}

#endif
