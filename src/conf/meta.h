/*
 * meta.h: what /.well-known/host-meta says (XEP-0156, RFC 6415): where a
 * domain's clients find BOSH and WebSocket, as XRD and as JSON.  Only
 * addresses that begin with https:// or wss:// are ever given.
 */
#ifndef CULVERT_CONF_META_H
#define CULVERT_CONF_META_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"

#define META_BASE_MAX 1024 /* more than a public_url may have */

/* What a request tells; unset where it says nothing.  forwarded_host: of a trusted proxy only. */
struct meta_question {
	struct slice domain; /* asked for by name, UTF-8 or ASCII */
	struct slice host, forwarded_host;
	bool is_secure; /* the client's connection is encrypted, as far as to the proxy that said so */
};

enum meta_answer {
	META_FOUND,
	META_NO_DOMAIN, /* none of ours was asked for */
	META_NO_URL,    /* no address with https:// is known */
};

/*
 * Is the domain one of ours, and what do its addresses begin with?
 * META_FOUND: base has "https://..."; *is_derived when the request itself
 * said so, not the configuration.  hooks may be NULL: then domains are ASCII.
 */
enum meta_answer meta_ask(const struct conf *c, const struct meta_question *q, const struct hooks *hooks,
	char base[META_BASE_MAX], bool *is_derived);

/* The document in its two forms, appended to out, which must have no cap. */
void meta_xrd(const struct conf *c, const char *base, struct buf *out);
void meta_jrd(const struct conf *c, const char *base, struct buf *out);

#endif
