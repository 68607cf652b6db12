#include "proto/stream/websocket.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

/* How long we wait for the client's <close/> after ours. */
#define CLOSE_WAIT 2000
/* How long the client has to take the next message of what is left, and then for the closing handshake. */
#define HANGUP_WAIT 5000

enum message_kind {
	MESSAGE_ELEMENT,
	MESSAGE_OPEN,
	MESSAGE_CLOSE,
};

struct websocket_reader {
	struct xml *xml; /* borrowed */
	bool is_begun;   /* with a message that is read in portions */
	enum message_kind kind;
	struct stream_header header; /* of an <open/> */
	struct stanza *stanza;
	enum closing refused;
};

/* What the client has said. */
enum hears {
	HEARS_NOTHING, /* nothing but <open/> may come */
	HEARS_STREAM,
	HEARS_RESTART, /* the server said <success/>: <open/> may come again */
	HEARS_CLOSE,   /* what comes behind it is not looked at */
};

static const struct state hears_states[] = {
	[HEARS_NOTHING] = {"nothing", STEP(HEARS_STREAM) | STEP(HEARS_CLOSE)},
	[HEARS_STREAM] = {"stream", STEP(HEARS_RESTART) | STEP(HEARS_CLOSE)},
	[HEARS_RESTART] = {"restart", STEP(HEARS_STREAM) | STEP(HEARS_CLOSE)},
	[HEARS_CLOSE] = {"close", 0},
};

/* What we have. */
enum says {
	SAYS_NOTHING, /* since the client's <open/>, or before it */
	SAYS_OPEN,
	SAYS_CLOSE,  /* the client's <close/> is awaited */
	SAYS_ALL,    /* nothing is awaited but that the client takes it */
	SAYS_HANGUP, /* the closing handshake */
	SAYS_CUT,    /* the connection is cut: it was waited for long enough */
	SAYS_GONE,   /* the connection is gone */
};

#define SAYS_END (STEP(SAYS_HANGUP) | STEP(SAYS_CUT) | STEP(SAYS_GONE))

static const struct state says_states[] = {
	[SAYS_NOTHING] = {"nothing", STEP(SAYS_OPEN) | STEP(SAYS_CLOSE) | STEP(SAYS_ALL) | STEP(SAYS_GONE)},
	[SAYS_OPEN] = {"open", STEP(SAYS_NOTHING) | STEP(SAYS_CLOSE) | STEP(SAYS_ALL) | STEP(SAYS_GONE)},
	[SAYS_CLOSE] = {"close", STEP(SAYS_ALL) | SAYS_END},
	[SAYS_ALL] = {"all", SAYS_END},
	[SAYS_HANGUP] = {"hangup", STEP(SAYS_CUT) | STEP(SAYS_GONE)},
	[SAYS_CUT] = {"cut", STEP(SAYS_GONE)},
	[SAYS_GONE] = {"gone", 0},
};

struct websocket {
	enum hears hears;
	enum says says;
	bool has_header; /* the client's, whatever is in it */
	bool is_served;  /* the domain in the header is one of ours */
	char *id;
	enum closing reason;
	ms_t close_by;  /* CLOSE: the client's is awaited until then */
	ms_t hangup_by; /* from CLOSE on: the next step is to be done by then */
	struct stream_header header;
	struct stanza_queue up, out;
	struct stanza_tally sent;
	const struct trace *trace;
};

static void
set_hears(struct websocket *w, enum hears to)
{
	state_step(hears_states, "client", w->trace, w->hears, to);
	w->hears = to;
}

static void
set_says(struct websocket *w, enum says to)
{
	state_step(says_states, "websocket", w->trace, w->says, to);
	w->says = to;
}

static bool
is_framing(const struct xml_element *root, const char *local)
{
	return slice_eq(root->ns, SLICE(WEBSOCKET_NS)) && slice_eq(root->local, slice_str(local));
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct websocket_reader *r = arg;

	r->kind = MESSAGE_ELEMENT;
	if (is_framing(root, "open")) {
		r->kind = MESSAGE_OPEN;
		stream_header_set(&r->header, xml_attribute(root, "", "to"), xml_attribute(root, "", "from"),
			xml_attribute(root, XML_NS_XML, "lang"), xml_attribute(root, "", "version"), SLICE_NONE);
	} else if (is_framing(root, "close")) {
		r->kind = MESSAGE_CLOSE;
	} else if (slice_eq(root->ns, SLICE(WEBSOCKET_NS)) || slice_eq(root->local, SLICE("open")) ||
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
	struct websocket_reader *r = arg;

	r->stanza = st;
	return true;
}

static const struct xml_handler handler = {.root = on_root, .element = on_element};

struct websocket_reader *
websocket_reader_new(struct xml *xml)
{
	struct websocket_reader *r = xcalloc(1, sizeof *r);

	r->xml = xml;
	return r;
}

void
websocket_reader_free(struct websocket_reader *r)
{
	if (r == NULL)
		return;
	stream_header_fini(&r->header);
	stanza_free(r->stanza);
	free(r);
}

struct websocket *
websocket_new(struct slice id, const struct trace *trace)
{
	struct websocket *w = xcalloc(1, sizeof *w);

	w->id = xstrndup(id.p, id.n);
	w->trace = trace;
	stanza_queue_init(&w->up);
	stanza_queue_init(&w->out);
	return w;
}

void
websocket_free(struct websocket *w)
{
	if (w == NULL)
		return;
	stanza_queue_fini(&w->up);
	stanza_queue_fini(&w->out);
	stream_header_fini(&w->header);
	free(w->id);
	free(w);
}

static void
push_text(struct websocket *w, struct slice text)
{
	struct stanza *st = stanza_copy(text, STANZA_OTHER);

	stanza_queue_push(&w->out, &st);
}

/*
 * RFC 7395, 3.4.  Opening again restarts the stream (3.7), for the same
 * domain; where no restart is due it would be a second one, which must not be.
 */
static enum closing
open_stream(struct websocket *w, struct websocket_reader *r)
{
	struct slice to = slice_str(r->header.to);
	bool is_other;

	if (w->hears == HEARS_STREAM)
		return CLOSING_SECOND_OPEN;
	is_other = w->has_header && !slice_eq_nocase(slice_str(w->header.to), to);
	set_says(w, SAYS_NOTHING);
	w->is_served = false;
	stream_header_fini(&w->header);
	w->header = r->header;
	w->has_header = true;
	r->header = (struct stream_header){.to = NULL};
	if (to.n == 0)
		return CLOSING_NO_TO;
	if (is_other)
		return CLOSING_HOST_UNKNOWN;
	set_hears(w, HEARS_STREAM);
	stanza_queue_push_mark(&w->up, STANZA_OPEN);
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
	static const struct slice declaration = SLICE_INIT("<?xml "), tag = SLICE_INIT("<stream:stream");
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
begin_message(struct websocket_reader *r, struct slice text)
{
	stanza_free(r->stanza);
	r->stanza = NULL;
	r->refused = CLOSING_NONE;
	if (text.n == 0 || text.p[0] != '<')
		return CLOSING_MALFORMED;
	return is_old_header(text) ? CLOSING_OLD_HEADER : CLOSING_NONE;
}

/* Ours is said; of the client's words only <close/> still matters. */
static void
hear_last(struct websocket *w, const struct websocket_reader *r)
{
	if (r->kind != MESSAGE_CLOSE)
		return;
	set_hears(w, HEARS_CLOSE);
	set_says(w, SAYS_ALL);
}

static bool
is_deaf(const struct websocket *w)
{
	return w->says > SAYS_CLOSE || w->hears == HEARS_CLOSE;
}

/* The message has been read, with this result. */
static enum closing
take_message(struct websocket *w, struct websocket_reader *r, enum xml_result result)
{
	if (is_deaf(w))
		return CLOSING_NONE;
	if (r->refused != CLOSING_NONE || closing_of_xml(result) != CLOSING_NONE)
		return r->refused != CLOSING_NONE ? r->refused : closing_of_xml(result);
	if (w->says == SAYS_CLOSE) {
		hear_last(w, r);
		return CLOSING_NONE;
	}
	switch (r->kind) {
	case MESSAGE_OPEN:
		return open_stream(w, r);
	case MESSAGE_CLOSE:
		set_hears(w, HEARS_CLOSE);
		stanza_queue_push_mark(&w->up, STANZA_CLOSE);
		return CLOSING_NONE;
	case MESSAGE_ELEMENT:
		break;
	}
	if (w->hears == HEARS_NOTHING)
		return CLOSING_BAD_BODY;
	stanza_queue_push(&w->up, &r->stanza);
	return CLOSING_NONE;
}

enum closing
websocket_message(struct websocket *w, struct websocket_reader *r, struct xml_limits limits, struct slice text)
{
	enum closing closing;

	if (is_deaf(w))
		return CLOSING_NONE;
	closing = begin_message(r, text);
	if (closing != CLOSING_NONE)
		return closing;
	return take_message(w, r, xml_document(r->xml, XML_MESSAGE, &handler, limits, text, r));
}

enum closing
websocket_portion(
	struct websocket *w, struct websocket_reader *r, struct xml_limits limits, struct slice text, bool *is_done)
{
	enum xml_result result;
	enum closing closing;

	*is_done = true;
	if (!r->is_begun) {
		closing = begin_message(r, text);
		if (closing != CLOSING_NONE)
			return closing;
		xml_begin_document(r->xml, XML_MESSAGE, &handler, limits, text, r);
		r->is_begun = true;
	}
	result = xml_go_on(r->xml);
	*is_done = result != XML_MORE;
	if (!*is_done)
		return CLOSING_NONE;
	r->is_begun = false;
	return take_message(w, r, result);
}

void
websocket_reader_abandon(struct websocket_reader *r)
{
	r->is_begun = false;
	xml_abandon(r->xml);
}

void
websocket_gone(struct websocket *w)
{
	set_says(w, SAYS_GONE);
	stanza_queue_fini(&w->out);
}

struct stanza *
websocket_next_up(struct websocket *w)
{
	return stanza_queue_shift(&w->up);
}

const struct stream_header *
websocket_header(const struct websocket *w)
{
	return &w->header;
}

/* The first number of the client's version; false when that is none. */
static bool
has_major(const struct websocket *w, uint64_t *major)
{
	uint64_t minor;

	return slice_version(slice_str(w->header.version), UINT16_MAX, major, &minor);
}

enum closing
websocket_served(struct websocket *w)
{
	uint64_t major;

	w->is_served = true;
	if (!has_major(w, &major) || major == 0)
		return CLOSING_VERSION;
	/* 4.7.5: a client of the future is told the highest version that both sides speak, and knows what to do. */
	if (major > 1) {
		free(w->header.version);
		w->header.version = xstrdup("1.0");
	}
	return CLOSING_NONE;
}

static bool
is_speaking(const struct websocket *w)
{
	return w->says == SAYS_NOTHING || w->says == SAYS_OPEN;
}

/* RFC 6120, 4.7.2: the bare form of the address that the client said is its own. */
static void
say_to(struct buf *out, const char *client)
{
	char *bare = client != NULL ? xstrndup(client, strcspn(client, "/")) : NULL;

	stream_header_attribute(out, "to", bare);
	free(bare);
}

static void
say_open(struct websocket *w, const struct stream_header *h)
{
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_append_str(&out, "<open xmlns='" WEBSOCKET_NS "'");
	stream_header_attribute(&out, "from", h->from);
	say_to(&out, w->header.from);
	stream_header_attribute(&out, "id", h->id != NULL ? h->id : w->id);
	stream_header_attribute(&out, "version", h->version);
	stream_header_attribute(&out, "xml:lang", h->lang);
	buf_append_str(&out, "/>");
	push_text(w, buf_slice(&out));
	buf_fini(&out);
	set_says(w, SAYS_OPEN);
}

/*
 * DEVIATES: RFC 7395, 3.3.3 wants the language of the stream declared in each
 * message.  It is said here, for the whole stream (3.3.1); the elements keep
 * their bytes.
 */
void
websocket_opened(struct websocket *w, const struct stream_header *h)
{
	struct stream_header ours = *h;

	if (!is_speaking(w))
		return;
	if (ours.from == NULL)
		ours.from = w->header.to;
	say_open(w, &ours);
}

/*
 * An <open/> of our own, in front of an error that comes before the server's
 * (RFC 6120, 4.9.1.2).  "from" is the client's word for the domain if it is
 * served here, else empty (4.9.1.3).  "version" is the lower of both sides'
 * (4.7.5); a client that gave none hears none.
 */
static void
say_own_open(struct websocket *w)
{
	static char empty[] = "", version[] = "1.0", lang[] = "en";
	struct stream_header ours = {.from = w->is_served ? w->header.to : empty, .version = version, .lang = lang};
	uint64_t major;

	if (w->has_header && w->header.version == NULL)
		ours.version = NULL;
	else if (has_major(w, &major) && major == 0)
		ours.version = w->header.version;
	say_open(w, &ours);
}

void
websocket_give(struct websocket *w, struct stanza **st)
{
	if (!is_speaking(w)) {
		stanza_free(*st);
		*st = NULL;
		return;
	}
	if ((*st)->kind == STANZA_SUCCESS && w->hears == HEARS_STREAM)
		set_hears(w, HEARS_RESTART);
	stanza_queue_push(&w->out, st);
}

static void
say_error(struct websocket *w, enum closing reason)
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
	push_text(w, buf_slice(&out));
	buf_fini(&out);
}

/*
 * RFC 7395, 3.5: an error before our <open/> comes behind one.  When the
 * stream ends in order, the client's <close/> is awaited for a while.
 */
void
websocket_close(struct websocket *w, enum closing reason, ms_t now)
{
	const char *error = closing_row(reason)->error;

	if (w->reason != CLOSING_NONE)
		return;
	must(reason != CLOSING_NONE);
	w->reason = reason;
	if (w->says == SAYS_GONE)
		return;
	if (w->says == SAYS_NOTHING && (error != NULL || w->has_header))
		say_own_open(w);
	if (error != NULL)
		say_error(w, reason);
	push_text(w, SLICE("<close xmlns='" WEBSOCKET_NS "'/>"));
	w->hangup_by = now + HANGUP_WAIT;
	if ((reason == CLOSING_SERVER_CLOSED || reason == CLOSING_SERVER_ERROR) && w->hears != HEARS_CLOSE) {
		set_says(w, SAYS_CLOSE);
		w->close_by = now + CLOSE_WAIT;
	} else {
		set_says(w, SAYS_ALL);
	}
}

struct stanza *
websocket_first_out(struct websocket *w)
{
	return w->says < SAYS_HANGUP ? w->out.first : NULL;
}

void
websocket_sent(struct websocket *w, ms_t now)
{
	struct stanza *st = stanza_queue_shift(&w->out);

	stanza_count(&w->sent, st->kind, st->n);
	stanza_free(st);
	w->hangup_by = now + HANGUP_WAIT;
}

bool
websocket_next_hangup(struct websocket *w, ms_t now, unsigned *code)
{
	switch (w->says) {
	case SAYS_CLOSE:
	case SAYS_ALL:
		if (w->out.count > 0 || (w->says == SAYS_CLOSE && now < w->close_by))
			break;
		*code = closing_row(w->reason)->ws_code;
		w->hangup_by = now + HANGUP_WAIT;
		set_says(w, SAYS_HANGUP);
		return true;
	case SAYS_HANGUP:
		break;
	case SAYS_NOTHING:
	case SAYS_OPEN:
	case SAYS_CUT:
	case SAYS_GONE:
		return false;
	}
	if (now < w->hangup_by)
		return false;
	*code = 0;
	set_says(w, SAYS_CUT);
	return true;
}

ms_t
websocket_deadline(const struct websocket *w)
{
	switch (w->says) {
	case SAYS_CLOSE:
		return w->out.count == 0 ? ms_min(w->close_by, w->hangup_by) : w->hangup_by;
	case SAYS_ALL:
	case SAYS_HANGUP:
		return w->hangup_by;
	case SAYS_NOTHING:
	case SAYS_OPEN:
	case SAYS_CUT:
	case SAYS_GONE:
		break;
	}
	return MS_NEVER;
}

bool
websocket_is_done(const struct websocket *w)
{
	return w->says == SAYS_GONE && w->reason != CLOSING_NONE;
}

struct stanza_tally
websocket_confirmed(const struct websocket *w)
{
	return w->sent;
}

size_t
websocket_queued(const struct websocket *w)
{
	return stanza_queue_cost(&w->out);
}

size_t
websocket_queued_up(const struct websocket *w)
{
	return stanza_queue_cost(&w->up);
}
