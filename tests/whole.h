/* whole.h: what the daemon reads a portion in each turn, a test may want to be read at once. */
#ifndef CULVERT_TESTS_WHOLE_H
#define CULVERT_TESTS_WHOLE_H

#include "proto/stream/upstream.h"
#include "proto/xml/xml_stream.h"

static inline enum xml_result
xml_stream_feed_whole(struct xml_stream *x, struct slice bytes)
{
	enum xml_result result = xml_stream_feed(x, bytes);
	bool is_done;

	while (xml_stream_has_unread(x))
		result = xml_stream_go_on(x, &is_done);
	return result;
}

static inline enum closing
upstream_feed_whole(struct upstream *u, struct slice bytes)
{
	enum closing closing = upstream_feed(u, bytes);
	bool is_done;

	while (upstream_has_unread(u))
		closing = upstream_go_on(u, &is_done);
	return closing;
}

#endif
