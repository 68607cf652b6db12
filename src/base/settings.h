/*
 * settings.h: what both the configuration and the protocol code have a word
 * for.  conf reads it, proto lives by it, and neither knows the other.
 */
#ifndef CULVERT_BASE_SETTINGS_H
#define CULVERT_BASE_SETTINGS_H

#include <stddef.h>

#include "base/ms.h"

/* When to ask a server for TLS (STARTTLS; RFC 6120, 5).  The safest comes first. */
enum tls_policy {
	TLS_REQUIRED,    /* always; a server that does not offer it is refused */
	TLS_OPTIONAL,    /* when it offers it */
	TLS_IF_REQUIRED, /* when it demands it, or offers no way to log in without */
	TLS_OFF,         /* never; a server that demands it is refused */
};

/* Does a client's server have back what the client did not receive (XEP-0198)? */
enum acks_policy {
	ACKS_AUTO, /* when the server offers it, and the client does not see to it itself */
	ACKS_OFF,
};

/* What one client address may take, and all together.  0: no limit. */
struct quota_rules {
	unsigned sessions; /* of all addresses */
	unsigned sessions_per_address;
	unsigned new_per_second; /* of one address */
	unsigned burst;          /* so many may come at once; 0: as many as in a second */
	unsigned failures_per_minute;
};

/* In which header field proxies say whom they speak for. */
enum forwarded_kind {
	FORWARDED_FOR,  /* X-Forwarded-For */
	FORWARDED_RFC,  /* Forwarded (RFC 7239) */
	FORWARDED_NONE, /* in none */
};

/* Of BOSH sessions (XEP-0124). */
struct bosh_settings {
	ms_t wait;       /* the longest a request is held */
	unsigned hold;   /* the most requests held at a time */
	ms_t inactivity; /* without any request held, the session ends after this */
	ms_t polling;    /* between empty requests of a client that polls, at least; 0: any */
	ms_t maxpause;   /* 0: pausing is not offered */
	size_t max_body; /* of one POST; changed at once, for a request comes before its session is known */
};

#endif
