/* front_websocket.h: WebSocket as a front, and what only a WebSocket front can be asked. */
#ifndef CULVERT_SESSION_FRONT_WEBSOCKET_H
#define CULVERT_SESSION_FRONT_WEBSOCKET_H

#include "base/hooks.h"
#include "proto/stream/websocket.h"
#include "session/front.h"

/* trace must outlive it. */
void front_websocket_init(struct front *f, const struct hooks *hooks, const struct trace *trace);
/* For messages and what happens to the connection; f must be WebSocket. */
struct websocket *front_websocket(const struct front *f);

#endif
