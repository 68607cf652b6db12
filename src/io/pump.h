/*
 * pump.h: TLS between clients and those who serve them.  Behind the handshake
 * a connection is given a pair of sockets: the door and the libraries get the
 * inner end, an ordinary descriptor, and what goes in and out there is carried
 * over to the client as records.
 *
 *      client === outer socket, TLS === pump --- pair --- inner end: door, then HTTP or WebSocket
 *
 * Who is gone on one side is gone on the other: the end of a client's bytes,
 * be it said (close_notify) or not, ends them at the inner end; whatever has
 * come before is there to be read first.  When the inner end closes, what it
 * has written still goes out, then the goodbye.  A pump keeps no more than a
 * record each way; a side that does not read is not read for.
 */
#ifndef CULVERT_IO_PUMP_H
#define CULVERT_IO_PUMP_H

#include <stdint.h>
#include <uv.h>

#include "base/ms.h"
#include "io/tls.h"
#include "session/context.h"

struct pumps;

/* Those of one loop, which they do not keep running.  context must outlive them. */
struct pumps *pumps_new(uv_loop_t *loop, struct context *context);
/* Sends what is left as far as the clients take it now, says goodbye and closes.  The loop must run once more. */
void pumps_close(struct pumps *all);
/* When the loop has ended. */
void pumps_free(struct pumps *all);

/*
 * A connection whose handshake is done; takes fd, tls and what was charged for
 * it over.  Returns the inner end, the caller's; -1, and all is closed, when
 * there are no descriptors left.
 */
int pump_open(struct pumps *all, int fd, struct tls *tls, size_t charged);

/* How many clients have left so far.  Who reads an inner end hears of it from the loop, a turn later. */
uint64_t pumps_left(const struct pumps *all);

/* When a client has had time enough to take what is left, or to say goodbye. */
ms_t pumps_deadline(const struct pumps *all);
void pumps_expire(struct pumps *all, ms_t now);

#endif
