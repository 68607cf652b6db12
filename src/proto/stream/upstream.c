#include "proto/stream/upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "proto/stream/envelope.h"

#define NS_LIMITS "urn:xmpp:stream-limits:0"
#define NS_PIPELINING "urn:xmpp:features:pipelining" /* XEP-0305: it is between two ends of one stream */
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_BIND2 "urn:xmpp:bind:0"
#define NS_COMPRESS "http://jabber.org/features/compress"
#define ERROR_TEXT 200 /* bytes that are kept of what a server says about an error */

/* Our side of the stream. */
enum ours {
	OURS_NEW,
	OURS_OPEN, /* our header is queued */
	OURS_CLOSED,
};

static const struct state ours_states[] = {
	[OURS_NEW] = {"new", STEP(OURS_OPEN) | STEP(OURS_CLOSED)},
	[OURS_OPEN] = {"open", STEP(OURS_CLOSED)},
	[OURS_CLOSED] = {"closed", 0},
};

/* The server's side. */
enum theirs {
	THEIRS_NEW,
	THEIRS_OPENING,  /* ours is queued; the server's header is awaited */
	THEIRS_HEADER,   /* it came, and counts once it is settled whether there will be TLS */
	THEIRS_OPEN,     /* it counts: the stream is the client's */
	THEIRS_STARTTLS, /* asked for; the server's word is awaited */
	THEIRS_PROCEED,  /* given: the handshake is due */
	THEIRS_ENDED,    /* the server ended its stream, or broke it, or there is no connection any more */
};

static const struct state theirs_states[] = {
	[THEIRS_NEW] = {"new", STEP(THEIRS_OPENING) | STEP(THEIRS_ENDED)},
	[THEIRS_OPENING] = {"opening", STEP(THEIRS_HEADER) | STEP(THEIRS_ENDED)},
	[THEIRS_HEADER] = {"header",
		STEP(THEIRS_OPEN) | STEP(THEIRS_STARTTLS) | STEP(THEIRS_OPENING) | STEP(THEIRS_ENDED)},
	[THEIRS_OPEN] = {"open", STEP(THEIRS_STARTTLS) | STEP(THEIRS_OPENING) | STEP(THEIRS_ENDED)},
	[THEIRS_STARTTLS] = {"starttls", STEP(THEIRS_PROCEED) | STEP(THEIRS_OPENING) | STEP(THEIRS_ENDED)},
	[THEIRS_PROCEED] = {"proceed", STEP(THEIRS_OPENING) | STEP(THEIRS_ENDED)},
	[THEIRS_ENDED] = {"ended", 0},
};

/* Will there be STARTTLS? */
enum outlook {
	OUTLOOK_OPEN, /* the first features will tell */
	OUTLOOK_NONE, /* no; a server that demands it now is refused */
	OUTLOOK_PAST, /* there was, or is no time for it any more */
};

static const struct state outlook_states[] = {
	[OUTLOOK_OPEN] = {"open", STEP(OUTLOOK_NONE) | STEP(OUTLOOK_PAST)},
	[OUTLOOK_NONE] = {"none", STEP(OUTLOOK_OPEN) | STEP(OUTLOOK_PAST)},
	[OUTLOOK_PAST] = {"past", 0},
};

/* What the features said that concerns this hop. */
struct features {
	bool has_starttls, needs_tls, has_mechanisms, has_management, has_session, has_optional_session;
};

struct upstream {
	enum ours ours;
	enum theirs theirs;
	enum outlook outlook;
	bool is_authenticated;
	bool is_resumable;
	bool is_bound, awaits_features; /* since a login by SASL2 */
	unsigned failures;              /* of logins, by their credentials, that nobody has asked about */
	bool is_restart_due;            /* <success/> ended the stream, and no other one has begun */
	enum tls_policy tls;
	struct xml_stream xml;
	struct stream_header header;
	struct features features;
	size_t max_bytes; /* of what the client may send */
	char max_bytes_text[XML_REPLACEMENT];
	enum closing reason;
	struct upstream_error error; /* the last one */
	struct stanza_queue out, down;
	size_t written; /* of out's first */
	const struct trace *trace;
};

static void
set_ours(struct upstream *u, enum ours to)
{
	state_step(ours_states, "to_server", u->trace, u->ours, to);
	u->ours = to;
}

static void
set_theirs(struct upstream *u, enum theirs to)
{
	state_step(theirs_states, "from_server", u->trace, u->theirs, to);
	u->theirs = to;
}

static void
set_outlook(struct upstream *u, enum outlook to)
{
	state_step(outlook_states, "starttls", u->trace, u->outlook, to);
	u->outlook = to;
}

static void
push_tag(struct upstream *u, struct slice text)
{
	struct stanza *st = stanza_copy(text, STANZA_TAG);

	stanza_queue_push(&u->out, &st);
}

/* The stream is the client's from here on. */
static void
say_open(struct upstream *u)
{
	if (u->theirs != THEIRS_HEADER)
		return;
	stanza_queue_push_mark(&u->down, STANZA_OPEN);
	set_theirs(u, THEIRS_OPEN);
}

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct upstream *u = arg;

	if (!slice_eq(root->local, SLICE("stream")) || !slice_eq(root->ns, SLICE(XML_NS_STREAMS))) {
		u->reason = CLOSING_SERVER_XML;
		return false;
	}
	stream_header_set(&u->header, xml_attribute(root, "", "to"), xml_attribute(root, "", "from"),
		xml_attribute(root, XML_NS_XML, "lang"), xml_attribute(root, "", "version"),
		xml_attribute(root, "", "id"));
	set_theirs(u, THEIRS_HEADER);
	u->features = (struct features){.has_starttls = false};
	if (u->header.version == NULL && u->outlook == OUTLOOK_OPEN)
		set_outlook(u, OUTLOOK_NONE); /* no features will come */
	if (u->outlook != OUTLOOK_OPEN)
		say_open(u);
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
note_resumption(struct upstream *u, const struct xml_element *e)
{
	if (!slice_eq(e->ns, SLICE(XML_NS_SM)) && !slice_eq(e->ns, SLICE(XML_NS_SM_OLD)))
		return;
	if (slice_eq(e->local, SLICE("resumed")) ||
		(slice_eq(e->local, SLICE("enabled")) && slice_is_true(xml_attribute(e, "", "resume"))))
		u->is_resumable = true;
}

/* The server's words, of which the first will do. */
static char *
keep(struct slice s)
{
	return xstrndup(s.p, s.n < ERROR_TEXT ? s.n : ERROR_TEXT);
}

static void
forget_error(struct upstream *u)
{
	free(u->error.condition);
	free(u->error.text);
	u->error = (struct upstream_error){.condition = NULL};
}

/* The first child that is no text names the condition.  The text is looked at, and stays (see on_replace). */
static enum xml_inner
note_error(struct upstream *u, unsigned depth, const struct xml_element *e)
{
	if (depth == 0)
		forget_error(u);
	if (depth != 1)
		return XML_KEEP;
	if (slice_eq(e->local, SLICE("text")))
		return XML_REPLACE;
	if (u->error.condition == NULL)
		u->error.condition = keep(e->local);
	return XML_KEEP;
}

/*
 * RFC 6120, 6.5; XEP-0388 has the same elements in its own <failure/>.  The
 * others say nothing of a password: the client gave up, or did not know how,
 * or the server has trouble of its own.
 */
static bool
is_of_credentials(const struct xml_element *e)
{
	return is_named(e, XML_NS_SASL, "not-authorized") || is_named(e, XML_NS_SASL, "credentials-expired") ||
		is_named(e, XML_NS_SASL, "account-disabled");
}

/* Features that only the use of stream management depends on. */
static void
note_offer(struct upstream *u, unsigned depth, const struct xml_element *e)
{
	struct features *f = &u->features;

	if (depth == 0)
		f->has_management = f->has_session = f->has_optional_session = false;
	if (depth == 1 && is_named(e, XML_NS_SM, "sm"))
		f->has_management = true;
	if (depth == 1 && is_named(e, NS_SESSION, "session"))
		f->has_session = true;
	if (depth == 2 && is_named(e, NS_SESSION, "optional"))
		f->has_optional_session = true;
}

/*
 * Hop by hop features are cut out; what they demand is remembered.  XEP-0478:
 * <max-bytes/> is what the client may send.
 */
static enum xml_inner
on_inner(void *arg, enum stanza_kind kind, unsigned depth, const struct xml_element *e)
{
	struct upstream *u = arg;

	if (kind == STANZA_FAILURE)
		u->failures += !u->is_authenticated && depth == 1 && is_of_credentials(e);
	if (kind == STANZA_STREAM_ERROR || kind == STANZA_FAILURE)
		return note_error(u, depth, e);
	if (kind != STANZA_FEATURES) {
		note_resumption(u, e);
		u->is_bound = u->is_bound || (kind == STANZA_SUCCESS2 && is_named(e, NS_BIND2, "bound"));
		return XML_KEEP;
	}
	note_offer(u, depth, e);
	if (depth == 2 && is_named(e, XML_NS_TLS, "required"))
		u->features.needs_tls = true;
	if (depth == 2 && is_named(e, NS_LIMITS, "max-bytes"))
		return XML_REPLACE;
	if (depth != 1)
		return XML_KEEP;
	if (is_named(e, XML_NS_SASL, "mechanisms") || is_named(e, XML_NS_SASL2, "authentication"))
		u->features.has_mechanisms = true;
	if (is_named(e, XML_NS_TLS, "starttls")) {
		u->features.has_starttls = true;
		return XML_CUT;
	}
	if (is_named(e, NS_COMPRESS, "compression") || is_named(e, NS_PIPELINING, "pipelining"))
		return XML_CUT;
	return XML_KEEP;
}

/* The number at the beginning of a text. */
static struct slice
leading_digits(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return slice_of(s.p, n);
}

/* When we pass less than the server takes, our number stands in place of the server's. */
static bool
lower_limits(struct upstream *u, struct slice *part, struct slice *with)
{
	uint64_t theirs;
	int n;

	*part = leading_digits(slice_trim(*part));
	if (part->n == 0 || (slice_number(*part, UINT64_MAX, &theirs) && theirs <= u->max_bytes))
		return false;
	n = snprintf(u->max_bytes_text, sizeof u->max_bytes_text, "%zu", u->max_bytes);
	*with = slice_of(u->max_bytes_text, (size_t) n);
	return true;
}

static bool
on_replace(void *arg, enum stanza_kind kind, struct slice *part, struct slice *with)
{
	struct upstream *u = arg;

	if (kind == STANZA_FEATURES)
		return lower_limits(u, part, with);
	if (u->error.text == NULL)
		u->error.text = keep(*part);
	return false;
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
settle_tls(struct upstream *u)
{
	const struct features *f = &u->features;
	bool is_wanted = false;

	switch (u->tls) {
	case TLS_OFF:
		if (is_tls_demanded(f))
			return CLOSING_SERVER_TLS;
		break;
	case TLS_IF_REQUIRED:
		is_wanted = is_tls_demanded(f);
		break;
	case TLS_OPTIONAL:
		is_wanted = f->has_starttls;
		break;
	case TLS_REQUIRED:
		if (!f->has_starttls)
			return CLOSING_SERVER_NO_TLS;
		is_wanted = true;
		break;
	}
	if (is_wanted) {
		set_theirs(u, THEIRS_STARTTLS);
		push_tag(u, SLICE("<starttls xmlns='" XML_NS_TLS "'/>"));
	} else {
		set_outlook(u, OUTLOOK_NONE);
	}
	return CLOSING_NONE;
}

/* The server's word on STARTTLS (RFC 6120, 5.4.2); nothing else may come. */
static bool
on_tls_word(struct upstream *u, enum stanza_kind kind)
{
	if (kind == STANZA_PROCEED)
		set_theirs(u, THEIRS_PROCEED);
	else
		u->reason = kind == STANZA_TLS_FAILURE ? CLOSING_TLS_FAILED : CLOSING_SERVER_XML;
	return false;
}

/*
 * The server takes the client for somebody once it says so, offers no more
 * ways to log in, or passes messages or presence to it (XEP-0078 has no word
 * of its own).
 */
static void
note_login(struct upstream *u, enum stanza_kind kind)
{
	if (kind == STANZA_SUCCESS || kind == STANZA_SUCCESS2 || kind == STANZA_MESSAGE || kind == STANZA_PRESENCE ||
		(kind == STANZA_FEATURES && !u->features.has_mechanisms))
		u->is_authenticated = true;
	if (kind == STANZA_SUCCESS)
		u->is_restart_due = true;
	if (kind == STANZA_SUCCESS2 || kind == STANZA_FEATURES)
		u->awaits_features = kind == STANZA_SUCCESS2;
}

static bool
on_element(void *arg, struct stanza *st)
{
	struct upstream *u = arg;
	enum stanza_kind kind = st->kind;

	if (kind == STANZA_STREAM) {
		stanza_free(st);
		u->reason = CLOSING_SERVER_XML;
		return false;
	}
	if (u->theirs == THEIRS_STARTTLS && kind != STANZA_STREAM_ERROR) {
		stanza_free(st);
		return on_tls_word(u, kind);
	}
	/*
	 * Features come first (RFC 6120, 4.3.2).  What somebody puts before
	 * them, in the clear, must not reach the client of a stream to be secured.
	 */
	if (u->outlook == OUTLOOK_OPEN && u->ours != OURS_CLOSED && kind != STANZA_FEATURES &&
		kind != STANZA_STREAM_ERROR) {
		stanza_free(st);
		u->reason = CLOSING_SERVER_XML;
		return false;
	}
	/* Behind our end tag there is nothing to settle, and nothing more to ask for. */
	if (kind == STANZA_FEATURES && u->outlook != OUTLOOK_PAST && u->ours != OURS_CLOSED) {
		u->reason = settle_tls(u);
		if (u->reason != CLOSING_NONE || u->theirs == THEIRS_STARTTLS) {
			stanza_free(st);
			return u->reason == CLOSING_NONE;
		}
	}
	note_login(u, kind);
	say_open(u);
	stanza_queue_push(&u->down, &st);
	if (kind == STANZA_STREAM_ERROR) {
		u->reason = CLOSING_SERVER_ERROR;
		return false;
	}
	return true;
}

static void
on_end(void *arg)
{
	struct upstream *u = arg;

	stanza_queue_push_mark(&u->down, STANZA_CLOSE);
	u->reason = CLOSING_SERVER_CLOSED;
}

/* Of a client's stream nothing is lost but this stanza, and it goes on; of anything else nobody knows what it meant. */
static void
on_skipped(void *arg, struct slice tag)
{
	struct upstream *u = arg;
	struct stanza *st;

	if (!u->is_authenticated || envelope_kind(tag) == STANZA_OTHER) {
		u->reason = CLOSING_SERVER_TOO_BIG;
		return;
	}
	st = stanza_copy(tag, STANZA_SKIPPED);
	stanza_queue_push(&u->down, &st);
}

static const struct xml_stream_handler handler = {
	.xml = {.root = on_root, .element = on_element, .inner = on_inner, .replace = on_replace},
	.end = on_end,
	.skipped = on_skipped,
};

struct upstream *
upstream_new(struct xml_limits limits, struct xml_readers *readers, const struct trace *trace)
{
	struct upstream *u = xcalloc(1, sizeof *u);

	u->trace = trace;
	xml_stream_init(&u->xml, readers, &handler, limits, u);
	u->max_bytes = limits.element;
	u->tls = TLS_OFF;
	stanza_queue_init(&u->out);
	stanza_queue_init(&u->down);
	return u;
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	xml_stream_fini(&u->xml);
	stream_header_fini(&u->header);
	forget_error(u);
	stanza_queue_fini(&u->out);
	stanza_queue_fini(&u->down);
	free(u);
}

void
upstream_set_max_bytes(struct upstream *u, size_t max_bytes)
{
	u->max_bytes = max_bytes;
}

void
upstream_set_tls(struct upstream *u, enum tls_policy tls)
{
	u->tls = tls;
}

/* A stream begins, on this leg.  Where TLS can not come any more there is nothing to wait for. */
static void
look_out(struct upstream *u, enum upstream_leg leg)
{
	bool is_first = u->theirs == THEIRS_NEW || u->theirs == THEIRS_PROCEED;

	if (!is_first || leg == UPSTREAM_SECURE)
		set_outlook(u, OUTLOOK_PAST);
	else
		set_outlook(u, u->tls == TLS_OFF ? OUTLOOK_NONE : OUTLOOK_OPEN);
}

/*
 * DEVIATES: RFC 6120, 4.7.1 has "from" wait for TLS.  It also goes to a server
 * on this machine, where nobody is between.
 */
void
upstream_open(struct upstream *u, const struct stream_header *h, enum upstream_leg leg)
{
	struct buf tag;

	if (u->ours == OURS_CLOSED)
		return;
	look_out(u, leg);
	if (u->theirs != THEIRS_ENDED) {
		set_theirs(u, THEIRS_OPENING);
		xml_stream_open(&u->xml);
	}
	set_ours(u, OURS_OPEN);
	u->is_restart_due = false;
	buf_init(&tag, BUF_UNLIMITED);
	buf_append_str(&tag, "<?xml version='1.0'?><stream:stream");
	stream_header_attribute(&tag, "to", h->to);
	stream_header_attribute(&tag, "from", leg != UPSTREAM_EXPOSED ? h->from : NULL);
	stream_header_attribute(&tag, "xml:lang", h->lang);
	stream_header_attribute(&tag, "version", h->version);
	buf_append_str(&tag, " xmlns='" XML_NS_CLIENT "' xmlns:stream='" XML_NS_STREAMS "'>");
	push_tag(u, buf_slice(&tag));
	buf_fini(&tag);
}

void
upstream_send(struct upstream *u, struct stanza **st)
{
	if (u->ours == OURS_CLOSED) {
		stanza_free(*st);
		*st = NULL;
		return;
	}
	stanza_queue_push(&u->out, st);
}

void
upstream_close(struct upstream *u)
{
	if (u->ours == OURS_OPEN)
		push_tag(u, SLICE("</stream:stream>"));
	set_ours(u, OURS_CLOSED);
}

struct stanza *
upstream_next_unsent(struct upstream *u)
{
	u->written = 0;
	return stanza_queue_shift(&u->out);
}

void
upstream_ping(struct upstream *u)
{
	if (u->ours == OURS_OPEN && u->is_authenticated && !upstream_is_restart_due(u) && u->out.count == 0)
		push_tag(u, SLICE(" "));
}

void
upstream_abandon(struct upstream *u)
{
	set_ours(u, OURS_CLOSED);
	set_theirs(u, THEIRS_ENDED);
	stanza_queue_fini(&u->out);
	u->written = 0;
	xml_stream_open(&u->xml);
}

static enum closing
closing_of(enum xml_result result)
{
	switch (result) {
	case XML_OK:
		return CLOSING_NONE;
	case XML_TOO_BIG:
		return CLOSING_SERVER_TOO_BIG;
	case XML_NO_ROOM:
		return CLOSING_NO_ROOM;
	case XML_MALFORMED:
	case XML_RESTRICTED:
	case XML_TEXT:
	case XML_TOO_DEEP:
	case XML_STOPPED:
	case XML_MORE:
		break;
	}
	return CLOSING_SERVER_XML;
}

/* What came has been read, with this result. */
static enum closing
judge(struct upstream *u, enum xml_result result)
{
	if (u->theirs == THEIRS_PROCEED)
		return CLOSING_NONE;
	if (result != XML_OK && u->reason == CLOSING_NONE)
		u->reason = closing_of(result);
	if (u->reason != CLOSING_NONE)
		set_theirs(u, THEIRS_ENDED);
	return u->reason;
}

enum closing
upstream_feed(struct upstream *u, struct slice bytes)
{
	if (u->theirs == THEIRS_ENDED || u->theirs == THEIRS_PROCEED)
		return CLOSING_NONE;
	if (u->theirs == THEIRS_NEW)
		return CLOSING_SERVER_XML;
	return judge(u, xml_stream_feed(&u->xml, bytes));
}

bool
upstream_has_unread(const struct upstream *u)
{
	return xml_stream_has_unread(&u->xml);
}

enum closing
upstream_go_on(struct upstream *u, bool *is_done)
{
	return judge(u, xml_stream_go_on(&u->xml, is_done));
}

bool
upstream_is_ready(const struct upstream *u)
{
	return u->outlook != OUTLOOK_OPEN;
}

size_t
upstream_unfinished(const struct upstream *u)
{
	return xml_stream_unfinished(&u->xml);
}

bool
upstream_is_authenticated(const struct upstream *u)
{
	return u->is_authenticated;
}

unsigned
upstream_take_failures(struct upstream *u)
{
	unsigned n = u->failures;

	u->failures = 0;
	return n;
}

bool
upstream_is_restart_due(const struct upstream *u)
{
	return u->is_restart_due;
}

struct upstream_offer
upstream_offer(const struct upstream *u)
{
	return (struct upstream_offer){
		.is_authenticated = u->is_authenticated,
		.awaits_features = u->awaits_features,
		.is_bound = u->is_bound,
		.has_management = u->features.has_management,
		.needs_session = u->features.has_session && !u->features.has_optional_session,
	};
}

bool
upstream_is_resumable(const struct upstream *u)
{
	return u->is_resumable;
}

bool
upstream_wants_tls(const struct upstream *u)
{
	return u->theirs == THEIRS_PROCEED;
}

struct stanza *
upstream_next_down(struct upstream *u)
{
	return stanza_queue_shift(&u->down);
}

const struct upstream_error *
upstream_error(const struct upstream *u)
{
	return &u->error;
}

const struct stream_header *
upstream_header(const struct upstream *u)
{
	return &u->header;
}

int
upstream_out(const struct upstream *u, struct iovec *v, int max)
{
	size_t skip = u->written;
	int n = 0;

	for (struct stanza *st = u->out.first; st != NULL && n < max; st = st->next) {
		v[n].iov_base = st->bytes + skip;
		v[n++].iov_len = st->n - skip;
		skip = 0;
	}
	return n;
}

void
upstream_written(struct upstream *u, size_t n)
{
	u->written += n;
	while (u->out.first != NULL && u->written >= u->out.first->n) {
		u->written -= u->out.first->n;
		stanza_free(stanza_queue_shift(&u->out));
	}
	must(u->out.first != NULL || u->written == 0);
}

size_t
upstream_queued(const struct upstream *u)
{
	return stanza_queue_cost(&u->out);
}

bool
upstream_is_ended(const struct upstream *u)
{
	return u->theirs == THEIRS_ENDED;
}
