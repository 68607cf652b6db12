/*
 * bosh.h: clients that speak BOSH with hold=1 over two kept connections: one
 * request is always with the server, the other carries what is sent.
 */
#ifndef CULVERT_BENCH_BOSH_H
#define CULVERT_BENCH_BOSH_H

#include "bench/client.h"

extern const struct transport transport_bosh;

#endif
