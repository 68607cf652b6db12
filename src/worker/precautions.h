/* precautions.h: what is settled before the process does anything else. */
#ifndef CULVERT_WORKER_PRECAUTIONS_H
#define CULVERT_WORKER_PRECAUTIONS_H

#include <stdbool.h>

/*
 * Whoever started us may have closed some of the descriptors 0 to 2.  The next
 * to be opened would get such a number: a socket or a pipe, into which the log
 * would go.  So they are opened on /dev/null, or on what takes nothing.
 */
void precautions_take_standard_descriptors(void);

/*
 * Passwords and messages are in the memory of this process.  So it leaves no
 * core dump, and no other process of the same user may look into it, unless
 * is_wanted.
 */
void precautions_core_dumps(bool is_wanted);

#endif
