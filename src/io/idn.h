/* idn.h: domains to A-labels (RFC 5891), by libidn2. */
#ifndef CULVERT_IO_IDN_H
#define CULVERT_IO_IDN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Writes the A-label form in lower case, with a NUL, to out.  False when it is no valid domain, or does not fit. */
bool idn_to_ascii(struct slice domain, char *out, size_t room);

#endif
