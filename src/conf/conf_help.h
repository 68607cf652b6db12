/*
 * conf_help.h: the rows of conf_table.c for people.  Each appends to out,
 * which wants room for 64 KiB.
 */
#ifndef CULVERT_CONF_CONF_HELP_H
#define CULVERT_CONF_CONF_HELP_H

#include "base/buf.h"

/* culvert --help-config: every key with what it takes, its default, and what it is for. */
void conf_help_list(struct buf *out);
/* contrib/culvert.json: a file with every key at its default, a comment above each. */
void conf_help_sample(struct buf *out);
/* The part of culvert.json(5) between "keys begin" and "keys end", in man's language. */
void conf_help_man(struct buf *out);

#endif
