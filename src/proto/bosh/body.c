#include "proto/bosh/body.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "proto/xml/tag.h"

struct body_reader {
	struct xml *xml; /* borrowed */
	bool is_begun;   /* with a body that is read in portions */
	struct body body;
	struct buf text; /* what the body's slices point into */
	enum closing refused;
};

/* A copy of an attribute's value that lasts as long as the body.  Room was reserved before. */
static struct slice
keep(struct body_reader *r, struct slice value)
{
	size_t at = r->text.n;

	if (!slice_is_set(value))
		return SLICE_NONE;
	must(buf_append(&r->text, value) == 0);
	return slice_of(buf_slice(&r->text).p + at, value.n);
}

/* An optional number; a bad one makes the body bad. */
static void
number(struct body_reader *r, struct slice value, uint64_t max, bool *has, uint64_t *n)
{
	*has = false;
	*n = 0;
	if (!slice_is_set(value))
		return;
	if (slice_number(slice_trim(value), max, n))
		*has = true;
	else
		r->refused = CLOSING_BAD_BODY;
}

/* How much text all attributes have together. */
static size_t
attribute_bytes(const struct xml_element *root)
{
	size_t n = 1;

	for (const char **a = root->attributes; *a != NULL; a += 2)
		n += strlen(a[1]);
	return n;
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct body_reader *r = arg;
	struct body *b = &r->body;
	struct slice lang = xml_attribute(root, XML_NS_XML, "lang");

	if (!slice_eq(root->local, SLICE("body"))) {
		r->refused = CLOSING_BAD_BODY;
		return false;
	}
	if (!slice_eq(root->ns, SLICE(BODY_NS))) {
		r->refused = CLOSING_NAMESPACE;
		return false;
	}
	if (buf_reserve(&r->text, attribute_bytes(root)) == NULL) {
		r->refused = CLOSING_TOO_BIG;
		return false;
	}
	b->sid = keep(r, xml_attribute(root, "", "sid"));
	b->to = keep(r, xml_attribute(root, "", "to"));
	b->from = keep(r, xml_attribute(root, "", "from"));
	b->lang = keep(r, lang);
	b->type = keep(r, xml_attribute(root, "", "type"));
	b->ver = keep(r, xml_attribute(root, "", "ver"));
	b->content = keep(r, xml_attribute(root, "", "content"));
	b->key = keep(r, xml_attribute(root, "", "key"));
	b->newkey = keep(r, xml_attribute(root, "", "newkey"));
	b->version = keep(r, xml_attribute(root, BODY_NS_XMPP, "version"));
	b->restart = slice_is_true(xml_attribute(root, BODY_NS_XMPP, "restart"));
	number(r, xml_attribute(root, "", "rid"), BODY_RID_MAX, &b->has_rid, &b->rid);
	number(r, xml_attribute(root, "", "wait"), UINT32_MAX, &b->has_wait, &b->wait);
	number(r, xml_attribute(root, "", "hold"), UINT32_MAX, &b->has_hold, &b->hold);
	number(r, xml_attribute(root, "", "pause"), UINT32_MAX, &b->has_pause, &b->pause);
	number(r, xml_attribute(root, "", "ack"), BODY_RID_MAX, &b->has_ack, &b->ack);
	/* 14.1: a positive integer. */
	if (!b->has_rid || b->rid == 0)
		r->refused = CLOSING_BAD_BODY;
	b->has_root = true;
	return r->refused == CLOSING_NONE;
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct body_reader *r = arg;

	stanza_queue_push(&r->body.payload, &st);
	return true;
}

/*
 * The stream to the server declares jabber:client and the stream prefix, and
 * XEP-0206, 4 has unqualified stanzas mean jabber:client although they inherit
 * httpbind: none of the three is written again.
 */
static const struct xml_known known[] = {
	{SLICE_INIT(""), SLICE_INIT(BODY_NS)},
	{SLICE_INIT(""), SLICE_INIT(XML_NS_CLIENT)},
	{SLICE_INIT("stream"), SLICE_INIT(XML_NS_STREAMS)},
};

static const struct xml_handler handler = {
	.known = known,
	.n_known = sizeof known / sizeof *known,
	.root = on_root,
	.element = on_element,
};

struct body_reader *
body_reader_new(struct xml *xml)
{
	struct body_reader *r = xcalloc(1, sizeof *r);

	r->xml = xml;
	buf_init(&r->text, BUF_UNLIMITED);
	stanza_queue_init(&r->body.payload);
	return r;
}

void
body_reader_free(struct body_reader *r)
{
	if (r == NULL)
		return;
	buf_fini(&r->text);
	stanza_queue_fini(&r->body.payload);
	free(r);
}

static void
begin(struct body_reader *r)
{
	stanza_queue_fini(&r->body.payload);
	r->body = (struct body){.has_rid = false};
	stanza_queue_init(&r->body.payload);
	buf_clear(&r->text, 4096);
	r->refused = CLOSING_NONE;
}

static enum closing
closing_of(const struct body_reader *r, enum xml_result result)
{
	return r->refused != CLOSING_NONE ? r->refused : closing_of_xml(result);
}

enum closing
body_read(struct body_reader *r, struct xml_limits limits, struct slice bytes, struct body **body)
{
	begin(r);
	*body = &r->body;
	return closing_of(r, xml_document(r->xml, XML_WRAPPER, &handler, limits, bytes, r));
}

enum closing
body_portion(struct body_reader *r, struct xml_limits limits, struct slice bytes, struct body **body, bool *is_done)
{
	enum xml_result result;

	if (!r->is_begun) {
		begin(r);
		xml_begin_document(r->xml, XML_WRAPPER, &handler, limits, bytes, r);
		r->is_begun = true;
	}
	*body = &r->body;
	result = xml_go_on(r->xml);
	*is_done = result != XML_MORE;
	if (!*is_done)
		return CLOSING_NONE;
	r->is_begun = false;
	return closing_of(r, result);
}

/* Does the value stand for itself, or would a parser change it? */
static bool
is_plain(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '&' || (unsigned char) value.p[i] < ' ')
			return false;
	return true;
}

/*
 * The sid among the attributes of a tag, of which s is what stands behind its
 * name.  s goes on as far as was looked: who comes back for the next tag does
 * not look at anything twice.
 */
static struct slice
sid_of_tag(struct slice *s)
{
	struct slice name, value;

	while (tag_attribute(s, &name, &value))
		if (slice_eq(name, SLICE("sid")))
			return is_plain(value) ? value : SLICE_NONE;
	return SLICE_NONE;
}

struct slice
body_sid(struct slice s)
{
	/* The first tag that is not a declaration. */
	do {
		slice_take_to(&s, "<");
		if (s.n < 2)
			return SLICE_NONE;
		s = slice_of(s.p + 1, s.n - 1);
	} while (s.p[0] == '?');
	slice_take_to(&s, " \t\r\n>");
	return sid_of_tag(&s);
}

struct slice
body_sid_of_refused(struct slice s)
{
	struct slice sid = body_sid(s), name, prefix, local;

	while (!slice_is_set(sid)) {
		slice_take_to(&s, "<");
		if (s.n < 2)
			break;
		s = slice_of(s.p + 1, s.n - 1);
		name = slice_take_to(&s, " \t\r\n></");
		if (slice_cut(name, ':', &prefix, &local))
			name = local;
		if (slice_eq(name, SLICE("body")))
			sid = sid_of_tag(&s);
	}
	return sid;
}

void
body_payload(struct buf *out, struct stanza_queue *payload)
{
	bool has_prefix = false;
	struct stanza *st;

	for (st = payload->first; st != NULL; st = st->next)
		has_prefix = has_prefix || st->has_stream_prefix;
	/* XEP-0206, 2: with features or a stream error in it, the body declares the prefix. */
	if (has_prefix)
		buf_append_str(out, " xmlns:stream='" XML_NS_STREAMS "'");
	if (payload->count == 0) {
		buf_append_str(out, "/>");
		return;
	}
	buf_append_char(out, '>');
	while ((st = stanza_queue_shift(payload)) != NULL) {
		buf_append(out, stanza_slice(st));
		stanza_free(st);
	}
	buf_append_str(out, BODY_END);
}

void
body_terminal(struct buf *out, enum closing reason, struct stanza_queue *payload)
{
	const char *condition = closing_row(reason)->condition;

	buf_append_str(out, "<body xmlns='" BODY_NS "' type='terminate'");
	if (condition != NULL)
		buf_printf(out, " condition='%s'", condition);
	if (payload != NULL)
		body_payload(out, payload);
	else
		buf_append_str(out, "/>");
}
