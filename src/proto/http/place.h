/*
 * place.h: what a request is for, by the path it names.  The one place that
 * knows the paths of BOSH and WebSocket.
 */
#ifndef CULVERT_PROTO_HTTP_PLACE_H
#define CULVERT_PROTO_HTTP_PLACE_H

#include "base/slice.h"

enum place {
	PLACE_OTHER,
	PLACE_BOSH,
	PLACE_WEBSOCKET,
};

/* The paths of each, as the configuration has them: without trailing slash. */
struct places {
	char *const *bosh;
	size_t n_bosh;
	char *const *websocket;
	size_t n_websocket;
};

/* The path of a request target, also of one in absolute form (RFC 9112, 3.2.2), without query; not unescaped. */
struct slice place_path(struct slice target);

/* Where a request target leads.  Paths compare as they are written; query and one trailing slash do not count. */
enum place place_find(const struct places *places, struct slice target);

#endif
