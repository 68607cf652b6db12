/*
 * body.h: reads the BOSH <body/> wrapper (XEP-0124, 5) and writes it.  No
 * rules: bosh.c has them.
 */
#ifndef CULVERT_PROTO_BOSH_BODY_H
#define CULVERT_PROTO_BOSH_BODY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/closing.h"
#include "proto/xml/stanza.h"
#include "proto/xml/xml.h"

#define BODY_NS "http://jabber.org/protocol/httpbind"
#define BODY_NS_XMPP "urn:xmpp:xbosh"
#define BODY_EMPTY "<body xmlns='" BODY_NS "'/>"
#define BODY_END "</body>"
#define BODY_RID_MAX ((UINT64_C(1) << 53) - 1) /* XEP-0124, 14.1 */

/* What one <body/> said.  Slices and payload belong to the reader until its next body. */
struct body {
	bool has_root; /* the attributes were read, even if the body was refused then */
	struct slice sid, to, from, lang, type, ver, content, key, newkey;
	struct slice version; /* xmpp:version */
	bool has_rid;
	uint64_t rid;
	bool has_wait, has_hold, has_pause, has_ack;
	uint64_t wait, hold, pause, ack; /* seconds, requests, seconds, a rid */
	bool restart;                    /* xmpp:restart */
	struct stanza_queue payload;
};

struct body_reader;

/* xml is borrowed. */
struct body_reader *body_reader_new(struct xml *xml);
void body_reader_free(struct body_reader *r);

/*
 * Reads a whole HTTP body; limits bound one payload element.  *body is always set, and good until the next
 * call; what was understood before an error came up is in it (so that a
 * known session can be ended).  The caller may move payload out.
 */
enum closing body_read(struct body_reader *r, struct xml_limits limits, struct slice bytes, struct body **body);
/* The same in portions: to be called with the same until *is_done.  Meanwhile the reader reads nothing else. */
enum closing
body_portion(struct body_reader *r, struct xml_limits limits, struct slice bytes, struct body **body, bool *is_done);

/*
 * Finds the sid without parsing, so that the bytes can travel to the worker
 * that owns the session.  Unset when there is none, or none that is plain to
 * see; the parser then decides.
 */
struct slice body_sid(struct slice bytes);

/*
 * The same for a body that was refused before its root was reached: the sid
 * of the first <body> in it, whatever stands before.
 */
struct slice body_sid_of_refused(struct slice bytes);

/*
 * Appends what follows the attributes of a <body>: the end of its start tag,
 * the stanzas, which leave the queue, and its end tag.
 */
void body_payload(struct buf *out, struct stanza_queue *payload);

/* Appends a <body type='terminate'/> for a reason (XEP-0124, 17.2), with payload that is left, which may be NULL. */
void body_terminal(struct buf *out, enum closing reason, struct stanza_queue *payload);

#endif
