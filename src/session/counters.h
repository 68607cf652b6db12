/*
 * counters.h: what a worker counts.  Each worker writes its own; the sum over
 * the workers is what is shown.  A reader in another thread may see a number
 * that is a moment old.
 */
#ifndef CULVERT_SESSION_COUNTERS_H
#define CULVERT_SESSION_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name, what it counts) */
#define COUNTER_ROWS(X) \
	X(connections, "connections accepted from clients") \
	X(sessions_opened, "sessions that began") \
	X(sessions_closed, "sessions that ended") \
	X(bosh_requests, "BOSH requests that came to the worker that owns the session") \
	X(bosh_forwarded, "BOSH requests handed to the worker that owns the session") \
	X(bosh_replays, "answers given again because a rid was repeated") \
	X(bosh_unknown_sid, "BOSH requests that named no session of ours") \
	X(websocket_messages, "WebSocket messages from clients") \
	X(stanzas_up, "elements passed to servers") \
	X(stanzas_down, "elements passed to clients") \
	X(stanzas_confirmed, "messages, presence and iq that clients are known to have") \
	X(stanzas_bounced, "elements answered with an error because their client was gone") \
	X(http_refused, "HTTP requests and upgrades refused") \
	X(denied, "connections and requests refused by deny") \
	X(limited_connections, "connections refused by limits.connections, or since there are too few descriptors") \
	X(limited_sessions, "sessions refused by limits.sessions, or since there are too few descriptors") \
	X(limited_per_address, "sessions refused by limits.sessions_per_address") \
	X(limited_per_second, "sessions refused by limits.new_sessions_per_second") \
	X(limited_failures, "sessions refused or ended by limits.auth_failures_per_minute") \
	X(auth_failures, "logins that servers refused for their credentials")

struct counters {
#define X(name, text) _Atomic uint64_t name;
	COUNTER_ROWS(X)
#undef X
};

/* Only the owner of the counters counts, so that no locked instruction is needed. */
#define counter_add(counter, n) \
	atomic_store_explicit( \
		&(counter), atomic_load_explicit(&(counter), memory_order_relaxed) + (n), memory_order_relaxed)

#endif
