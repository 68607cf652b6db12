/* refusal.h: what the log says of connections and requests that are refused, in the same words whoever refuses them. */
#ifndef CULVERT_IO_REFUSAL_H
#define CULVERT_IO_REFUSAL_H

#include "proto/http/upgrade.h"
#include "session/context.h"

/* A connection is one too many: it is counted and, once a minute, told. */
void refusal_connection(
	struct counters *counters, struct sockets *sockets, const struct log *log, const struct peer *peer, ms_t now);
/* What upgrade_judge() or upgrade_look() refused, an upgrade or another request. */
void refusal_upgrade(const struct context *c, const struct upgrade *u);
/* Is this client refused, whatever it wants?  It is counted; the reason is a sentence for it. */
bool refusal_denies(const struct context *c, const struct peer *client, const char **reason);
/* May its client have a session?  UPGRADE_WEBSOCKET, or UPGRADE_REFUSED and what it is answered. */
enum upgrade_verdict refusal_of_client(const struct context *c, struct upgrade *u, ms_t now);

/* Another request; text is the answer's, of which the first line is told. */
void refusal_request(const struct context *c, const struct peer *peer, unsigned status, const char *text);
/* The same for its Origin (not of ORIGIN_ALLOWED): the line tells what was seen, and the cure. */
void refusal_origin(const struct context *c, const struct peer *peer, unsigned status, const char *text,
	const struct origin_asked *asked, enum origin_verdict verdict);

#endif
