#include "proto/bosh/seek.h"

#define APART 1500       /* between two releases */
#define APART_URGENT 250 /* the same when much is unproven */
#define APART_MAX 60000  /* and when it did not help */

void
seeking_moved(struct seeking *k, ms_t now)
{
	k->moved_at = now;
}

void
seeking_begin(struct seeking *k)
{
	k->releases = 0;
}

void
seeking_released(struct seeking *k)
{
	k->releases++;
}

/* A request that is answered is followed by the next, so that margin - 1 releases prove what came before them. */
ms_t
seeking_due(const struct seeking *k, unsigned margin)
{
	ms_t apart = k->how == SEEK_URGENTLY ? APART_URGENT : APART;

	if (k->how == SEEK_NOT)
		return MS_NEVER;
	for (unsigned n = margin > 0 ? margin - 1 : 0; n < k->releases && apart < APART_MAX; n++)
		apart *= 2;
	return k->moved_at + ms_min(apart, APART_MAX);
}
