/*
 * upstream.h with a server that sends any bytes.  The first chooses how TLS is
 * configured: o off, i if-required, p optional, else required.
 *
 *      0x1e   ends a piece               0x1f   behind it the client sends an element
 *      0x1c   behind it TLS stands if it was asked for, or else the client restarts the stream
 *      0x1d   behind it our side ends
 *
 * Nothing of the client's leaves before it is settled whether TLS comes, and
 * nothing of the server's gets through.  Nobody is taken for resumable of whom
 * the server did not say "enabled" or "resumed".  What goes to the server is XML, and what
 * is passed on can be read alone.
 */
#include "fuzz/input.h"

#include "base/buf.h"
#include "proto/stream/upstream.h"
#include "whole.h"

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {20000, 100};
static const struct xml_limits unlimited = {1 << 24, 1000};
static const struct stream_header header = {
	.to = (char[]){"example.org"}, .from = (char[]){"a'<&@b"}, .version = (char[]){"1.0"}};

struct leg {
	struct upstream *x;
	struct xml_readers readers, checker;
	struct xml_stream stream; /* what the server gets */
	bool is_secure, is_closed;
	unsigned taken;
};

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
	(void) arg;
	stanza_free(st);
	return true;
}

static void
on_end(void *arg)
{
	(void) arg;
}

static const struct xml_stream_handler checks = {.xml = {.root = on_root, .element = on_element}, .end = on_end};

/* Each header begins a document. */
static void
check_out(struct leg *l, struct slice rest)
{
	while (rest.n > 0) {
		const char *next = memmem(rest.p + 1, rest.n - 1, "<?", 2);
		size_t n = next != NULL ? (size_t) (next - rest.p) : rest.n;
		if (slice_has_prefix(rest, SLICE("<?")))
			xml_stream_open(&l->stream);
		must(xml_stream_feed_whole(&l->stream, slice_of(rest.p, n)) == XML_OK);
		rest = slice_of(rest.p + n, rest.n - n);
	}
}

/* The server's socket takes a little, then more. */
static void
take_out(struct leg *l)
{
	struct iovec v[3];
	struct buf out;
	int n;

	buf_init(&out, BUF_UNLIMITED);
	while ((n = upstream_out(l->x, v, 3)) > 0) {
		size_t take = ++l->taken % 40 + 1, total = 0;
		must(n <= 3);
		for (int i = 0; i < n && total < take; i++) {
			struct slice bytes = slice_of(v[i].iov_base, v[i].iov_len);
			must(bytes.n > 0);
			if (bytes.n > take - total)
				bytes.n = take - total;
			buf_append(&out, bytes);
			total += bytes.n;
		}
		upstream_written(l->x, total);
	}
	must(upstream_queued(l->x) == 0);
	check_out(l, buf_slice(&out));
	buf_fini(&out);
}

static void
take_down(struct leg *l)
{
	struct stanza *st;

	while ((st = upstream_next_down(l->x)) != NULL) {
		/* Before it is settled, or when our side has ended, only that the server ends is of interest. */
		must(upstream_is_ready(l->x) || l->is_closed || st->kind == STANZA_STREAM_ERROR ||
			st->kind == STANZA_OPEN || st->kind == STANZA_CLOSE);
		if (st->kind != STANZA_OPEN && st->kind != STANZA_CLOSE)
			must(xml_document(l->checker.documents, XML_MESSAGE, &checks.xml, unlimited, stanza_slice(st),
				     l) == XML_OK);
		stanza_free(st);
	}
}

static void
react(struct leg *l, char mark)
{
	struct stanza *st;

	if (mark == MARK_UNIT && upstream_is_ready(l->x)) {
		st = stanza_copy(SLICE("<message xmlns='jabber:client'/>"), STANZA_MESSAGE);
		upstream_send(l->x, &st);
		must(st == NULL);
	} else if (mark == MARK_FILE && (upstream_is_ready(l->x) || upstream_wants_tls(l->x))) {
		l->is_secure = l->is_secure || upstream_wants_tls(l->x);
		upstream_open(l->x, &header, l->is_secure ? UPSTREAM_SECURE : UPSTREAM_EXPOSED);
	} else if (mark == MARK_GROUP) {
		upstream_close(l->x);
		l->is_closed = true;
	}
}

/* Whatever one server sent: the next one's stream is read. */
static void
check_readers(struct xml_readers *readers)
{
	static const char good[] =
		"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS
		"' id='1' from='example.org'><message><body>hi</body></message>";
	struct upstream *u = upstream_new(limits, readers, &silent);
	struct stanza *st;
	unsigned n = 0;

	upstream_open(u, &header, UPSTREAM_EXPOSED);
	must(upstream_feed_whole(u, slice_of(good, sizeof good - 1)) == CLOSING_NONE);
	for (; (st = upstream_next_down(u)) != NULL; n++)
		stanza_free(st);
	must(n == 2);
	upstream_free(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = slice_of((const char *) p, n);
	struct leg l = {.x = NULL};
	char choice = next_choice(&rest);
	struct piece piece;

	xml_readers_init(&l.readers, 0);
	xml_readers_init(&l.checker, 0);
	l.x = upstream_new(limits, &l.readers, &silent);
	xml_stream_init(&l.stream, &l.checker, &checks, unlimited, &l);
	upstream_set_tls(l.x,
		choice == 'o'           ? TLS_OFF
			: choice == 'i' ? TLS_IF_REQUIRED
			: choice == 'p' ? TLS_OPTIONAL
					: TLS_REQUIRED);
	upstream_open(l.x, &header, UPSTREAM_EXPOSED);
	take_out(&l);
	while (next_piece(&rest, &piece)) {
		struct slice bytes = exact(piece.bytes);
		enum closing closing = upstream_feed_whole(l.x, bytes);
		exact_free(bytes);
		must(closing == CLOSING_NONE || upstream_is_ended(l.x));
		must(!upstream_is_resumable(l.x) || memmem(p, n, "enabled", 7) != NULL ||
			memmem(p, n, "resumed", 7) != NULL);
		take_down(&l);
		react(&l, piece.mark);
		take_out(&l);
	}
	upstream_free(l.x);
	check_readers(&l.readers);
	xml_stream_fini(&l.stream);
	xml_readers_fini(&l.readers);
	xml_readers_fini(&l.checker);
	return 0;
}
