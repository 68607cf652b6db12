#include "proto/xstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"

#define NS_LIMITS "urn:xmpp:stream-limits:0"
#define NS_COMPRESS "http://jabber.org/features/compress"

enum xstream_state {
	XSTREAM_NEW,
	XSTREAM_OPENING,  /* our header is queued; the server's is awaited */
	XSTREAM_OPEN,
	XSTREAM_STARTTLS, /* asked for; the server's word is awaited */
	XSTREAM_PROCEED,  /* given: the handshake is due */
	XSTREAM_ENDED,   /* the server ended its stream, or broke it */
};

/* What the features said that concerns this hop. */
struct features {
	bool has_starttls, needs_tls, has_mechanisms, has_limits;
};

struct xstream {
	enum xstream_state state;
	bool is_closed; /* our side is */
	bool is_first;  /* no restart yet, but for that behind STARTTLS */
	bool is_secure;
	bool is_authenticated;
	bool is_resumable;
	bool is_settled; /* whether there will be TLS */
	bool is_open_due; /* the server's header came; it counts once that is settled */
	enum xstream_tls tls;
	struct xml *xml;
	struct header header;
	struct features features;
	size_t max_bytes; /* of what the client may send */
	enum closing reason;
	struct stanza_queue out, down;
	size_t written; /* of out's first */
};

static void
push_mark(struct xstream *x, enum stanza_kind kind)
{
	struct stanza *mark = stanza_new(0, kind);

	stanza_queue_push(&x->down, &mark);
}

static void
push_tag(struct xstream *x, struct slice text)
{
	struct stanza *st = stanza_copy(text, STANZA_TAG);

	stanza_queue_push(&x->out, &st);
}

/* The stream is the client's from here on. */
static void
say_open(struct xstream *x)
{
	if (x->is_open_due)
		push_mark(x, STANZA_OPEN);
	x->is_open_due = false;
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct xstream *x = arg;

	if (!slice_eq(root->local, SLICE("stream")) || !slice_eq(root->ns, SLICE(XML_NS_STREAMS))) {
		x->reason = CLOSING_SERVER_XML;
		return false;
	}
	header_set(&x->header, xml_attribute(root, "", "to"), xml_attribute(root, "", "from"),
		   xml_attribute(root, XML_NS_XML, "lang"), xml_attribute(root, "", "version"),
		   xml_attribute(root, "", "id"));
	x->state = XSTREAM_OPEN;
	x->features = (struct features){.has_starttls = false};
	x->is_open_due = true;
	if (x->header.version == NULL)
		x->is_settled = true; /* no features will come */
	if (x->is_settled)
		say_open(x);
	return true;
}

static bool
is_named(const struct xml_element *e, const char *ns, const char *local)
{
	return slice_eq(e->ns, slice_str(ns)) && slice_eq(e->local, slice_str(local));
}

/*
 * <enabled resume='true'/> or <resumed/>: an element of its own, or within the
 * <success/> of SASL2 (XEP-0198, 5; XEP-0388).
 */
static void
note_resumption(struct xstream *x, const struct xml_element *e)
{
	if (!slice_eq(e->ns, SLICE(XML_NS_SM)) && !slice_eq(e->ns, SLICE(XML_NS_SM_OLD)))
		return;
	if (slice_eq(e->local, SLICE("resumed")) ||
	    (slice_eq(e->local, SLICE("enabled")) && slice_is_true(xml_attribute(e, "", "resume"))))
		x->is_resumable = true;
}

/* Hop by hop features are cut out; what they demand is remembered. */
static bool
on_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *e)
{
	struct xstream *x = arg;

	if (kind != STANZA_FEATURES) {
		note_resumption(x, e);
		return true;
	}
	if (depth == 2 && is_named(e, XML_NS_TLS, "required"))
		x->features.needs_tls = true;
	if (depth != 1)
		return true;
	if (is_named(e, XML_NS_SASL, "mechanisms") || is_named(e, XML_NS_SASL2, "authentication"))
		x->features.has_mechanisms = true;
	if (is_named(e, NS_LIMITS, "limits"))
		x->features.has_limits = true;
	if (is_named(e, XML_NS_TLS, "starttls")) {
		x->features.has_starttls = true;
		return false;
	}
	return !is_named(e, NS_COMPRESS, "compression");
}

/*
 * A server that will not talk further without TLS says so by <required/> or
 * by offering no way to log in.
 */
static bool
is_tls_demanded(const struct features *f)
{
	return f->has_starttls && (f->needs_tls || !f->has_mechanisms);
}

/* The first features: will there be TLS?  A reason when this server and this domain's configuration do not go together. */
static enum closing
settle_tls(struct xstream *x)
{
	const struct features *f = &x->features;
	bool is_wanted = false;

	switch (x->tls) {
	case XSTREAM_TLS_OFF:
		if (is_tls_demanded(f))
			return CLOSING_SERVER_TLS;
		break;
	case XSTREAM_TLS_IF_REQUIRED:
		is_wanted = is_tls_demanded(f);
		break;
	case XSTREAM_TLS_OPTIONAL:
		is_wanted = f->has_starttls;
		break;
	case XSTREAM_TLS_REQUIRED:
		if (!f->has_starttls)
			return CLOSING_SERVER_NO_TLS;
		is_wanted = true;
		break;
	}
	if (is_wanted) {
		x->state = XSTREAM_STARTTLS;
		push_tag(x, SLICE("<starttls xmlns='" XML_NS_TLS "'/>"));
	} else {
		x->is_settled = true;
	}
	return CLOSING_NONE;
}

/* The server's word on STARTTLS (RFC 6120, 5.4.2); nothing else may come. */
static bool
on_tls_word(struct xstream *x, enum stanza_kind kind)
{
	if (kind == STANZA_PROCEED)
		x->state = XSTREAM_PROCEED;
	else
		x->reason = kind == STANZA_TLS_FAILURE ? CLOSING_TLS_FAILED : CLOSING_SERVER_XML;
	return false;
}

static char *
skip_space(char *at, const char *end)
{
	while (at < end && slice_is_space(*at))
		at++;
	return at;
}

/*
 * XEP-0478: <max-bytes/> is what the client may send.  When we pass less than
 * the server takes, our number is written over the server's; it is never
 * longer.
 */
static void
lower_limits(const struct xstream *x, struct stanza *st)
{
	static const char tag[] = "max-bytes";
	char *end = st->bytes + st->n, *behind;
	char *limits = memmem(st->bytes, st->n, NS_LIMITS, sizeof NS_LIMITS - 1);
	char *at = limits != NULL ? memmem(limits, (size_t) (end - limits), tag, sizeof tag - 1) : NULL;
	char ours[24];
	size_t n;
	uint64_t theirs;

	if (at == NULL)
		return;
	at = skip_space(at + sizeof tag - 1, end);
	if (at == end || *at != '>')
		return;
	at = skip_space(at + 1, end);
	for (behind = at; behind < end && *behind >= '0' && *behind <= '9'; behind++)
		;
	n = (size_t) snprintf(ours, sizeof ours, "%zu", x->max_bytes);
	if ((size_t) (behind - at) < n ||
	    (slice_number(slice_of(at, (size_t) (behind - at)), UINT64_MAX, &theirs) && theirs <= x->max_bytes))
		return;
	memcpy(at, ours, n);
	memmove(at + n, behind, (size_t) (end - behind));
	st->n -= (size_t) (behind - at) - n;
}

/*
 * The server takes the client for somebody once it says so, offers no more
 * ways to log in, or passes messages or presence to it (XEP-0078 has no word
 * of its own).
 */
static void
note_login(struct xstream *x, enum stanza_kind kind)
{
	if (kind == STANZA_SUCCESS || kind == STANZA_SUCCESS2 || kind == STANZA_MESSAGE || kind == STANZA_PRESENCE ||
	    (kind == STANZA_FEATURES && !x->features.has_mechanisms))
		x->is_authenticated = true;
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct xstream *x = arg;
	enum stanza_kind kind = st->kind;

	if (x->state == XSTREAM_STARTTLS && kind != STANZA_STREAM_ERROR) {
		stanza_free(st);
		return on_tls_word(x, kind);
	}
	/*
	 * Features come first (RFC 6120, 4.3.2).  What somebody puts before
	 * them, in the clear, must not reach the client of a stream to be secured.
	 */
	if (!x->is_settled && !x->is_closed && kind != STANZA_FEATURES && kind != STANZA_STREAM_ERROR) {
		stanza_free(st);
		x->reason = CLOSING_SERVER_XML;
		return false;
	}
	/* Behind our end tag there is nothing to settle, and nothing more to ask for. */
	if (kind == STANZA_FEATURES && x->is_first && !x->is_secure && !x->is_closed) {
		x->reason = settle_tls(x);
		if (x->reason != CLOSING_NONE || x->state == XSTREAM_STARTTLS) {
			stanza_free(st);
			return x->reason == CLOSING_NONE;
		}
	}
	if (kind == STANZA_FEATURES && x->features.has_limits)
		lower_limits(x, st);
	note_login(x, kind);
	say_open(x);
	stanza_queue_push(&x->down, &st);
	if (kind == STANZA_STREAM_ERROR) {
		x->reason = CLOSING_SERVER_ERROR;
		return false;
	}
	return true;
}

static bool
on_end(void *arg)
{
	struct xstream *x = arg;

	push_mark(x, STANZA_CLOSE);
	x->reason = CLOSING_SERVER_CLOSED;
	return false;
}

static const struct xml_handler handler = {
	.root = on_root,
	.element = on_element,
	.inner = on_inner,
	.end = on_end,
};

struct xstream *
xstream_new(struct xml_limits limits, struct primer_pool *pool)
{
	struct xstream *x = xcalloc(1, sizeof *x);

	x->xml = xml_new(XML_STREAM, &handler, limits);
	xml_share(x->xml, pool);
	x->max_bytes = limits.element;
	stanza_queue_init(&x->out);
	stanza_queue_init(&x->down);
	return x;
}

void
xstream_free(struct xstream *x)
{
	if (x == NULL)
		return;
	xml_free(x->xml);
	header_fini(&x->header);
	stanza_queue_fini(&x->out);
	stanza_queue_fini(&x->down);
	free(x);
}

void
xstream_set_max_bytes(struct xstream *x, size_t max_bytes)
{
	x->max_bytes = max_bytes;
}

void
xstream_set_tls(struct xstream *x, enum xstream_tls tls)
{
	x->tls = tls;
}

/*
 * DEVIATES: RFC 6120, 4.7.1 has "from" wait for TLS.  It also goes to a server
 * on this machine, where nobody is between.
 */
void
xstream_open(struct xstream *x, const struct header *h, enum xstream_leg leg)
{
	struct buf tag;

	if (x->is_closed)
		return;
	x->is_first = x->state == XSTREAM_NEW || x->state == XSTREAM_PROCEED;
	x->is_secure = leg == XSTREAM_SECURE;
	x->is_open_due = false;
	/* Without TLS to come there is nothing to wait for. */
	x->is_settled = !x->is_first || x->is_secure || x->tls == XSTREAM_TLS_OFF;
	if (x->state != XSTREAM_ENDED) {
		x->state = XSTREAM_OPENING;
		xml_open(x->xml, x);
	}
	buf_init(&tag, BUF_UNLIMITED);
	buf_append_str(&tag, "<?xml version='1.0'?><stream:stream");
	header_attribute(&tag, "to", h->to);
	header_attribute(&tag, "from", leg != XSTREAM_EXPOSED ? h->from : NULL);
	header_attribute(&tag, "xml:lang", h->lang);
	header_attribute(&tag, "version", h->version);
	buf_append_str(&tag, " xmlns='" XML_NS_CLIENT "' xmlns:stream='" XML_NS_STREAMS "'>");
	push_tag(x, buf_slice(&tag));
	buf_fini(&tag);
}

void
xstream_send(struct xstream *x, struct stanza **st)
{
	if (x->is_closed) {
		stanza_free(*st);
		*st = NULL;
		return;
	}
	stanza_queue_push(&x->out, st);
}

void
xstream_close(struct xstream *x)
{
	if (!x->is_closed && x->state != XSTREAM_NEW)
		push_tag(x, SLICE("</stream:stream>"));
	x->is_closed = true;
}

void
xstream_abandon(struct xstream *x)
{
	x->is_closed = true;
	x->state = XSTREAM_ENDED;
	stanza_queue_fini(&x->out);
	x->written = 0;
	xml_open(x->xml, x);
}

static enum closing
closing_of(enum xml_result result)
{
	switch (result) {
	case XML_OK:
		return CLOSING_NONE;
	case XML_TOO_BIG:
		return CLOSING_SERVER_TOO_BIG;
	case XML_MALFORMED:
	case XML_RESTRICTED:
	case XML_TEXT:
	case XML_TOO_DEEP:
	case XML_STOPPED:
		break;
	}
	return CLOSING_SERVER_XML;
}

enum closing
xstream_feed(struct xstream *x, struct slice bytes)
{
	enum xml_result result;

	if (x->state == XSTREAM_ENDED || x->state == XSTREAM_PROCEED)
		return CLOSING_NONE;
	if (x->state == XSTREAM_NEW)
		return CLOSING_SERVER_XML;
	result = xml_feed(x->xml, bytes);
	if (x->state == XSTREAM_PROCEED)
		return CLOSING_NONE;
	if (result != XML_OK && x->reason == CLOSING_NONE)
		x->reason = closing_of(result);
	if (x->reason != CLOSING_NONE)
		x->state = XSTREAM_ENDED;
	return x->reason;
}

bool
xstream_is_ready(const struct xstream *x)
{
	return x->is_settled;
}

size_t
xstream_unfinished(const struct xstream *x)
{
	return xml_unfinished(x->xml);
}

bool
xstream_is_authenticated(const struct xstream *x)
{
	return x->is_authenticated;
}

bool
xstream_is_resumable(const struct xstream *x)
{
	return x->is_resumable;
}

bool
xstream_wants_tls(const struct xstream *x)
{
	return x->state == XSTREAM_PROCEED;
}

struct stanza *
xstream_next_down(struct xstream *x)
{
	return stanza_queue_shift(&x->down);
}

const struct header *
xstream_header(const struct xstream *x)
{
	return &x->header;
}

int
xstream_out(const struct xstream *x, struct iovec *v, int max)
{
	size_t skip = x->written;
	int n = 0;

	for (struct stanza *st = x->out.first; st != NULL && n < max; st = st->next) {
		v[n].iov_base = st->bytes + skip;
		v[n++].iov_len = st->n - skip;
		skip = 0;
	}
	return n;
}

void
xstream_written(struct xstream *x, size_t n)
{
	x->written += n;
	while (x->out.first != NULL && x->written >= x->out.first->n) {
		x->written -= x->out.first->n;
		stanza_free(stanza_queue_shift(&x->out));
	}
	must(x->out.first != NULL || x->written == 0);
}

size_t
xstream_queued(const struct xstream *x)
{
	return stanza_queue_cost(&x->out);
}

bool
xstream_is_ended(const struct xstream *x)
{
	return x->state == XSTREAM_ENDED;
}
