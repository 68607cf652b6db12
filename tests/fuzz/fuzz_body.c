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

/* The payload is for a stream that declares these, and nothing else. */
static void
check_payload(const struct stanza_queue *q)
{
	struct xml *x = xml_new(XML_WRAPPER, &checks, unlimited);
	struct buf stream;
	size_t count = 0, bytes = 0;

	buf_init(&stream, BUF_UNLIMITED);
	buf_append_str(&stream, "<s xmlns='" XML_NS_CLIENT "' xmlns:stream='" XML_NS_STREAMS "'>");
	for (const struct stanza *st = q->first; st != NULL; st = st->next) {
		buf_append(&stream, stanza_slice(st));
		bytes += st->n;
	}
	buf_append_str(&stream, "</s>");
	must(xml_document(x, buf_slice(&stream), &count) == XML_OK);
	must(count == q->count && bytes == q->bytes);
	buf_fini(&stream);
	xml_free(x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice bytes = slice_of((const char *) p, n), sid = body_sid(bytes);
	struct body_reader *reader = body_reader_new(limits);
	struct body *body, *again;
	enum closing closing = body_read(reader, bytes, &body);

	if (closing == CLOSING_NONE) {
		must(body->has_rid && body->rid > 0 && body->rid <= BODY_RID_MAX);
		must(body->has_root && body->ack <= BODY_RID_MAX);
		must(body->wait <= UINT32_MAX && body->hold <= UINT32_MAX && body->pause <= UINT32_MAX);
		must(!slice_is_set(sid) || (slice_is_set(body->sid) && slice_eq(sid, body->sid)));
		check_payload(&body->payload);
		/* What is made of it stays in proportion to it. */
		must(body->payload.bytes <= 65536 + 9 * n);
	}
	/* A reader is as good as new. */
	must(body_read(reader, bytes, &again) == closing);
	body_reader_free(reader);
	return 0;
}
