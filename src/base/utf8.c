#include "base/utf8.h"

#include <stdint.h>

size_t
utf8_first_bad(struct slice text)
{
	size_t i = 0;

	while (i < text.n) {
		unsigned char c = (unsigned char) text.p[i];
		/* The second byte is what rules out overlong forms, surrogates and what lies beyond U+10FFFF. */
		unsigned char least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		unsigned char most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		size_t more = c < 0x80           ? 0
			: c >= 0xc2 && c <= 0xdf ? 1
			: c >= 0xe0 && c <= 0xef ? 2
			: c >= 0xf0 && c <= 0xf4 ? 3
						 : SIZE_MAX;

		if (more >= text.n - i)
			return i;
		for (size_t k = 1; k <= more; k++) {
			unsigned char next = (unsigned char) text.p[i + k];
			if (next < least || next > most)
				return i;
			least = 0x80;
			most = 0xbf;
		}
		i += more + 1;
	}
	return text.n;
}
