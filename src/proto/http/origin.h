/*
 * origin.h: which web sites' pages may connect.  One rule for BOSH and
 * WebSocket, by the Origin that browsers send (RFC 6454):
 *
 *	none at all            not a browser's: allowed
 *	of the site it asks    the page came from here: allowed, if the name is known
 *	in the list, or "*"    allowed
 *	any other              refused; so is "null" without "*"
 *
 * Why the name must be known: whoever owns evil.example may let it point to
 * our address (DNS rebinding).  Pages of his then are, to a browser, of the
 * very host that they ask: Origin and Host agree.  Nobody can do that with a
 * literal address, with localhost, or with a name that is the operator's.
 *
 * Ports count, and the scheme's own is as good as none (RFC 6454, 4); letters
 * compare without case, names without the dot at their end.  Names are
 * compared as browsers send them: those beyond ASCII as A-labels.
 */
#ifndef CULVERT_PROTO_HTTP_ORIGIN_H
#define CULVERT_PROTO_HTTP_ORIGIN_H

#include "base/slice.h"

/* What the configuration says; all zero: nothing. */
struct origins {
	/*
	 * The list: "*", "https://host[:port]", "app://host", "file://".  A host of
	 * "*.example.com" is each name right below example.com, and no other.
	 */
	char *const *v;
	size_t n;
	/* Where browsers find us, "https://host[:port]", or NULL.  Its pages are our own whatever the Host that reaches us. */
	const char *own;
	/* Is this host name one of ours?  In ASCII, any case, no dot at its end.  NULL: none is. */
	bool (*has_name)(const void *arg, struct slice name);
	const void *arg;
};

/* What a request says; unset where it says nothing. */
struct origin_asked {
	struct slice origin;
	struct slice host;
	struct slice forwarded_host; /* what Host was for a proxy in front; only of one that is believed */
};

enum origin_verdict {
	ORIGIN_ALLOWED,
	ORIGIN_UNKNOWN_NAME, /* the page is of the host that it asks, by a name that nobody has told us */
	ORIGIN_OTHER_SITE,
};

/* May this page connect? */
enum origin_verdict origin_judge(const struct origins *origins, const struct origin_asked *asked);
/* What an operator who wants it to connect has to do, for the log.  Not of ORIGIN_ALLOWED. */
const char *origin_cure(enum origin_verdict verdict);

enum origin_readers {
	ORIGIN_NOBODY,
	ORIGIN_THIS, /* this Origin is in the list: it is of a scheme, a host and a port, ORIGIN_MAX bytes at most */
	ORIGIN_EVERYBODY, /* "*" is */
};

#define ORIGIN_MAX 320

/* Whose pages may read the answer to a request with this Origin (Fetch, 3.3.3)? */
enum origin_readers origin_readers(const struct origins *origins, struct slice origin);
/* Does that depend on the Origin?  Then the answer says so: Vary. */
bool origin_readers_vary(const struct origins *origins);

#endif
