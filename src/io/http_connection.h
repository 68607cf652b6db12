/*
 * http_connection.h: the connections of http.c: who has come, who is gone, who
 * takes too long.  Each is made before the library's own, and found by its
 * socket.
 */
#ifndef CULVERT_IO_HTTP_CONNECTION_H
#define CULVERT_IO_HTTP_CONNECTION_H

#include "io/http_parts.h"

/* For a socket that the library is to be given, in this shard. */
struct connection *http_connection_new(struct http *h, int fd, const struct peer *peer, struct shard *shard);
/* The library serves it, */
struct connection *http_connection_start(struct http *h, int fd);
/* or cannot. */
void http_connection_refused(struct http *h, struct connection *c);
/* The library is about to close its socket. */
void http_connection_end(struct http *h, struct connection *c);

/* What watch.h tells of them. */
void http_connection_watched(void *arg, void *item, bool is_gone);
/*
 * The client is gone, and the library may not see it: it takes a read that
 * gives less than it asked for as a sign that nothing is left, but what is left
 * may be the end.  What has come is still read, and answered where it is whole.
 */
void http_connection_leave(struct http *h, struct connection *c);
/* After the library has run: ends those who are read out. */
void http_connections_part(struct http *h);

/* A large answer is on its way even when the library is done with the request: the client has yet to take the last of it. */
void http_connection_pass(struct request *rq);
/* Now it has, or it never will. */
void http_connection_taken(struct http *h, struct connection *c);

/* Plans when to look at all of them, while there are any and their time is limited; and looks. */
void http_connections_plan(struct http *h, ms_t now);
void http_connections_expire(struct http *h, ms_t now);

#endif
