#include "proto/frame.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

/* How long we wait for the client's <close/> after ours. */
#define CLOSE_WAIT 2000

enum message_kind {
	MESSAGE_ELEMENT,
	MESSAGE_OPEN,
	MESSAGE_CLOSE,
};

struct frame_reader {
	struct xml *xml;
	enum message_kind kind;
	struct header header; /* of an <open/> */
	struct stanza *stanza;
	enum closing refused;
};

enum frame_state {
	FRAME_NEW,     /* nothing but <open/> may come */
	FRAME_OPEN,    /* the client has opened the stream */
	FRAME_CLOSING, /* we said <close/>; the client's is awaited */
	FRAME_CLOSED,  /* both said it, or nobody waits for it */
};

struct frame {
	enum frame_state state;
	bool is_gone;        /* the WebSocket is */
	bool has_said_open;  /* we have */
	enum closing reason;
	ms_t close_by;
	struct header header;
	struct stanza_queue up, out;
};

static bool
is_framing(const struct xml_element *root, const char *local)
{
	return slice_eq(root->ns, SLICE(FRAME_NS)) && slice_eq(root->local, slice_str(local));
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct frame_reader *r = arg;

	r->kind = MESSAGE_ELEMENT;
	if (is_framing(root, "open")) {
		r->kind = MESSAGE_OPEN;
		header_set(&r->header, xml_attribute(root, "", "to"), xml_attribute(root, "", "from"),
			   xml_attribute(root, XML_NS_XML, "lang"), xml_attribute(root, "", "version"), SLICE_NONE);
	} else if (is_framing(root, "close")) {
		r->kind = MESSAGE_CLOSE;
	} else if (slice_eq(root->ns, SLICE(FRAME_NS)) || slice_eq(root->local, SLICE("open"))) {
		r->refused = CLOSING_NAMESPACE;
	} else if (slice_eq(root->ns, SLICE(XML_NS_STREAMS)) && slice_eq(root->local, SLICE("stream"))) {
		r->refused = CLOSING_BAD_BODY;
	}
	return r->refused == CLOSING_NONE;
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct frame_reader *r = arg;

	r->stanza = st;
	return true;
}

static const struct xml_handler handler = {.root = on_root, .element = on_element};

struct frame_reader *
frame_reader_new(struct xml_limits limits)
{
	struct frame_reader *r = xcalloc(1, sizeof *r);

	r->xml = xml_new(XML_MESSAGE, &handler, limits);
	return r;
}

void
frame_reader_seed(struct frame_reader *r, uint64_t seed)
{
	xml_seed(r->xml, seed);
}

void
frame_reader_free(struct frame_reader *r)
{
	if (r == NULL)
		return;
	xml_free(r->xml);
	header_fini(&r->header);
	stanza_free(r->stanza);
	free(r);
}

struct frame *
frame_new(void)
{
	struct frame *f = xcalloc(1, sizeof *f);

	f->close_by = MS_NEVER;
	stanza_queue_init(&f->up);
	stanza_queue_init(&f->out);
	return f;
}

void
frame_free(struct frame *f)
{
	if (f == NULL)
		return;
	stanza_queue_fini(&f->up);
	stanza_queue_fini(&f->out);
	header_fini(&f->header);
	free(f);
}

static void
push_mark(struct frame *f, enum stanza_kind kind)
{
	struct stanza *mark = stanza_new(0, kind);

	stanza_queue_push(&f->up, &mark);
}

static void
push_text(struct frame *f, struct slice text)
{
	struct stanza *st = stanza_copy(text, STANZA_OTHER);

	stanza_queue_push(&f->out, &st);
}

/* RFC 7395, 3.4; opening again restarts the stream (3.7), for the same domain. */
static enum closing
open_stream(struct frame *f, struct frame_reader *r)
{
	const struct header *h = &r->header;

	if (h->to == NULL || h->to[0] == '\0')
		return CLOSING_NO_TO;
	if (h->version == NULL || strncmp(h->version, "1.", 2) != 0)
		return CLOSING_VERSION;
	if (f->header.to != NULL && !slice_eq_nocase(slice_str(f->header.to), slice_str(h->to)))
		return CLOSING_HOST_UNKNOWN;
	header_fini(&f->header);
	f->header = r->header;
	r->header = (struct header){.to = NULL};
	f->state = FRAME_OPEN;
	push_mark(f, STANZA_OPEN);
	return CLOSING_NONE;
}

static enum closing
closing_of(enum xml_result result)
{
	switch (result) {
	case XML_OK:
	case XML_STOPPED:
		return CLOSING_NONE;
	case XML_RESTRICTED:
		return CLOSING_RESTRICTED;
	case XML_TOO_BIG:
		return CLOSING_TOO_BIG;
	case XML_TOO_DEEP:
		return CLOSING_TOO_DEEP;
	case XML_MALFORMED:
	case XML_TEXT:
		break;
	}
	return CLOSING_MALFORMED;
}

/* 3.3.3: the message is one complete element, and its first character is "<". */
static enum closing
read_message(struct frame_reader *r, struct slice text)
{
	enum xml_result result;

	stanza_free(r->stanza);
	r->stanza = NULL;
	r->refused = CLOSING_NONE;
	if (text.n == 0 || text.p[0] != '<')
		return CLOSING_MALFORMED;
	result = xml_document(r->xml, text, r);
	return r->refused != CLOSING_NONE ? r->refused : closing_of(result);
}

enum closing
frame_message(struct frame *f, struct frame_reader *r, struct slice text)
{
	enum closing closing;

	if (f->state == FRAME_CLOSED)
		return CLOSING_NONE;
	closing = read_message(r, text);
	if (closing != CLOSING_NONE)
		return closing;
	if (f->state == FRAME_CLOSING) {
		/* Ours is said; of the client's only the <close/> still matters. */
		if (r->kind == MESSAGE_CLOSE)
			f->state = FRAME_CLOSED;
		return CLOSING_NONE;
	}
	switch (r->kind) {
	case MESSAGE_OPEN:
		return open_stream(f, r);
	case MESSAGE_CLOSE:
		push_mark(f, STANZA_CLOSE);
		return CLOSING_NONE;
	case MESSAGE_ELEMENT:
		break;
	}
	if (f->state == FRAME_NEW)
		return CLOSING_BAD_BODY;
	stanza_queue_push(&f->up, &r->stanza);
	return CLOSING_NONE;
}

void
frame_gone(struct frame *f)
{
	f->is_gone = true;
	stanza_queue_fini(&f->out);
}

struct stanza *
frame_next_up(struct frame *f)
{
	return stanza_queue_shift(&f->up);
}

const struct header *
frame_header(const struct frame *f)
{
	return &f->header;
}

static void
say_open(struct frame *f, const char *from, const struct header *h)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "<open xmlns='" FRAME_NS "'");
	header_attribute(&out, "from", from);
	header_attribute(&out, "id", h != NULL ? h->id : NULL);
	header_attribute(&out, "version", h != NULL ? h->version : "1.0");
	header_attribute(&out, "xml:lang", h != NULL ? h->lang : NULL);
	buf_append_str(&out, "/>");
	push_text(f, buf_slice(&out));
	buf_fini(&out);
	f->has_said_open = true;
}

void
frame_opened(struct frame *f, const struct header *h)
{
	if (f->is_gone || f->reason != CLOSING_NONE)
		return;
	say_open(f, h->from != NULL ? h->from : f->header.to, h);
}

void
frame_give(struct frame *f, struct stanza **st)
{
	if (f->is_gone || f->reason != CLOSING_NONE) {
		stanza_free(*st);
		*st = NULL;
		return;
	}
	stanza_queue_push(&f->out, st);
}

static void
say_error(struct frame *f, const char *condition)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_printf(&out,
		   "<stream:error xmlns:stream='" XML_NS_STREAMS "'>"
		   "<%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
		   condition);
	push_text(f, buf_slice(&out));
	buf_fini(&out);
}

/*
 * RFC 6120, 4.9.1.1: an error before our header comes after a header.  When
 * the stream ends in order, the client's <close/> is awaited for a while.
 */
void
frame_close(struct frame *f, enum closing reason, ms_t now)
{
	const char *error = closing_row(reason)->error;

	if (f->reason != CLOSING_NONE)
		return;
	must(reason != CLOSING_NONE);
	f->reason = reason;
	f->state = FRAME_CLOSED;
	if (f->is_gone)
		return;
	if (!f->has_said_open && (error != NULL || f->header.to != NULL))
		say_open(f, f->header.to, NULL);
	if (error != NULL)
		say_error(f, error);
	push_text(f, SLICE("<close xmlns='" FRAME_NS "'/>"));
	if (reason == CLOSING_SERVER_CLOSED || reason == CLOSING_SERVER_ERROR) {
		f->state = FRAME_CLOSING;
		f->close_by = now + CLOSE_WAIT;
	}
}

struct stanza *
frame_first_out(struct frame *f)
{
	return f->out.first;
}

void
frame_sent(struct frame *f)
{
	stanza_free(stanza_queue_shift(&f->out));
}

bool
frame_wants_hangup(const struct frame *f, ms_t now, unsigned *code)
{
	if (f->reason == CLOSING_NONE || f->is_gone || f->out.count > 0)
		return false;
	if (f->state == FRAME_CLOSING && now < f->close_by)
		return false;
	*code = closing_row(f->reason)->ws_code;
	return true;
}

ms_t
frame_deadline(const struct frame *f)
{
	return f->state == FRAME_CLOSING && !f->is_gone && f->out.count == 0 ? f->close_by : MS_NEVER;
}

bool
frame_is_done(const struct frame *f)
{
	return f->is_gone && f->reason != CLOSING_NONE;
}

size_t
frame_queued(const struct frame *f)
{
	return stanza_queue_cost(&f->out);
}

size_t
frame_queued_up(const struct frame *f)
{
	return stanza_queue_cost(&f->up);
}
