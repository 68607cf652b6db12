/*
 * files.h: what files have in them that the configuration names, and the
 * configuration itself.  Who may read them does, and keeps it here; who may
 * not gets it handed over (worker/handover.h), and reads it as if it could.
 */
#ifndef CULVERT_IO_FILES_H
#define CULVERT_IO_FILES_H

#include "base/slice.h"

#define FILES_INPUT "" /* the name of standard input */

struct files;

/* An empty set with one reference. */
struct files *files_new(void);
/* One more, from any thread; returns f. */
struct files *files_ref(struct files *f);
/* One less; the last one wipes and frees.  NULL is fine. */
void files_unref(struct files *f);

/* What somebody else has read.  Each name once. */
void files_add(struct files *f, struct slice name, struct slice text);
/* From here on nothing is read: there is what there is.  Then any thread may call files_read(). */
void files_seal(struct files *f);

/*
 * What the file at path has in it, as long as f lives.  It is read once.  NULL,
 * or words for what is wrong, as whole_file_read() (or whole_file_read_input())
 * has them, with errno.
 */
const char *files_read(struct files *f, const char *path, struct slice *text);

/* The i-th file of the set, counted from 0; false when there are no more. */
bool files_at(const struct files *f, size_t i, struct slice *name, struct slice *text);

#endif
