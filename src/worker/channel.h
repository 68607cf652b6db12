/*
 * channel.h: one end of the socketpair between the keeper and a serving
 * process: whole messages of handover.h, each with its descriptor.  Never
 * waits: what the other end does not take yet stays here.
 */
#ifndef CULVERT_WORKER_CHANNEL_H
#define CULVERT_WORKER_CHANNEL_H

#include "worker/handover.h"

struct channel;

enum channel_result {
	CHANNEL_MESSAGE,
	CHANNEL_AGAIN,  /* nothing whole has come yet */
	CHANNEL_CLOSED, /* the other end is gone, or says what makes no sense */
};

/* Takes fd over, a stream socket.  An end that takes no descriptors gets none, whatever is sent. */
struct channel *channel_new(int fd, bool takes_descriptors);
/* Wipes what was not sent or not read.  NULL is fine. */
void channel_free(struct channel *c);
int channel_fd(const struct channel *c);

/* fd, which stays the caller's, goes with a message that has one; else -1. */
void channel_send(struct channel *c, const struct handover *h, int fd);
/* Sends as much as the other end takes now; errors show when something is to be read. */
void channel_flush(struct channel *c);
/* Is there more to be sent? */
bool channel_is_pending(const struct channel *c);

/*
 * The next message, whose slices are good until the next call.  *fd, -1 when
 * it has none, is the caller's.
 */
enum channel_result channel_receive(struct channel *c, struct handover *h, int *fd);

#endif
