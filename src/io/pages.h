/*
 * pages.h: static files of one directory by HTTP.  Files go from the disk to
 * the socket; nothing of them is kept here.
 */
#ifndef CULVERT_IO_PAGES_H
#define CULVERT_IO_PAGES_H

#include "base/log.h"
#include "conf/conf.h"
#include "io/http_reply.h"

struct pages;

/* Those that the configuration names, or none.  http and log must outlive it. */
struct pages *pages_new(struct http *http, const struct conf *conf, const struct log *log);
void pages_free(struct pages *p);
/* Opens the directory anew, as another configuration says, or because it was replaced. */
void pages_set_conf(struct pages *p, const struct conf *conf);

/* Answers the request; false when it names no page of ours, and then nothing is answered. */
bool pages_answer(struct pages *p, const struct http_request *rq);
/* A page that says that there is none. */
void pages_answer_none(struct pages *p, const struct http_request *rq);

#endif
