/*
 * websocket.h with any messages: one WebSocket stream.
 *
 *      0x1e   ends a message             0x1c   behind it the server opens its stream
 *      0x1f   behind it the server sends an element; the second time, and so on, <success/>
 *      0x1d   behind it the stream ends, or when it has ended, the WebSocket does
 *
 * Whatever goes to the client is one element that can be read alone, first
 * <open/>, which has an id, last <close/>; an error comes behind the <open/> of
 * the stream it ends.  No stream is opened anew without <success/>.
 */
#include "fuzz/input.h"

#include "proto/stream/websocket.h"

static const struct trace silent = {.log = NULL};
static const struct xml_limits limits = {20000, 100};
static const struct xml_limits unlimited = {1 << 24, 1000};

static const struct stream_header server = {.from = (char[]){"example.org"}, .id = (char[]){"<'&\""}};

struct client {
	struct websocket *websocket;
	struct xml *checker;
	unsigned opens;  /* that we said */
	unsigned given;  /* elements of the server */
	bool has_opened; /* the client has */
	bool may_open;   /* and may, again */
	bool has_answer; /* to the last one that was good */
	bool is_error;   /* the last message was */
	bool is_closed, is_gone, is_hung_up;
	ms_t now;
};

static bool
on_root(void *arg, const struct xml_element *root)
{
	struct client *c = arg;
	bool is_framing = slice_eq(root->ns, SLICE(WEBSOCKET_NS));

	must(!c->is_closed && (c->opens > 0 || is_framing));
	if (is_framing && slice_eq(root->local, SLICE("open"))) {
		must(xml_attribute(root, "", "id").n > 0 && slice_is_set(xml_attribute(root, "", "from")));
		c->opens++;
		c->has_answer = true;
	}
	c->is_closed = is_framing && slice_eq(root->local, SLICE("close"));
	must(!c->is_error || c->is_closed);
	c->is_error = slice_eq(root->local, SLICE("error"));
	must(!c->is_error || c->has_answer);
	return true;
}

static bool
on_element(void *arg, struct stanza *st)
{
	(void) arg;
	stanza_free(st);
	return true;
}

static const struct xml_handler checks = {.root = on_root, .element = on_element};

static void
take_out(struct client *c)
{
	struct stanza *st;
	unsigned code;

	while ((st = websocket_first_out(c->websocket)) != NULL) {
		must(!c->is_gone && !c->is_hung_up);
		must(xml_document(c->checker, XML_MESSAGE, &checks, unlimited, stanza_slice(st), c) == XML_OK);
		websocket_sent(c->websocket, c->now);
	}
	if (!c->is_hung_up && websocket_next_hangup(c->websocket, c->now, &code)) {
		must(!c->is_gone && c->is_closed && code >= 1000 && code <= 1011);
		c->is_hung_up = true;
	}
	must(websocket_queued(c->websocket) == 0);
}

static enum closing
take_up(struct client *c)
{
	enum closing closing = CLOSING_NONE;
	struct stanza *st;

	while (closing == CLOSING_NONE && (st = websocket_next_up(c->websocket)) != NULL) {
		if (st->kind == STANZA_OPEN) {
			must(!c->has_opened || c->may_open);
			c->has_opened = true;
			c->may_open = c->has_answer = false;
			must(websocket_header(c->websocket)->to != NULL);
			closing = websocket_served(c->websocket);
			must(closing != CLOSING_NONE || websocket_header(c->websocket)->version != NULL);
		} else if (st->kind == STANZA_CLOSE) {
			closing = CLOSING_CLIENT_CLOSED;
		} else {
			must(c->has_opened && st->n > 0 && st->bytes[0] == '<');
		}
		stanza_free(st);
	}
	return closing;
}

static void
react(struct client *c, char mark)
{
	struct stanza *st;

	switch (mark) {
	case MARK_FILE:
		if (c->has_opened)
			websocket_opened(c->websocket, &server);
		break;
	case MARK_UNIT:
		if (c->opens == 0)
			break;
		if (++c->given % 2 == 0) {
			st = stanza_copy(SLICE("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"), STANZA_SUCCESS);
			c->may_open = !c->is_closed && !c->is_gone;
		} else {
			st = stanza_copy(SLICE("<message xmlns='jabber:client'/>"), STANZA_MESSAGE);
		}
		websocket_give(c->websocket, &st);
		break;
	case MARK_GROUP:
		if (c->is_closed) {
			websocket_gone(c->websocket);
			c->is_gone = true;
		}
		websocket_close(c->websocket, CLOSING_SERVER_CLOSED, c->now);
		break;
	}
	c->now += 500;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = slice_of((const char *) p, n);
	struct xml *xml = xml_new(0);
	struct websocket_reader *reader = websocket_reader_new(xml);
	struct client c = {.websocket = websocket_new(SLICE("own"), &silent), .checker = xml_new(0), .now = 1000};
	struct piece piece;

	while (next_piece(&rest, &piece)) {
		struct slice message = exact(piece.bytes);
		enum closing up,
			closing = c.is_gone ? CLOSING_NONE : websocket_message(c.websocket, reader, limits, message);
		exact_free(message);
		up = take_up(&c);
		if (closing == CLOSING_NONE)
			closing = up;
		if (closing != CLOSING_NONE)
			websocket_close(c.websocket, closing, c.now);
		take_out(&c);
		react(&c, piece.mark);
		take_out(&c);
	}
	websocket_free(c.websocket);
	websocket_reader_free(reader);
	xml_free(c.checker);
	xml_free(xml);
	return 0;
}
