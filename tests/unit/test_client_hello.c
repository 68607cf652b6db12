#include "unit.h"

#include "base/buf.h"
#include "proto/net/client_hello.h"

#define TICKET_EMPTY "\x00\x23\x00\x00"
#define TICKET "\x00\x23\x00\x03xyz"
#define OTHER "\x00\x17\x00\x00"
#define NAME \
	"\x00\x00\x00\x0b\x00\x09\x00\x00\x06" \
	"a.test"

/* A record with a ClientHello that has these extensions. */
static void
write_hello(struct buf *out, struct slice extensions)
{
	struct buf body;

	buf_init(&body, BUF_UNLIMITED);
	buf_append(&body, slice_of("\x03\x03", 2));
	for (int i = 0; i < 32; i++)
		buf_append_char(&body, 'r');
	buf_append(&body, slice_of("\x02id\x00\x04\xc0\x2b\xc0\x2f\x01\x00", 11));
	buf_append_char(&body, (char) (extensions.n >> 8));
	buf_append_char(&body, (char) extensions.n);
	buf_append(&body, extensions);
	buf_init(out, BUF_UNLIMITED);
	buf_append(out, slice_of("\x16\x03\x01", 3));
	buf_append_char(out, (char) ((body.n + 4) >> 8));
	buf_append_char(out, (char) (body.n + 4));
	buf_append(out, slice_of("\x01\x00", 2));
	buf_append_char(out, (char) (body.n >> 8));
	buf_append_char(out, (char) body.n);
	buf_append(out, buf_slice(&body));
	buf_fini(&body);
}

static void
tickets(void **state)
{
#define E(text, ticket) \
	{ \
		{(text), sizeof(text) - 1}, (ticket) \
	}
	static const struct {
		struct slice extensions;
		bool has_ticket;
	} row[] = {
		E("", false),
		E(TICKET, true),
		E(TICKET_EMPTY, false),
		E(NAME OTHER TICKET, true),
		E(NAME OTHER TICKET_EMPTY, false),
		E(NAME OTHER, false),
		/* Lengths that lead nowhere. */
		E("\x00\x17\xff\xff" TICKET, false),
		E("\x00\x23", false),
	};

	(void) state;
	for (size_t i = 0; i < COUNT(row); i++) {
		bool has_ticket;
		struct buf hello;
		write_hello(&hello, row[i].extensions);
		assert_int_equal(client_hello_look(buf_slice(&hello), &has_ticket), CLIENT_HELLO_TLS);
		assert_int_equal(has_ticket, row[i].has_ticket);
		/* What comes behind does not matter. */
		buf_append_str(&hello, "more");
		assert_int_equal(client_hello_look(buf_slice(&hello), &has_ticket), CLIENT_HELLO_TLS);
		assert_int_equal(has_ticket, row[i].has_ticket);
		buf_fini(&hello);
	}
}

/* Each prefix wants more; nobody reads behind what is there. */
static void
prefixes(void **state)
{
	struct buf hello;

	(void) state;
	write_hello(&hello, slice_of(NAME TICKET, sizeof(NAME TICKET) - 1));
	for (size_t n = 0; n <= hello.n; n++) {
		struct slice some = exact(slice_of(buf_slice(&hello).p, n));
		bool has_ticket;
		assert_int_equal(
			client_hello_look(some, &has_ticket), n < hello.n ? CLIENT_HELLO_MORE : CLIENT_HELLO_TLS);
		exact_free(some);
	}
	buf_fini(&hello);
}

static void
others(void **state)
{
#define O(text, want) \
	{ \
		{(text), sizeof(text) - 1}, (want) \
	}
	static const struct {
		struct slice bytes;
		enum client_hello_verdict verdict;
	} row[] = {
		O("G", CLIENT_HELLO_HTTP),
		O("POST /http-bind HTTP/1.1\r\n", CLIENT_HELLO_HTTP),
		O("<?xml version='1.0'?>", CLIENT_HELLO_GARBAGE),
		O("\x80\x2e\x01\x03\x01", CLIENT_HELLO_GARBAGE), /* SSL 2.0 */
		O("\x15\x03\x01\x00\x02\x02\x28", CLIENT_HELLO_GARBAGE),
		O("\x16\x02", CLIENT_HELLO_GARBAGE),
		O("\x16\x03\x01\x00\x00", CLIENT_HELLO_GARBAGE),
		O("\x16\x03\x01\x40\x00", CLIENT_HELLO_GARBAGE), /* longer than we look at */
		O("\x16\x03\x01\x3f\xfb", CLIENT_HELLO_MORE),
		O("\x00", CLIENT_HELLO_GARBAGE),
	};

	(void) state;
	for (size_t i = 0; i < COUNT(row); i++) {
		bool has_ticket = true;
		assert_int_equal(client_hello_look(row[i].bytes, &has_ticket), row[i].verdict);
		assert_false(has_ticket);
	}
}

/* A ClientHello with bytes changed, cut and added: any verdict will do, but no read beyond the end. */
static void
mutations(void **state)
{
	struct dice dice = {3};
	struct buf hello;

	(void) state;
	write_hello(&hello, slice_of(NAME OTHER TICKET, sizeof(NAME OTHER TICKET) - 1));
	for (unsigned i = 0; i < 200000; i++) {
		struct slice copy = exact(slice_of(buf_slice(&hello).p, hello.n - dice_roll(&dice, 8)));
		char *bytes = (char *) (uintptr_t) copy.p;
		bool has_ticket;
		for (unsigned k = dice_roll(&dice, 4); k > 0; k--)
			bytes[dice_roll(&dice, (unsigned) copy.n)] = (char) dice_roll(&dice, 256);
		/* The record ends where the bytes do. */
		bytes[3] = (char) ((copy.n - 5) >> 8);
		bytes[4] = (char) (copy.n - 5);
		client_hello_look(copy, &has_ticket);
		exact_free(copy);
	}
	buf_fini(&hello);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(others),
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
