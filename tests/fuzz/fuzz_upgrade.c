/*
 * upgrade.h with any bytes: what a connection sends first.  The verdict on what
 * is there does not change when more comes, but for UPGRADE_MORE.
 */
#include "fuzz/input.h"

#include "base/buf.h"
#include "proto/http/upgrade.h"

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
static const struct upgrade_rules strict = {{NULL, 0, paths, 2}, {origins, 1}, true, &hooks};
static char *const all_origins[] = {(char[]){"*"}};
static const struct upgrade_rules lax = {{NULL, 0, paths, 2}, {all_origins, 1}, false, &hooks};

/* A whole answer, of whose length the other side hears. */
static void
check_refusal(const struct upgrade *head)
{
	struct buf out;
	const char *text, *body;

	buf_init(&out, 4096);
	must(upgrade_refusal(&out, head, SLICE("")) == 0);
	must(upgrade_status(head) >= 400 && upgrade_status(head) < 500);
	text = buf_cstr(&out);
	body = strstr(text, "\r\n\r\n");
	must(body != NULL && strncmp(text, "HTTP/1.1 4", 10) == 0);
	must(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10) == strlen(body + 4));
	buf_fini(&out);
}

static enum upgrade_verdict
judge(const struct upgrade_rules *rules, struct slice bytes)
{
	struct slice copy = exact(bytes);
	struct upgrade head;
	enum upgrade_verdict verdict = upgrade_judge(rules, copy, &head);

	must(head.n <= bytes.n);
	if (verdict == UPGRADE_REFUSED)
		check_refusal(&head);
	if (verdict == UPGRADE_WEBSOCKET)
		must(head.n > 4 && bytes.p[head.n - 1] == '\n');
	must(verdict != UPGRADE_MORE || bytes.n < UPGRADE_MAX);
	exact_free(copy);
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of((const char *) p, n);
	enum upgrade_verdict last = judge(&strict, all), verdict;

	/* Every prefix; of long ones, some. */
	for (size_t i = 0; i < n; i += 1 + i / 64) {
		verdict = judge(&strict, slice_of(all.p, i));
		must(verdict == UPGRADE_MORE || verdict == last || n >= UPGRADE_MAX);
	}
	/* Who is let in by strict rules is let in by lax ones. */
	verdict = judge(&lax, all);
	must(verdict == last || last == UPGRADE_REFUSED);
	return 0;
}
