/* ws.h: clients that speak RFC 7395: a masked frame up and a frame down for each element. */
#ifndef CULVERT_BENCH_WS_H
#define CULVERT_BENCH_WS_H

#include "bench/client.h"

extern const struct transport transport_ws;

#endif
