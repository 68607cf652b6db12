/*
 * proxy_header.h with any bytes, as many as have come.  A result stays when
 * more bytes come, a header is found at its last byte, and nothing behind it
 * is looked at.
 */
#include "fuzz/input.h"

#include "proto/net/proxy_header.h"

/* Such that a byte too many that is read is one that nobody owns. */
static enum proxy_header_result
read_part(struct slice bytes, size_t n, struct proxy_header *h)
{
	struct slice part = exact(slice_of(bytes.p, n));
	enum proxy_header_result result = proxy_header_read(h, part);

	exact_free(part);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice bytes = slice_of((const char *) p, n);
	struct proxy_header whole, early;
	enum proxy_header_result result = read_part(bytes, n, &whole), before = PROXY_HEADER_MORE;

	for (size_t i = 0; i <= n; i++) {
		enum proxy_header_result now = read_part(bytes, i, &early);
		must(before == PROXY_HEADER_MORE || now == before);
		if (now == PROXY_HEADER_DONE) {
			must(early.n <= i && early.n <= PROXY_HEADER_MAX && (before == now || early.n == i));
			must(early.n == whole.n && early.who == whole.who && early.port == whole.port);
			must(memcmp(early.address, whole.address, sizeof whole.address) == 0);
		}
		must(now != PROXY_HEADER_BAD || early.reason != NULL);
		before = now;
	}
	must(before == result);
	must(result != PROXY_HEADER_MORE || n < PROXY_HEADER_MAX);
	return 0;
}
