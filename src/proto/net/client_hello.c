#include "proto/net/client_hello.h"

#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define MAJOR 3
#define TYPE_CLIENT_HELLO 1
#define HANDSHAKE_HEAD 4
#define FIXED 34 /* version and random bytes */
#define EXTENSION_SESSION_TICKET 35

static unsigned
byte_at(struct slice s, size_t i)
{
	return (unsigned char) s.p[i];
}

/* Drops n bytes from the front; false when there are fewer. */
static bool
drop(struct slice *s, size_t n)
{
	if (s->n < n)
		return false;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

/* Takes a number of 1 or 2 bytes off. */
static bool
take_number(struct slice *s, size_t bytes, size_t *value)
{
	if (s->n < bytes)
		return false;
	*value = bytes == 1 ? byte_at(*s, 0) : byte_at(*s, 0) << 8 | byte_at(*s, 1);
	return drop(s, bytes);
}

/* Drops a vector, whose length stands in so many bytes before it. */
static bool
drop_vector(struct slice *s, size_t bytes)
{
	size_t n;

	return take_number(s, bytes, &n) && drop(s, n);
}

static bool
brings_ticket(struct slice hello)
{
	size_t total, type, n;

	if (hello.n < HANDSHAKE_HEAD || byte_at(hello, 0) != TYPE_CLIENT_HELLO)
		return false;
	/* Session id, ciphers, compression. */
	if (!drop(&hello, HANDSHAKE_HEAD + FIXED) || !drop_vector(&hello, 1) || !drop_vector(&hello, 2) ||
		!drop_vector(&hello, 1) || !take_number(&hello, 2, &total))
		return false;
	while (take_number(&hello, 2, &type) && take_number(&hello, 2, &n)) {
		if (type == EXTENSION_SESSION_TICKET)
			return n > 0;
		if (!drop(&hello, n))
			return false;
	}
	return false;
}

enum client_hello_verdict
client_hello_look(struct slice bytes, bool *has_ticket)
{
	size_t n;

	*has_ticket = false;
	if (bytes.n == 0)
		return CLIENT_HELLO_MORE;
	if (slice_is_letter(bytes.p[0]))
		return CLIENT_HELLO_HTTP;
	if (byte_at(bytes, 0) != RECORD_HANDSHAKE || (bytes.n > 1 && byte_at(bytes, 1) != MAJOR))
		return CLIENT_HELLO_GARBAGE;
	if (bytes.n < RECORD_HEAD)
		return CLIENT_HELLO_MORE;
	n = byte_at(bytes, 3) << 8 | byte_at(bytes, 4);
	if (n == 0 || n > CLIENT_HELLO_MAX - RECORD_HEAD)
		return CLIENT_HELLO_GARBAGE;
	if (bytes.n < RECORD_HEAD + n)
		return CLIENT_HELLO_MORE;
	*has_ticket = brings_ticket(slice_of(bytes.p + RECORD_HEAD, n));
	return CLIENT_HELLO_TLS;
}
