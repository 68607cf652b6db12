#include "proto/net/proxy_header.h"

#define LINE_MAX_BYTES 107 /* of version 1, with its end */
#define FIXED 16           /* bytes of version 2 in front of the addresses */

/* Version 2, command and family. */
#define LOCAL 0x20
#define PROXY 0x21
#define TCP4 0x11
#define TCP6 0x21
#define LAST_FAMILY 0x32 /* datagrams on a unix socket */

static const struct slice line_start = SLICE_INIT("PROXY ");
static const struct slice signature = SLICE_INIT("\r\n\r\n\0\r\nQUIT\n");

/* One is the beginning of the other. */
static bool
agree(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	return memcmp(a.p, b.p, n) == 0;
}

static enum proxy_header_result
bad(struct proxy_header *h, const char *reason)
{
	h->reason = reason;
	return PROXY_HEADER_BAD;
}

/* ---- version 1 ---- */

/* The next word; false at the end of the line, and when two blanks stand together. */
static bool
take_word(struct slice *line, struct slice *word)
{
	struct slice rest;

	if (!slice_is_set(*line))
		return false;
	slice_cut(*line, ' ', word, &rest);
	*line = rest;
	return word->n > 0;
}

static bool
take_address(struct slice *line, bool is_ipv4, unsigned char address[NETWORK_BYTES])
{
	struct slice word;

	return take_word(line, &word) && (memchr(word.p, ':', word.n) == NULL) == is_ipv4 &&
		network_address(word, address);
}

static bool
take_port(struct slice *line, uint16_t *port)
{
	struct slice word;
	uint64_t number;

	if (!take_word(line, &word) || !slice_number(word, UINT16_MAX, &number))
		return false;
	*port = (uint16_t) number;
	return true;
}

static enum proxy_header_result
read_words(struct proxy_header *h, struct slice line)
{
	struct slice protocol;
	unsigned char to[NETWORK_BYTES];
	uint16_t to_port;
	bool is_ipv4;

	if (!take_word(&line, &protocol))
		return bad(h, "no protocol behind PROXY");
	if (slice_eq(protocol, SLICE("UNKNOWN")))
		return PROXY_HEADER_DONE;
	is_ipv4 = slice_eq(protocol, SLICE("TCP4"));
	if (!is_ipv4 && !slice_eq(protocol, SLICE("TCP6")))
		return bad(h, "a protocol other than TCP4, TCP6 and UNKNOWN");
	if (!take_address(&line, is_ipv4, h->address) || !take_address(&line, is_ipv4, to))
		return bad(h, "an address that is none of its protocol");
	if (!take_port(&line, &h->port) || !take_port(&line, &to_port) || slice_is_set(line))
		return bad(h, "not two ports at the end");
	h->who = PROXY_HEADER_ADDRESS;
	return PROXY_HEADER_DONE;
}

static enum proxy_header_result
read_line(struct proxy_header *h, struct slice bytes)
{
	const char *end;

	if (bytes.n > LINE_MAX_BYTES)
		bytes.n = LINE_MAX_BYTES;
	end = memchr(bytes.p, '\n', bytes.n);
	if (end == NULL)
		return bytes.n < LINE_MAX_BYTES ? PROXY_HEADER_MORE : bad(h, "a line of more than 107 bytes");
	h->n = (size_t) (end - bytes.p) + 1;
	if (end[-1] != '\r')
		return bad(h, "a line that does not end with CR LF");
	return read_words(h, slice_of(bytes.p + line_start.n, h->n - line_start.n - 2));
}

/* ---- version 2 ---- */

static unsigned
two_bytes(const char *p)
{
	return (unsigned) (unsigned char) p[0] << 8 | (unsigned char) p[1];
}

/* Addresses of both ends, then ports of both. */
static enum proxy_header_result
take_addresses(struct proxy_header *h, struct slice rest, size_t bytes)
{
	if (rest.n < 2 * bytes + 4)
		return bad(h, "too short for its addresses");
	if (bytes == NETWORK_BYTES)
		memcpy(h->address, rest.p, NETWORK_BYTES);
	else
		network_map(rest.p, h->address);
	h->port = (uint16_t) two_bytes(rest.p + 2 * bytes);
	h->who = PROXY_HEADER_ADDRESS;
	return PROXY_HEADER_DONE;
}

static enum proxy_header_result
read_binary(struct proxy_header *h, struct slice bytes)
{
	unsigned command, family;

	if (bytes.n <= signature.n)
		return PROXY_HEADER_MORE;
	command = (unsigned char) bytes.p[signature.n];
	if (command != LOCAL && command != PROXY)
		return bad(h, "neither LOCAL nor PROXY of version 2");
	if (bytes.n < FIXED)
		return PROXY_HEADER_MORE;
	family = (unsigned char) bytes.p[signature.n + 1];
	h->n = FIXED + two_bytes(bytes.p + signature.n + 2);
	/* "the receiver must ... discard the protocol block including the family which is ignored": of LOCAL. */
	if (command == PROXY && (family > LAST_FAMILY || (family & 0xf) > 2))
		return bad(h, "a family of addresses that does not exist");
	if (h->n > PROXY_HEADER_MAX)
		return bad(h, "more than 4096 bytes");
	if (bytes.n < h->n)
		return PROXY_HEADER_MORE;
	if (command == LOCAL)
		h->who = PROXY_HEADER_ITSELF;
	if (command == PROXY && family == TCP4)
		return take_addresses(h, slice_of(bytes.p + FIXED, h->n - FIXED), 4);
	if (command == PROXY && family == TCP6)
		return take_addresses(h, slice_of(bytes.p + FIXED, h->n - FIXED), NETWORK_BYTES);
	return PROXY_HEADER_DONE;
}

enum proxy_header_result
proxy_header_read(struct proxy_header *h, struct slice bytes)
{
	*h = (struct proxy_header){.n = 0};
	if (bytes.n == 0)
		return PROXY_HEADER_MORE;
	if (agree(bytes, line_start))
		return bytes.n <= line_start.n ? PROXY_HEADER_MORE : read_line(h, bytes);
	if (agree(bytes, signature))
		return read_binary(h, bytes);
	return bad(h, "something else in its place");
}
