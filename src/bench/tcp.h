/* tcp.h: clients that speak the native stream. */
#ifndef CULVERT_BENCH_TCP_H
#define CULVERT_BENCH_TCP_H

#include "bench/client.h"

extern const struct transport transport_tcp;

#endif
