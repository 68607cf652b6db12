/*
 * load.h: one run of the load generator: all sessions log in, stay idle for a
 * moment, then some of them send messages and wait for each echo.  What that
 * costs the measured processes goes to standard output.
 */
#ifndef CULVERT_BENCH_LOAD_H
#define CULVERT_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/client.h"
#include "bench/process.h"

#define LOAD_SIZES 8

struct load_options {
	const struct transport *transport;
	uint16_t port;
	struct processes measured;
	unsigned sessions, active;
	unsigned at_once;                 /* logins */
	unsigned seconds;                 /* of each round of messages */
	unsigned warm_up;                 /* seconds before each that do not count */
	unsigned quiet;                   /* seconds all sessions are idle */
	unsigned rate;                    /* messages a second of a last round, of the first size; 0: none */
	size_t size[LOAD_SIZES], n_sizes; /* bytes of a message's text */
	bool is_json;
	bool is_stepwise; /* says "ready" and waits for a line on standard input before messages, and "done" after */
};

/* The exit status: 0 when every login succeeded and every message came back. */
int load_run(const struct load_options *o);

#endif
