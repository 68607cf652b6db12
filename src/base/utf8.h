/* utf8.h: is this text UTF-8 (RFC 3629)? */
#ifndef CULVERT_BASE_UTF8_H
#define CULVERT_BASE_UTF8_H

#include "base/slice.h"

/* The first byte that is not part of well-formed UTF-8; text.n when there is none. */
size_t utf8_first_bad(struct slice text);

#endif
