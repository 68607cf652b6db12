/* idn.h: domains to A-labels (RFC 5891), by libidn2. */
#ifndef CULVERT_IO_IDN_H
#define CULVERT_IO_IDN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/library.h"
#include "base/slice.h"

/* hooks.h's to_ascii; arg is not looked at. */
bool idn_to_ascii(void *arg, struct slice domain, char *out, size_t room);

/* For --version. */
void idn_versions(struct library *l);

#endif
