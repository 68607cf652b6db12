/* content.h: the types a BOSH answer may have (XEP-0124, 7.1): those that a browser runs as no page of ours. */
#ifndef CULVERT_PROTO_BOSH_CONTENT_H
#define CULVERT_PROTO_BOSH_CONTENT_H

#include "base/slice.h"

enum content {
	CONTENT_TEXT_XML,
	CONTENT_APPLICATION_XML,
	CONTENT_TEXT_PLAIN,
	CONTENTS, /* how many there are */
};

/* What a client wrote into "content"; text/xml for all that is none of them. */
enum content content_read(struct slice wanted);
/* The value of the Content-Type field. */
const char *content_name(enum content content);

#endif
