/*
 * preface.h: the PROXY header in front of a connection, taken off its socket
 * and no byte more: what comes behind it, TLS or the head of a request, is as
 * if there had been none.
 */
#ifndef CULVERT_IO_PREFACE_H
#define CULVERT_IO_PREFACE_H

#include "base/peer.h"

enum preface {
	PREFACE_MORE, /* it is not whole, and may come */
	PREFACE_DONE, /* *peer is who the proxy speaks for */
	PREFACE_BAD,
	PREFACE_NOBODY, /* nothing has come, and nothing will */
};

/* Looks at what has come.  Of BAD, *reason is what is wrong with it, for the log. */
enum preface preface_take(int fd, struct peer *peer, const char **reason);

#endif
