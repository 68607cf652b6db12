/*
 * cost: what it costs to read some XML, from a server, in a BOSH body and in
 * WebSocket messages.
 *
 *      cost [SHAPE [WAY]]
 *
 * Reads SIZE bytes of each shape by each way, each in one call of measure(),
 * and says on a line of its own which it was, and "refused" when not all of
 * it was read.  tests/amplification runs it where instructions are counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "proto/bosh/body.h"
#include "proto/stream/upstream.h"
#include "proto/stream/websocket.h"
#include "whole.h"

#define SIZE 65536
#define CHUNK 65536 /* of a server's bytes */

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {1 << 20, 128};

/*
 * One unit: before, so many times each, as many times back, after.  In each
 * and back, $ is a number that counts on through all units, % and @ are a
 * number and a letter that begin anew in each of them.  Back counts down.
 */
struct shape {
	const char *name, *before, *each;
	unsigned times;
	const char *back, *after;
};

static const struct shape shapes[] = {
	/* 350 bytes: what the others are compared with. */
	{"ordinary",
		"<message xmlns='jabber:client' from='juliet@example.org/balcony' to='romeo@example.net' type='chat' id='m1'>"
		"<body>Art thou not Romeo?</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
		"<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>"
		"<markable xmlns='urn:xmpp:chat-markers:0'/></message>",
		"", 0, "", ""},
	/* Many elements. */
	{"tiny", "", "<a/>", 1, "", ""},
	{"tiny-stanzas", "", "<iq/>", 1, "", ""},
	{"tiny-apart", "", "<a/>&#9;", 1, "", ""},
	{"tiny-sections", "", "<a/><![CDATA[]]>", 1, "", ""},
	{"tiny-prefixed", "", "<a:a xmlns:a='u'/>", 1, "", ""},
	{"tiny-inside", "<a>", "<b/>", 200, "", "</a>"},
	{"tiny-features", "<stream:features xmlns:stream='" XML_NS_STREAMS "'>", "<a/>", 200, "", "</stream:features>"},
	{"tiny-sm", "<enabled xmlns='" XML_NS_SM "'>", "<a/>", 200, "", "</enabled>"},
	{"pairs", "", "<a></a>", 1, "", ""},
	{"tiny-known", "", "<e/>", 1, "", ""}, /* the first letter of names that are looked for */
	{"distinct", "", "<n$ a$=''/>", 1, "", ""},
	{"nested", "", "<d>", 100, "</d>", ""},
	{"nested-distinct", "", "<n$>", 100, "</n$>", ""},
	{"nested-declarations", "", "<p:d xmlns:p='u'>", 100, "</p:d>", ""},
	{"names", "<a" THOUSAND "/>", "", 0, "", ""},
	{"other-names", "", "<\xc3\xa9\xe4\xb8\xad \xc3\xa9=''/>", 1, "", ""},
	/* What concerns this hop too. */
	{"features", "<stream:features xmlns:stream='" XML_NS_STREAMS "'>", "<starttls xmlns='" XML_NS_TLS "'/>", 100,
		"", "</stream:features>"},
	{"many-features", "", "<stream:features xmlns:stream='" XML_NS_STREAMS "'/>", 1, "", ""},
	/* Many attributes. */
	{"one-attribute", "", "<a b=''/>", 1, "", ""},
	{"languages", "", "<a xml:lang=''/>", 1, "", ""},
	{"distinct-attributes", "<a", " a$=''", 200, "", "/>"},
	/* Declarations, and names that are prefixed: as long as they may be for their number, and beyond. */
	{"undeclared", "", "<a xmlns=''/>", 1, "", ""},
	{"short-declarations", "", "<a xmlns='u'/>", 1, "", ""},
	{"distinct-declarations", "<a", " xmlns:p$='u'", 200, "", "/>"},
	{"long-declarations", "<a xmlns='" THOUSAND "'>", "<b/>", 60, "", "</a>"},
	{"inherited", "", "<p:a/>", 1, "", ""},
	{"inherited-attributes", "", "<a p:b='' q:b=''/>", 1, "", ""},
	{"prefixed-200", "<a xmlns:p='u'", " p:a%=''", 200, "", "/>"},
	{"prefixed-52", "<a xmlns:p='" TEN TEN TEN TEN "01234567'", " p:@=''", 52, "", "/>"},
	{"prefixed-20", "<a xmlns:p='" HUNDRED "'", " p:a%=''", 20, "", "/>"},
	{"prefixed-22", "<a xmlns:p='" HUNDRED TEN TEN TEN TEN TEN "'", " p:@=''", 22, "", "/>"},
	{"prefixed-8", "<a xmlns:p='" HUNDRED HUNDRED HUNDRED "'", " p:@=''", 8, "", "/>"},
	{"prefixed-8-each", "<a xmlns:p='" TEN TEN TEN TEN "01234567'>",
		"<b p:a='' p:b='' p:c='' p:d='' p:e='' p:f='' p:g='' p:h=''/>", 20, "", "</a>         "},
	{"prefixed-too-many", "<a xmlns:p='" THOUSAND "'", " p:a%=''", 53, "", "/>"},
	/* Text. */
	{"text-short", "", "<a>x</a>", 1, "", ""},
	{"text", "<a>", "What light through yonder window breaks? ", 100, "", "</a>"},
	{"text-runs", "<a>", TEN TEN TEN TEN TEN TEN "0123]", 50, "", "</a>"},
	{"text-no-runs", "<a>", TEN TEN TEN TEN TEN TEN "012]", 50, "", "</a>"},
	{"text-2", "<a>", "\xd0\xb6", 2000, "", "</a>"},
	{"text-4", "<a>", "\xf0\x9f\x98\x80", 1000, "", "</a>"},
	{"references", "<a>", "&lt;", 1000, "", "</a>"},
	{"characters", "<a>", "&#9;", 1000, "", "</a>"},
	{"brackets", "<a>", "] ]", 1000, "", "</a>"},
	{"sections", "<a>", "<![CDATA[]]>", 300, "", "</a>"},
	{"values", "<a b='", "&lt;", 1000, "", "'/>"},
	{"blanks", "<a", "\n", 1000, "", "/>"},
};

static void
append(struct buf *out, const char *text, unsigned through, unsigned within)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (; *text != '\0'; text++)
		if (*text == '$')
			buf_printf(out, "%u", through);
		else if (*text == '%')
			buf_printf(out, "%u", within);
		else if (*text == '@')
			buf_append_char(out, letters[within % (sizeof letters - 1)]);
		else
			buf_append_char(out, *text);
}

static void
append_unit(struct buf *out, const struct shape *shape, unsigned unit)
{
	unsigned from = unit * shape->times;

	buf_append_str(out, shape->before);
	for (unsigned i = 0; i < shape->times; i++)
		append(out, shape->each, from + i, i);
	for (unsigned i = shape->times; i > 0; i--)
		append(out, shape->back, from + i - 1, i - 1);
	buf_append_str(out, shape->after);
}

/* One way to read.  It ends where something is refused: so does the session. */
struct way {
	const char *name;
	bool (*read)(struct xml_readers *readers, const struct buf *pieces);
	const char *before, *after; /* each unit, or all of them */
	bool is_each;               /* a message of its own for each unit */
};

/* What instructions are counted of: not in line, and by this name. */
bool measure(const struct way *way, struct xml_readers *readers, const struct buf *pieces);

bool __attribute__((noinline)) measure(const struct way *way, struct xml_readers *readers, const struct buf *pieces)
{
	return way->read(readers, pieces);
}

static bool
read_server(struct xml_readers *readers, const struct buf *pieces)
{
	char to[] = "example.org";
	struct stream_header header = {.to = to};
	struct upstream *u = upstream_new(limits, readers, &silent);
	struct slice rest = buf_slice(&pieces[0]);
	enum closing closing = CLOSING_NONE;
	struct stanza *st;

	upstream_open(u, &header, UPSTREAM_SECURE);
	while (rest.n > 0 && closing == CLOSING_NONE) {
		size_t n = rest.n < CHUNK ? rest.n : CHUNK;
		closing = upstream_feed_whole(u, slice_of(rest.p, n));
		rest = slice_of(rest.p + n, rest.n - n);
		while ((st = upstream_next_down(u)) != NULL)
			stanza_free(st);
	}
	upstream_free(u);
	return closing == CLOSING_NONE;
}

static bool
read_bodies(struct xml_readers *readers, const struct buf *pieces)
{
	struct body_reader *r = body_reader_new(readers->documents);
	enum closing closing = CLOSING_NONE;
	struct body *body;
	bool is_done;

	while (pieces->n > 0 && closing == CLOSING_NONE) {
		closing = body_portion(r, limits, buf_slice(pieces), &body, &is_done);
		pieces += is_done && closing == CLOSING_NONE;
	}
	body_reader_free(r);
	return pieces->n == 0;
}

static bool
read_messages(struct xml_readers *readers, const struct buf *pieces)
{
	struct websocket_reader *r = websocket_reader_new(readers->documents);
	struct websocket *w = websocket_new(SLICE("id"), &silent);
	struct stanza *st;

	websocket_message(w, r, limits,
		SLICE("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>"));
	for (; pieces->n > 0 && websocket_message(w, r, limits, buf_slice(pieces)) == CLOSING_NONE; pieces++)
		while ((st = websocket_next_up(w)) != NULL)
			stanza_free(st);
	websocket_free(w);
	websocket_reader_free(r);
	return pieces->n == 0;
}

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='" XML_NS_STREAMS "' version='1.0'"
#define BODY "<body xmlns='" BODY_NS "' rid='1'"
/* As many as there may be. */
#define DECLARATIONS \
	" xmlns:p='u' xmlns:q='v' xmlns:a='a' xmlns:b='b' xmlns:c='c' xmlns:d='d' xmlns:e='e' xmlns:f='f' xmlns:g='g'" \
	" xmlns:h='h' xmlns:i='i' xmlns:j='j' xmlns:k='k' xmlns:l='l' xmlns:m='m' xmlns:n='n' xmlns:o='o' xmlns:r='r'" \
	" xmlns:s='s' xmlns:t='t' xmlns:u='u' xmlns:v='v' xmlns:w='w' xmlns:x='x' xmlns:y='y' xmlns:z='z' xmlns:A='A'" \
	" xmlns:B='B' xmlns:C='C'"

static const struct way ways[] = {
	{"server", read_server, HEADER ">", "", false},
	{"server-declared", read_server, HEADER DECLARATIONS ">", "", false},
	{"body-declared", read_bodies, BODY DECLARATIONS ">", "</body>", false},
	{"message", read_messages, "", "", true},
};

static bool
cost(const struct way *way, const struct shape *shape)
{
	size_t n = 0, cap = way->is_each ? SIZE : 1, total = 0;
	struct buf *pieces = xcalloc(cap + 1, sizeof *pieces);
	struct xml_readers readers;
	bool is_read;

	xml_readers_init(&readers, 1);
	for (unsigned i = 0; total < SIZE; i++) {
		struct buf *piece = &pieces[n];
		size_t before = piece->n;
		if (before == 0) {
			buf_init(piece, BUF_UNLIMITED);
			buf_append_str(piece, way->before);
		}
		append_unit(piece, shape, i);
		total += piece->n - before;
		if (way->is_each) {
			buf_append_str(piece, way->after);
			n++;
		}
	}
	if (!way->is_each)
		buf_append_str(&pieces[0], way->after);
	is_read = measure(way, &readers, pieces);
	for (size_t i = 0; i < cap; i++)
		buf_fini(&pieces[i]);
	free(pieces);
	xml_readers_fini(&readers);
	return is_read;
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
			printf("%s %s%s\n", ways[w].name, shapes[s].name, cost(&ways[w], &shapes[s]) ? "" : " refused");
		}
	return 0;
}
