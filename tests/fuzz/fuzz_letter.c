/*
 * letter.h with any bytes: what another process may send.  What is read can be
 * written again, and is the same bytes.
 */
#include "fuzz/input.h"

#include "session/letter.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice bytes = exact(slice_of((const char *) p, n));
	struct letter letter;
	char *again;

	if (letter_read(bytes, &letter)) {
		must(letter_size(&letter) == n);
		again = malloc(n);
		letter_write(&letter, again);
		must(memcmp(again, bytes.p, n) == 0);
		free(again);
	}
	exact_free(bytes);
	return 0;
}
