/* discovery.h: /.well-known/host-meta and host-meta.json (XEP-0156) over http.c; meta.c knows what they say. */
#ifndef CULVERT_IO_DISCOVERY_H
#define CULVERT_IO_DISCOVERY_H

#include "base/hooks.h"
#include "conf/conf.h"
#include "io/http_reply.h"

/* Answers a request for one of them; false when it is for something else, and then nothing is answered. */
bool
discovery_answer(struct http *http, const struct conf *conf, const struct hooks *hooks, const struct http_request *rq);

#endif
