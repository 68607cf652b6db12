#include "unit.h"

#include "session/letter.h"
#include "session/sid.h"

static const struct req_id id = {{0xf1f2f3f4, 0x01020304}, 0xa1a2a3a4, UINT64_C(0x0102030405060708)};

/* Writes it to memory of exactly its size, and reads it again; the bytes are the caller's. */
static struct letter
again(const struct letter *letter, char **bytes)
{
	size_t n = letter_size(letter);
	struct letter read;

	*bytes = malloc(n);
	letter_write(letter, *bytes);
	assert_true(letter_read(slice_of(*bytes, n), &read));
	assert_int_equal(read.kind, letter->kind);
	return read;
}

static void
posts(void **state)
{
	char *bytes;

	(void) state;
	for (unsigned flags = 0; flags < 8; flags++) {
		struct letter letter = {.kind = LETTER_POST}, read;
		struct post *p = &letter.u.post;
		p->id = id;
		p->body = flags % 2 ? SLICE("<body/>\0x") : SLICE("");
		p->has_left = flags & 1;
		p->peer.kind = (enum peer_kind)(flags % PEER_KINDS);
		p->peer.is_secure = flags & 2;
		p->peer.is_client = flags & 4;
		p->peer.listener = 0xdeadbeef;
		memset(p->peer.address, 0xab, NETWORK_BYTES);
		p->peer.port = 65534;
		read = again(&letter, &bytes);
		assert_true(req_eq(read.u.post.id, id));
		assert_true(slice_eq(read.u.post.body, p->body));
		assert_int_equal(read.u.post.has_left, p->has_left);
		assert_memory_equal(&read.u.post.peer.address, p->peer.address, NETWORK_BYTES);
		assert_int_equal(read.u.post.peer.kind, p->peer.kind);
		assert_int_equal(read.u.post.peer.port, p->peer.port);
		assert_int_equal(read.u.post.peer.is_secure, p->peer.is_secure);
		assert_int_equal(read.u.post.peer.is_client, p->peer.is_client);
		assert_int_equal(read.u.post.peer.listener, p->peer.listener);
		free(bytes);
	}
}

static void
news(void **state)
{
	static const struct req_fate fates[] = {{REQ_GONE, 0}, {REQ_HURRY, 0}, {REQ_UNSENT, 1}, {REQ_UNSENT, -1},
		{REQ_UNSENT, INT64_MAX}, {REQ_UNSENT, INT64_MIN}, {REQ_MOVES, 0}, {REQ_RESTS, 0}, {REQ_SLOW, 0}};
	char longest[SID_MAX - 1], *bytes;

	(void) state;
	memset(longest, 's', sizeof longest);
	for (size_t i = 0; i < COUNT(fates); i++) {
		struct letter letter = {.kind = LETTER_NEWS}, read;
		letter.u.news = (struct news){id, i % 2 ? slice_of(longest, sizeof longest) : SLICE(""), fates[i]};
		read = again(&letter, &bytes);
		assert_true(req_eq(read.u.news.id, id));
		assert_true(slice_eq(read.u.news.sid, letter.u.news.sid));
		assert_int_equal(read.u.news.fate.event, fates[i].event);
		assert_true(read.u.news.fate.unsent == fates[i].unsent);
		free(bytes);
	}
}

static void
answers(void **state)
{
	char *bytes;

	(void) state;
	for (unsigned i = 0; i < CONTENTS; i++) {
		struct letter letter = {.kind = LETTER_REPLY}, read;
		letter.u.reply = (struct reply){
			.id = id, .status = 200 + i, .content = (enum content) i, .body = SLICE("<body/>")};
		read = again(&letter, &bytes);
		assert_true(req_eq(read.u.reply.id, id));
		assert_int_equal(read.u.reply.status, 200 + i);
		assert_int_equal(read.u.reply.content, i);
		assert_slice(read.u.reply.body, "<body/>");
		free(bytes);
	}
	struct letter cut = {.kind = LETTER_CUT, .u.cut = id}, read = again(&cut, &bytes);
	assert_true(req_eq(read.u.cut, id));
	free(bytes);
}

/* An older process must read the same: the bytes are what letter.h says. */
static void
layout(void **state)
{
	static const char want[] =
		"\x01\x02\xf1\xf2\xf3\xf4\x01\x02\x03\x04\xa1\xa2\xa3\xa4\x01\x02\x03\x04\x05\x06\x07\x08"
		"\x02\xff\xff\xff\xff\xff\xff\xff\xfe\x03sid";
	struct letter letter = {.kind = LETTER_NEWS, .u.news = {id, SLICE("sid"), {REQ_UNSENT, -2}}};
	char *bytes;

	(void) state;
	again(&letter, &bytes);
	assert_int_equal(letter_size(&letter), sizeof want - 1);
	assert_memory_equal(bytes, want, sizeof want - 1);
	free(bytes);
}

/* Too short, too long, or with a number that means nothing. */
static void
refused(void **state)
{
	struct letter letters[] = {
		{.kind = LETTER_POST, .u.post = {.id = id, .peer = {.kind = PEER_UNIX}, .body = SLICE("<body/>")}},
		{.kind = LETTER_NEWS, .u.news = {id, SLICE("sid"), {REQ_GONE, 0}}},
		{.kind = LETTER_REPLY, .u.reply = {id, 200, CONTENT_TEXT_XML, SLICE("<body/>"), 0}},
		{.kind = LETTER_CUT, .u.cut = id},
	};
	/* Which byte of each is a choice, and what it may not be. */
	static const struct {
		size_t letter, at;
		unsigned char value;
	} bad[] = {{0, 0, 2}, {0, 0, 0}, {0, 1, 0}, {0, 1, 5}, {0, 22, 8}, {0, 23, PEER_KINDS}, {0, 46, 1},
		{1, 22, REQ_SLOW + 1}, {1, 31, SID_MAX}, {2, 24, CONTENTS}, {2, 22, 0xff}, {2, 23, 0}};

	(void) state;
	for (size_t i = 0; i < COUNT(letters); i++) {
		struct letter read;
		char *bytes;
		size_t n = letter_size(&letters[i]);
		again(&letters[i], &bytes);
		for (size_t cut = 0; cut < n; cut++) {
			struct slice part = exact(slice_of(bytes, cut));
			assert_false(letter_read(part, &read));
			exact_free(part);
		}
		bytes = realloc(bytes, n + 1);
		bytes[n] = 0;
		assert_false(letter_read(slice_of(bytes, n + 1), &read));
		for (size_t k = 0; k < COUNT(bad); k++) {
			char saved;
			if (bad[k].letter != i)
				continue;
			saved = bytes[bad[k].at];
			bytes[bad[k].at] = (char) bad[k].value;
			assert_false(letter_read(slice_of(bytes, n), &read));
			bytes[bad[k].at] = saved;
		}
		assert_true(letter_read(slice_of(bytes, n), &read));
		free(bytes);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts),
		cmocka_unit_test(news),
		cmocka_unit_test(answers),
		cmocka_unit_test(layout),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
