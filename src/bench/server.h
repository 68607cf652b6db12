/*
 * server.h: a stand-in XMPP server that costs next to nothing: one native
 * stream per connection, any SASL mechanism succeeds, every message goes back
 * to who sent it, byte for byte.
 */
#ifndef CULVERT_BENCH_SERVER_H
#define CULVERT_BENCH_SERVER_H

#include <stdint.h>

/* Serves for ever; port 0: any.  Prints "listening port=N" when it is ready. */
_Noreturn void server_run(uint16_t port);

#endif
