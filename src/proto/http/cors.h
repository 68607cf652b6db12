/* cors.h: what an answer lets pages of other sites do, in the fields' own words (Fetch, 3.3.3). */
#ifndef CULVERT_PROTO_HTTP_CORS_H
#define CULVERT_PROTO_HTTP_CORS_H

#include "base/slice.h"

#define CORS_HEADERS_MAX 1024 /* room for a list of names, with its NUL */

/*
 * Access-Control-Allow-Headers: the names that clients usually send, and those
 * that a preflight asks for (Access-Control-Request-Headers; may be unset).
 * Left out is what is no name (RFC 9110, 5.6.2), and what has no room; of a
 * list that is longer than all of this nothing is taken.
 */
void cors_allow_headers(char out[CORS_HEADERS_MAX], struct slice asked);

#endif
