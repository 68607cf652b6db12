/*
 * http_library.h: what libmicrohttpd calls: how a request becomes a value with
 * its whole body, what of it is refused before, and how it ends.
 */
#ifndef CULVERT_IO_HTTP_LIBRARY_H
#define CULVERT_IO_HTTP_LIBRARY_H

#include "io/http_parts.h"

/* One of the library's daemons, without a thread and without a listener; NULL when it has no descriptors left for it. */
struct MHD_Daemon *http_library_start(struct http *h, enum pool pool);
/*
 * The client of a request left before the library had the answer: the handler
 * learns it, also when it has answered in the meantime, for that answer is not
 * written.  When the library comes back to the request it closes the connection,
 * but reads first what the client said behind the request: its last words.
 */
void http_library_dismiss(struct request *rq);

#endif
