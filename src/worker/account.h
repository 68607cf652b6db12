/*
 * account.h: as whom a process runs, and with what rights.
 *
 *      keeper            stays who it is, with few capabilities of root's
 *      serving process   becomes conf.user, without any capability, for good
 */
#ifndef CULVERT_WORKER_ACCOUNT_H
#define CULVERT_WORKER_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* A user of this machine. */
struct account {
	uid_t uid;
	gid_t gid;  /* of the user's own group */
	char *name; /* NULL: a number that the system has no name for */
};

/* By name or number.  False: there is none.  name is borrowed until the next call. */
bool account_find(const char *user, struct account *out);
bool account_find_group(const char *group, gid_t *gid);
/* Whoever runs this. */
void account_of_process(struct account *out);

/*
 * For the keeper, once: gives up what root may but what it takes to keep
 * listeners and files, and to start and end serving processes.
 */
void account_keep_few_rights(void);

/*
 * For a process that is to become a serving one, right before exec: becomes
 * this user, with his groups, or stays who it is when that is the same; then
 * gives up all capabilities, and the right to ever get any.  False, with a
 * line without its end in error, when it could not be.
 */
bool account_become(const struct account *who, struct buf *error);

#endif
