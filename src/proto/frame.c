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
	bool is_gone;         /* the WebSocket is */
	bool has_header;      /* the client's, whatever is in it */
	bool is_served;       /* the domain in the header is one of ours */
	bool has_said_open;   /* we have */
	bool is_restart_due;  /* the server said <success/> */
	bool has_heard_close; /* the client has said it: nothing it says after is looked at */
	char *id;
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
	} else if (slice_eq(root->ns, SLICE(FRAME_NS)) || slice_eq(root->local, SLICE("open")) ||
		   slice_eq(root->local, SLICE("close"))) {
		r->refused = CLOSING_NAMESPACE; /* RFC 7395, 3.3.2 */
	} else if (slice_eq(root->ns, SLICE(XML_NS_STREAMS)) && slice_eq(root->local, SLICE("stream"))) {
		r->refused = CLOSING_OLD_HEADER;
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
frame_new(struct slice id)
{
	struct frame *f = xcalloc(1, sizeof *f);

	f->id = xstrndup(id.p, id.n);
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
	free(f->id);
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

/*
 * RFC 7395, 3.4.  Opening again restarts the stream (3.7), for the same
 * domain; where no restart is due it would be a second one, which must not be.
 */
static enum closing
open_stream(struct frame *f, struct frame_reader *r)
{
	struct slice to = slice_str(r->header.to);
	bool is_other;

	if (f->state == FRAME_OPEN && !f->is_restart_due)
		return CLOSING_SECOND_OPEN;
	is_other = f->has_header && !slice_eq_nocase(slice_str(f->header.to), to);
	f->is_restart_due = f->has_said_open = f->is_served = false;
	header_fini(&f->header);
	f->header = r->header;
	f->has_header = true;
	r->header = (struct header){.to = NULL};
	if (to.n == 0)
		return CLOSING_NO_TO;
	if (is_other)
		return CLOSING_HOST_UNKNOWN;
	f->state = FRAME_OPEN;
	push_mark(f, STANZA_OPEN);
	return CLOSING_NONE;
}

/*
 * What drafts of the RFC had for <open/>: the header of a native stream, with
 * or without an XML declaration.  It is no element, so the parser has no word
 * for it that would help whoever wrote the client.
 */
static bool
is_old_header(struct slice text)
{
	static const struct slice declaration = SLICE("<?xml "), tag = SLICE("<stream:stream");
	const char *end;

	if (slice_has_prefix(text, declaration)) {
		end = memchr(text.p, '>', text.n);
		if (end == NULL)
			return false;
		text = slice_trim(slice_of(end + 1, (size_t) (text.p + text.n - end - 1)));
	}
	return slice_has_prefix(text, tag);
}

/*
 * 3.3.3: the message is one complete element, and its first character is "<".
 *
 * DEVIATES: an XML declaration in front of the element, which is "NOT
 * RECOMMENDED", is refused with restricted-xml.  The element goes into the
 * middle of a stream, where a declaration cannot stand.
 */
static enum closing
read_message(struct frame_reader *r, struct slice text)
{
	enum xml_result result;

	stanza_free(r->stanza);
	r->stanza = NULL;
	r->refused = CLOSING_NONE;
	if (text.n == 0 || text.p[0] != '<')
		return CLOSING_MALFORMED;
	if (is_old_header(text))
		return CLOSING_OLD_HEADER;
	result = xml_document(r->xml, text, r);
	return r->refused != CLOSING_NONE ? r->refused : closing_of_xml(result);
}

enum closing
frame_message(struct frame *f, struct frame_reader *r, struct slice text)
{
	enum closing closing;

	if (f->state == FRAME_CLOSED || f->has_heard_close)
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
		f->has_heard_close = true;
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

enum closing
frame_served(struct frame *f)
{
	unsigned major;

	f->is_served = true;
	if (f->header.version == NULL || !header_version(slice_str(f->header.version), &major) || major == 0)
		return CLOSING_VERSION;
	/* 4.7.5: a client of the future is told the highest version that both sides speak, and knows what to do. */
	if (major > 1) {
		free(f->header.version);
		f->header.version = xstrdup("1.0");
	}
	return CLOSING_NONE;
}

/* RFC 6120, 4.7.2: the bare form of the address that the client said is its own. */
static void
say_to(struct buf *out, const char *client)
{
	char *bare = client != NULL ? xstrndup(client, strcspn(client, "/")) : NULL;

	header_attribute(out, "to", bare);
	free(bare);
}

static void
say_open(struct frame *f, const struct header *h)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "<open xmlns='" FRAME_NS "'");
	header_attribute(&out, "from", h->from);
	say_to(&out, f->header.from);
	header_attribute(&out, "id", h->id != NULL ? h->id : f->id);
	header_attribute(&out, "version", h->version);
	header_attribute(&out, "xml:lang", h->lang);
	buf_append_str(&out, "/>");
	push_text(f, buf_slice(&out));
	buf_fini(&out);
	f->has_said_open = true;
}

/*
 * DEVIATES: RFC 7395, 3.3.3 wants the language of the stream declared in each
 * message.  It is said here, for the whole stream (3.3.1); the elements keep
 * their bytes.
 */
void
frame_opened(struct frame *f, const struct header *h)
{
	struct header ours = *h;

	if (f->is_gone || f->reason != CLOSING_NONE)
		return;
	if (ours.from == NULL)
		ours.from = f->header.to;
	say_open(f, &ours);
}

/*
 * An <open/> of our own, in front of an error that comes before the server's
 * (RFC 6120, 4.9.1.2).  "from" is the client's word for the domain if it is
 * served here, else empty (4.9.1.3).  "version" is the lower of both sides'
 * (4.7.5); a client that gave none hears none.
 */
static void
say_own_open(struct frame *f)
{
	static char empty[] = "", version[] = "1.0", lang[] = "en";
	struct header ours = {.from = f->is_served ? f->header.to : empty, .version = version, .lang = lang};
	unsigned major;

	if (f->has_header && f->header.version == NULL)
		ours.version = NULL;
	else if (f->header.version != NULL && header_version(slice_str(f->header.version), &major) && major == 0)
		ours.version = f->header.version;
	say_open(f, &ours);
}

void
frame_give(struct frame *f, struct stanza **st)
{
	if (f->is_gone || f->reason != CLOSING_NONE) {
		stanza_free(*st);
		*st = NULL;
		return;
	}
	if ((*st)->kind == STANZA_SUCCESS)
		f->is_restart_due = true;
	stanza_queue_push(&f->out, st);
}

static void
say_error(struct frame *f, enum closing reason)
{
	const char *text = closing_text(reason);
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_printf(&out, "<stream:error xmlns:stream='" XML_NS_STREAMS "'><%s xmlns='" XML_NS_STREAM_ERRORS "'/>",
		   closing_row(reason)->error);
	if (text != NULL) {
		buf_append_str(&out, "<text xmlns='" XML_NS_STREAM_ERRORS "' xml:lang='en'>");
		xml_escape(&out, slice_str(text));
		buf_append_str(&out, "</text>");
	}
	buf_append_str(&out, "</stream:error>");
	push_text(f, buf_slice(&out));
	buf_fini(&out);
}

/*
 * RFC 7395, 3.5: an error before our <open/> comes behind one.  When the
 * stream ends in order, the client's <close/> is awaited for a while.
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
	if (!f->has_said_open && (error != NULL || f->has_header))
		say_own_open(f);
	if (error != NULL)
		say_error(f, reason);
	push_text(f, SLICE("<close xmlns='" FRAME_NS "'/>"));
	if ((reason == CLOSING_SERVER_CLOSED || reason == CLOSING_SERVER_ERROR) && !f->has_heard_close) {
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
