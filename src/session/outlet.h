/*
 * outlet.h: what a session may ask of the world.  The daemon answers with
 * sockets, a test with a record.  None of these may feed the same session
 * before it returns.
 */
#ifndef CULVERT_SESSION_OUTLET_H
#define CULVERT_SESSION_OUTLET_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/ms.h"
#include "base/peer.h"
#include "base/req.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "proto/xml/stanza.h"
#include "session/letter.h"

struct session;

/* Where a connection to a server leads, in words for the log. */
struct server_link {
	char server[272];        /* "xmpp.example.com:5222": as it was asked for */
	char address[PEER_TEXT]; /* "192.0.2.7:5222": what that came to */
	char tls[96];            /* "TLSv1.2, TLS-ECDHE-...", or "none" */
	bool is_secure;          /* by TLS */
};

struct outlet {
	/* BOSH: what these two are told. */
	void *answers;
	/* Answers a request, which may be gone or another worker's.  The bytes are borrowed. */
	void (*reply)(void *answers, const struct reply *reply);
	/* The session of a request turns out to be somebody else's.  The bytes are borrowed. */
	void (*forward)(void *answers, const struct post *post, struct owner owner);
	/* Closes the connection of a request without an answer, or with a large one on its way. */
	void (*cut)(void *answers, struct req_id req);

	/* What all others are told. */
	void *arg;

	/*
	 * WebSocket: sends one message; the headroom may be written to.  False
	 * when the connection takes nothing now: session_client_writable() will
	 * be called when it does.
	 */
	bool (*send)(void *arg, struct session *s, struct stanza *st);
	/*
	 * WebSocket: starts the closing handshake, or with code 0 cuts the
	 * connection; session_client_gone() is called when it is gone.
	 */
	void (*hangup)(void *arg, struct session *s, unsigned code);
	/* WebSocket: stops or resumes reading from the client. */
	void (*pause_client)(void *arg, struct session *s, bool pause);

	/*
	 * Connects to one of the domain's servers: session_connected() or
	 * session_upstream_gone() is called later, by limits.connect_timeout:
	 * only the outlet knows how much of the time a server had.
	 */
	void (*connect)(void *arg, struct session *s, const struct conf_domain *domain);
	/*
	 * Does the TLS handshake on the connection, after STARTTLS: session_connected()
	 * or session_upstream_gone() is called later, as above.
	 */
	void (*start_tls)(void *arg, struct session *s, const struct conf_domain *domain);
	/* It is the right server: its stream is the client's now. */
	void (*settle)(void *arg, struct session *s);
	/*
	 * It is the wrong one, why is for people.  True: the connection is gone,
	 * and another server is tried, as connect says; false: there is none.
	 */
	bool (*pass_on)(void *arg, struct session *s, enum closing reason, const char *why);
	/* Where the connection leads, since session_connected(). */
	void (*describe)(void *arg, struct session *s, struct server_link *link);
	/*
	 * Writes to the server; returns how many bytes were taken, 0 when none
	 * now: session_upstream_writable() will be called.  A connection that is
	 * found gone is told by session_upstream_gone() later.
	 */
	size_t (*write)(void *arg, struct session *s, const struct iovec *v, int n);
	/* Stops or resumes reading from the server. */
	void (*pause_upstream)(void *arg, struct session *s, bool pause);
	/* Drops the connection to the server, or the attempt; nothing is called for it any more. */
	void (*disconnect)(void *arg, struct session *s);
};

#endif
