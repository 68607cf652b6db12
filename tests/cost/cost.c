/*
 * cost: what it costs to read some XML, from a server, in a BOSH body and in WebSocket messages.
 *
 * Reads SIZE bytes of each shape by each way, each in one call of measure(), and says on a line of its own which it
 * was.  tests/amplification runs it where instructions are counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "proto/bosh/body.h"
#include "proto/stream/upstream.h"
#include "proto/stream/websocket.h"

#define SIZE 262144
#define CHUNK 65536 /* of a server's bytes */
#define STANZA \
	"<message xmlns='jabber:client' from='juliet@example.org/balcony' to='romeo@example.net' type='chat' id='m1'>" \
	"<body>Art thou not Romeo?</body><active xmlns='http://jabber.org/protocol/chatstates'/>" \
	"<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>" \
	"<markable xmlns='urn:xmpp:chat-markers:0'/></message>"

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {1 << 20, 128};

/* Appends one unit of a shape; i counts them. */
typedef void unit_writer(struct buf *out, unsigned i);

static void
repeat(struct buf *out, const char *text, unsigned n)
{
	while (n-- > 0)
		buf_append_str(out, text);
}

static void
ordinary(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, STANZA);
}

static void
tiny(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a/>");
}

static void
pairs(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a></a>");
}

static void
short_elements(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<abcd e='f'/>");
}

static void
distinct(struct buf *out, unsigned i)
{
	buf_printf(out, "<n%u a%u=''/>", i, i);
}

static void
attributes(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a");
	for (unsigned k = 0; k < 200; k++)
		buf_printf(out, " a%u=''", k);
	buf_append_str(out, "/>");
}

static void
distinct_attributes(struct buf *out, unsigned i)
{
	buf_append_str(out, "<a");
	for (unsigned k = 0; k < 200; k++)
		buf_printf(out, " a%u=''", i * 200 + k);
	buf_append_str(out, "/>");
}

static void
prefixed(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a xmlns:p='");
	repeat(out, "0123456789", 102);
	buf_append_str(out, "'");
	for (unsigned k = 0; k < 53; k++)
		buf_printf(out, " p:a%u=''", k);
	buf_append_str(out, "/>");
}

static void
prefixed_a_little(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a xmlns:p='");
	repeat(out, "0123456789", 10);
	buf_append_str(out, "'");
	for (unsigned k = 0; k < 20; k++)
		buf_printf(out, " p:a%u=''", k);
	buf_append_str(out, "/>");
}

static void
declarations(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a");
	for (unsigned k = 0; k < 200; k++)
		buf_printf(out, " xmlns:p%u='u'", k);
	buf_append_str(out, "/>");
}

static void
distinct_declarations(struct buf *out, unsigned i)
{
	buf_append_str(out, "<a");
	for (unsigned k = 0; k < 200; k++)
		buf_printf(out, " xmlns:p%u='u'", i * 200 + k);
	buf_append_str(out, "/>");
}

static void
long_declarations(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a xmlns='");
	repeat(out, "0123456789", 102);
	buf_append_str(out, "'>");
	repeat(out, "<b/>", 20);
	buf_append_str(out, "</a>");
}

static void
short_declarations(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a xmlns='u'/>");
}

static void
nested(struct buf *out, unsigned i)
{
	(void) i;
	repeat(out, "<d>", 100);
	repeat(out, "</d>", 100);
}

static void
nested_declarations(struct buf *out, unsigned i)
{
	(void) i;
	repeat(out, "<p:d xmlns:p='u'>", 100);
	repeat(out, "</p:d>", 100);
}

static void
text_between(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>x<b>y</b>z</a>");
}

static void
plain_text(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "What light through yonder window breaks? ", 100);
	buf_append_str(out, "</a>");
}

static void
other_text(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "\xd0\xb6", 2000);
	buf_append_str(out, "</a>");
}

static void
references(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "&lt;", 1000);
	buf_append_str(out, "</a>");
}

static void
brackets(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "] ]", 1000);
	buf_append_str(out, "</a>");
}

static void
line_ends(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "\r\xc3\xbc", 1000);
	buf_append_str(out, "</a>");
}

static void
sections(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a>");
	repeat(out, "<![CDATA[]]>", 300);
	buf_append_str(out, "</a>");
}

static void
values(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a b='");
	repeat(out, "&lt;", 1000);
	buf_append_str(out, "' c='");
	repeat(out, "\t \n", 1000);
	buf_append_str(out, "'/>");
}

static void
blanks(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<a");
	repeat(out, "\n", 1000);
	buf_append_str(out, "></a>");
	repeat(out, " ", 1000);
}

static void
features(struct buf *out, unsigned i)
{
	(void) i;
	buf_append_str(out, "<stream:features xmlns:stream='" XML_NS_STREAMS "'>");
	repeat(out, "<starttls xmlns='" XML_NS_TLS "'/>", 100);
	buf_append_str(out, "</stream:features>");
}

static const struct {
	const char *name;
	unit_writer *write;
} shapes[] = {
	{"ordinary", ordinary},
	{"tiny", tiny},
	{"pairs", pairs},
	{"short", short_elements},
	{"distinct", distinct},
	{"attributes", attributes},
	{"distinct-attributes", distinct_attributes},
	{"prefixed", prefixed},
	{"prefixed-a-little", prefixed_a_little},
	{"declarations", declarations},
	{"distinct-declarations", distinct_declarations},
	{"long-declarations", long_declarations},
	{"short-declarations", short_declarations},
	{"nested", nested},
	{"nested-declarations", nested_declarations},
	{"text-between", text_between},
	{"plain-text", plain_text},
	{"other-text", other_text},
	{"references", references},
	{"brackets", brackets},
	{"line-ends", line_ends},
	{"sections", sections},
	{"values", values},
	{"blanks", blanks},
	{"features", features},
};

/* One way to read. */
struct way {
	const char *name;
	void (*read)(struct xml_readers *readers, const struct buf *pieces);
	const char *before, *after; /* each unit, or all of them */
	bool is_each;               /* a message of its own for each unit */
};

/* What instructions are counted of: not in line, and by this name. */
void measure(const struct way *way, struct xml_readers *readers, const struct buf *pieces);

void __attribute__((noinline)) measure(const struct way *way, struct xml_readers *readers, const struct buf *pieces)
{
	way->read(readers, pieces);
}

static void
read_server(struct xml_readers *readers, const struct buf *pieces)
{
	char to[] = "example.org";
	struct stream_header header = {.to = to};
	struct upstream *u = upstream_new(limits, readers, &silent);
	struct slice rest = buf_slice(&pieces[0]);
	enum closing closing = CLOSING_NONE;
	struct stanza *st;

	upstream_open(u, &header, UPSTREAM_EXPOSED);
	while (rest.n > 0 && closing == CLOSING_NONE) {
		size_t n = rest.n < CHUNK ? rest.n : CHUNK;
		closing = upstream_feed(u, slice_of(rest.p, n));
		rest = slice_of(rest.p + n, rest.n - n);
		while ((st = upstream_next_down(u)) != NULL)
			stanza_free(st);
	}
	upstream_free(u);
}

static void
read_bodies(struct xml_readers *readers, const struct buf *pieces)
{
	struct body_reader *r = body_reader_new(readers->documents);
	struct body *body;

	for (; pieces->n > 0; pieces++)
		body_read(r, limits, buf_slice(pieces), &body);
	body_reader_free(r);
}

static void
read_messages(struct xml_readers *readers, const struct buf *pieces)
{
	struct websocket_reader *r = websocket_reader_new(readers->documents);
	struct websocket *w = websocket_new(SLICE("id"), &silent);
	struct stanza *st;

	websocket_message(w, r, limits,
		SLICE("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>"));
	for (; pieces->n > 0; pieces++) {
		websocket_message(w, r, limits, buf_slice(pieces));
		while ((st = websocket_next_up(w)) != NULL)
			stanza_free(st);
	}
	websocket_free(w);
	websocket_reader_free(r);
}

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS "' version='1.0'>"
#define BODY "<body xmlns='" BODY_NS "' rid='1'>"

static const struct way ways[] = {
	{"server", read_server, HEADER, "", false},
	{"server-inside", read_server, HEADER "<x>", "</x>", false},
	{"body", read_bodies, BODY, "</body>", false},
	{"body-inside", read_bodies, BODY "<x>", "</x></body>", false},
	{"body-each", read_bodies, BODY, "</body>", true},
	{"message", read_messages, "<x>", "</x>", false},
	{"message-each", read_messages, "", "", true},
};

static void
cost(const struct way *way, unit_writer *write)
{
	size_t n = 0, cap = way->is_each ? SIZE : 1, total = 0;
	struct buf *pieces = xcalloc(cap + 1, sizeof *pieces);
	struct xml_readers readers;

	xml_readers_init(&readers, 1);
	for (unsigned i = 0; total < SIZE; i++) {
		struct buf *piece = &pieces[n];
		size_t before = piece->n;
		if (before == 0) {
			buf_init(piece, BUF_UNLIMITED);
			buf_append_str(piece, way->before);
		}
		write(piece, i);
		total += piece->n - before;
		if (way->is_each) {
			buf_append_str(piece, way->after);
			n++;
		}
	}
	if (!way->is_each)
		buf_append_str(&pieces[0], way->after);
	measure(way, &readers, pieces);
	for (size_t i = 0; i < cap; i++)
		buf_fini(&pieces[i]);
	free(pieces);
	xml_readers_fini(&readers);
}

int
main(int argc, char **argv)
{
	for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
		for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
			if (argc > 1 && strcmp(argv[1], shapes[s].name) != 0)
				continue;
			if (argc > 2 && strcmp(argv[2], ways[w].name) != 0)
				continue;
			cost(&ways[w], shapes[s].write);
			printf("%s %s\n", ways[w].name, shapes[s].name);
		}
	return 0;
}
