/*
 * find.h: a domain's servers as DNS has them: both services are asked for at
 * the same time (RFC 6120, 3.2; XEP-0368), and their records put together.
 */
#ifndef CULVERT_IO_FIND_H
#define CULVERT_IO_FIND_H

#include "base/hooks.h"
#include "io/dns.h"

#define FIND_XMPP "_xmpp-client._tcp."
#define FIND_XMPPS "_xmpps-client._tcp."

struct find;

struct find_result {
	enum srv_outcome outcome;
	struct srv_record *record; /* in no order; the callee may sort them */
	size_t n;
	const char *trouble; /* the first lookup that failed, and why; NULL: none did */
};

/*
 * with_direct: servers with TLS from the first byte, too.  done is called
 * once, later or at once; not after find_cancel().  Returns NULL when done was
 * called already.
 */
struct find *find_servers(struct dns *dns, const char *domain, bool with_direct,
	void (*done)(void *arg, const struct find_result *result), void *arg);
/* There is no more time: done is called now, with what has come. */
void find_conclude(struct find *f);
/* NULL is fine. */
void find_cancel(struct find *f);
/* Puts what was found in the order to try it, by chance where weights say so.  hooks: random. */
void find_order(struct srv_record *record, size_t n, const struct hooks *hooks);

#endif
