/*
 * body.h with any bytes: a POST.  Where body_sid() sees a sid without
 * parsing, the parser sees the same, or refuses the body: two readers that
 * disagree would send it to one session's worker and give it to another.
 */
#include "fuzz/input.h"

#include "base/buf.h"
#include "proto/bosh/body.h"

static const struct xml_limits limits = {20000, 100};
static const struct xml_limits unlimited = {1 << 24, 1000};

static bool
on_root(void *arg, const struct xml_element *root)
{
	(void) arg;
	(void) root;
	return true;
}

static bool
on_element(void *arg, struct stanza *st)
{
	++*(size_t *) arg;
	stanza_free(st);
	return true;
}

static const struct xml_handler checks = {.root = on_root, .element = on_element};

/* Each payload element is for a stream that declares these, and nothing else. */
static void
check_payload(const struct stanza_queue *q)
{
	struct xml *x = xml_new(0);
	struct buf stream;
	size_t count = 0, bytes = 0;

	buf_init(&stream, BUF_UNLIMITED);
	for (const struct stanza *st = q->first; st != NULL; st = st->next) {
		buf_clear(&stream, 65536);
		buf_append_str(&stream, "<s xmlns='" XML_NS_CLIENT "' xmlns:stream='" XML_NS_STREAMS "'>");
		buf_append(&stream, stanza_slice(st));
		buf_append_str(&stream, "</s>");
		must(xml_document(x, XML_WRAPPER, &checks, unlimited, buf_slice(&stream), &count) == XML_OK);
		bytes += st->n;
	}
	must(count == q->count && bytes == q->bytes);
	buf_fini(&stream);
	xml_free(x);
}

/* Whatever was read before, refused or not: the next finds the reader as new. */
static void
check_reader(struct body_reader *reader)
{
	static const char good[] =
		"<body xmlns='" BODY_NS "' rid='1'><message xmlns='jabber:client'>hi</message></body>";
	struct body *body;

	must(body_read(reader, limits, slice_of(good, sizeof good - 1), &body) == CLOSING_NONE);
	must(body->payload.count == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice bytes = slice_of((const char *) p, n), sid = body_sid(bytes);
	struct xml *xml = xml_new(0);
	struct body_reader *reader = body_reader_new(xml);
	struct body *body, *again;
	enum closing closing = body_read(reader, limits, bytes, &body);

	if (closing == CLOSING_NONE) {
		must(body->has_rid && body->rid > 0 && body->rid <= BODY_RID_MAX);
		must(body->has_root && body->ack <= BODY_RID_MAX);
		must(body->wait <= UINT32_MAX && body->hold <= UINT32_MAX && body->pause <= UINT32_MAX);
		must(!slice_is_set(sid) || (slice_is_set(body->sid) && slice_eq(sid, body->sid)));
		check_payload(&body->payload);
		/* What is made of it stays in proportion to it. */
		must(body->payload.bytes <= 65536 + 9 * n);
	}
	check_reader(reader);
	must(body_read(reader, limits, bytes, &again) == closing);
	body_reader_free(reader);
	xml_free(xml);
	return 0;
}
