/*
 * tickets.h: session tickets (RFC 5077, mbedTLS): what lets a client come
 * back for a hundredth of the CPU.  One for all threads, so that a ticket of
 * one worker's connection is good at another's.  Its keys rotate
 * (ticket_keys.h), which the library's own do not when they are given.
 */
#ifndef CULVERT_IO_TICKETS_H
#define CULVERT_IO_TICKETS_H

#include <stddef.h>
#include <stdint.h>

struct mbedtls_ssl_session;
struct tickets;

/* NULL when the system gives no entropy. */
struct tickets *tickets_new(void);
/* When no thread uses it any more; wipes the keys.  NULL is fine. */
void tickets_free(struct tickets *t);

/* What the library wants (mbedtls_ssl_conf_session_tickets_cb), with t as its argument. */
int tickets_write(void *t, const struct mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
	size_t *n, uint32_t *lifetime);
int tickets_parse(void *t, struct mbedtls_ssl_session *session, unsigned char *ticket, size_t n);

#endif
