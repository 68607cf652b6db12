/*
 * head.h with any bytes: what a connection sends first.  The verdict on what
 * is there does not change when more comes, but for HEAD_MORE.
 */
#include "fuzz/input.h"

#include "base/buf.h"
#include "proto/head.h"

/* Stands in for a library: the right number of bytes. */
static bool
is_base64(void *arg, struct slice text, size_t n)
{
	(void) arg;
	return text.n == (n + 2) / 3 * 4;
}

static const struct hooks hooks = {.is_base64 = is_base64};
static char *const paths[] = {(char[]){"/xmpp-websocket"}, (char[]){"/w"}};
static char *const origins[] = {(char[]){"https://a.example"}};
static const struct head_rules strict = {paths, 2, origins, 1, true, &hooks};
static char *const all_origins[] = {(char[]){"*"}};
static const struct head_rules lax = {paths, 2, all_origins, 1, false, &hooks};

/* A whole answer, of whose length the other side hears. */
static void
check_refusal(const struct head *head)
{
	struct buf out;
	const char *text, *body;

	buf_init(&out, 4096);
	must(head_refusal(&out, head, SLICE("")) == 0);
	must(head_status(head) >= 400 && head_status(head) < 500);
	text = buf_cstr(&out);
	body = strstr(text, "\r\n\r\n");
	must(body != NULL && strncmp(text, "HTTP/1.1 4", 10) == 0);
	must(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10) == strlen(body + 4));
	buf_fini(&out);
}

static enum head_verdict
judge(const struct head_rules *rules, struct slice bytes)
{
	struct slice copy = exact(bytes);
	struct head head;
	enum head_verdict verdict = head_judge(rules, copy, &head);

	must(head.n <= bytes.n);
	if (verdict == HEAD_REFUSED)
		check_refusal(&head);
	if (verdict == HEAD_WEBSOCKET)
		must(head.n > 4 && bytes.p[head.n - 1] == '\n');
	must(verdict != HEAD_MORE || bytes.n < HEAD_MAX);
	exact_free(copy);
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of((const char *) p, n);
	enum head_verdict last = judge(&strict, all), verdict;

	/* Every prefix; of long ones, some. */
	for (size_t i = 0; i < n; i += 1 + i / 64) {
		verdict = judge(&strict, slice_of(all.p, i));
		must(verdict == HEAD_MORE || verdict == last || n >= HEAD_MAX);
	}
	/* Who is let in by strict rules is let in by lax ones. */
	verdict = judge(&lax, all);
	must(verdict == last || last == HEAD_REFUSED);
	return 0;
}
