/*
 * upgrade.h with any bytes: what a connection sends first.  The verdict on what
 * is there does not change when more comes, but for UPGRADE_MORE, nor when
 * somebody else has cut the same bytes into fields; the head that we write for
 * a good upgrade is a good one.
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
static const struct peer peer = {.kind = PEER_ADDRESS};
static char *const paths[] = {(char[]){"/xmpp-websocket"}, (char[]){"/w"}};
static char *const root[] = {(char[]){"/"}};
static char *const origins[] = {
	(char[]){"https://a.example"}, (char[]){"https://*.b.example:8443"}, (char[]){"app://"}};
static const struct upgrade_rules strict = {.places = {NULL, 0, paths, 2},
	.origins = {.v = origins, .n = 3, .own = "https://own.example"},
	.proxied = {.peer = &peer, .is_trusted = true},
	.require_subprotocol = true,
	.hooks = &hooks};
static char *const all_origins[] = {(char[]){"*"}};
static const struct upgrade_rules lax = {.places = {NULL, 0, paths, 2},
	.origins = {.v = all_origins, .n = 1},
	.proxied = {.peer = &peer},
	.hooks = &hooks};

/* A whole answer, of whose length the other side hears. */
static void
check_refusal(const struct upgrade *u)
{
	struct buf out;
	const char *text, *body;

	buf_init(&out, 4096);
	must(upgrade_refusal(&out, u, SLICE("")) == 0);
	must(upgrade_status(u) >= 400 && upgrade_status(u) < 500);
	text = buf_cstr(&out);
	body = strstr(text, "\r\n\r\n");
	must(body != NULL && strncmp(text, "HTTP/1.1 4", 10) == 0);
	must(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10) == strlen(body + 4));
	buf_fini(&out);
}

/* A good one gives a head that is good itself, and no other than it was. */
static void
check_head(const struct upgrade_rules *rules, const struct upgrade_head *head)
{
	char first[UPGRADE_HEAD_MAX], second[UPGRADE_HEAD_MAX];
	const struct upgrade_rules own = {.places = {NULL, 0, root, 1},
		.proxied = {.peer = &peer},
		.require_subprotocol = rules->require_subprotocol,
		.hooks = &hooks};
	size_t n = upgrade_write(head, first);
	struct upgrade u;

	must(upgrade_look(&u, &own, slice_of(first, n)) == UPGRADE_WEBSOCKET && u.n == n);
	must(upgrade_write(&u.head, second) == n && memcmp(first, second, n) == 0);
}

static enum upgrade_verdict
judge(const struct upgrade_rules *rules, struct slice bytes, struct upgrade *u)
{
	struct slice copy = exact(bytes);
	enum upgrade_verdict verdict = upgrade_look(u, rules, copy);

	must(u->n <= bytes.n);
	if (verdict == UPGRADE_REFUSED)
		check_refusal(u);
	if (verdict == UPGRADE_WEBSOCKET) {
		must(u->n > 4 && bytes.p[u->n - 1] == '\n');
		check_head(rules, &u->head);
	}
	must(verdict != UPGRADE_MORE || bytes.n < UPGRADE_MAX);
	exact_free(copy);
	return verdict;
}

/* The next line, its end cut off. */
static struct slice
cut_line(struct slice *rest)
{
	size_t n = (size_t) ((const char *) memchr(rest->p, '\n', rest->n) - rest->p);
	struct slice line = slice_of(rest->p, n > 0 && rest->p[n - 1] == '\r' ? n - 1 : n);

	*rest = slice_of(rest->p + n + 1, rest->n - n - 1);
	return line;
}

/* Fields as a library gives them, without blanks before the value, get the verdict that the bytes got. */
static void
check_fields(
	const struct upgrade_rules *rules, struct slice head, const struct upgrade *want, enum upgrade_verdict verdict)
{
	struct slice line = cut_line(&head);
	const char *target, *version;
	struct upgrade u;

	if (line.n == 0)
		line = cut_line(&head);
	target = memchr(line.p, ' ', line.n);
	version = memchr(target + 1, ' ', (size_t) (line.p + line.n - target) - 1);
	upgrade_begin(&u, rules, slice_of(line.p, (size_t) (target - line.p)),
		slice_of(target + 1, (size_t) (version - target) - 1),
		slice_of(version + 1, (size_t) (line.p + line.n - version) - 1));
	smuggling_line(&u.framing, line);
	while ((line = cut_line(&head)).n > 0) {
		const char *colon = memchr(line.p, ':', line.n);
		struct slice value;
		if (colon == NULL)
			return; /* no library gives such a one as a field */
		value = slice_of(colon + 1, (size_t) (line.p + line.n - colon) - 1);
		while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
			value = slice_of(value.p + 1, value.n - 1);
		upgrade_field(&u, slice_of(line.p, (size_t) (colon - line.p)), value);
	}
	must(upgrade_judge(&u) == verdict);
	if (verdict == UPGRADE_REFUSED)
		must(u.refused == want->refused && u.reason == want->reason);
	if (verdict == UPGRADE_WEBSOCKET)
		must(strcmp(u.head.key, want->head.key) == 0 && u.head.has_xmpp == want->head.has_xmpp);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of((const char *) p, n);
	struct upgrade u, whole;
	enum upgrade_verdict last = judge(&strict, all, &whole), verdict;

	if (whole.n > 0)
		check_fields(&strict, slice_of(all.p, whole.n), &whole, last);

	/* Every prefix; of long ones, some. */
	for (size_t i = 0; i < n; i += 1 + i / 64) {
		verdict = judge(&strict, slice_of(all.p, i), &u);
		must(verdict == UPGRADE_MORE || verdict == last || n >= UPGRADE_MAX);
	}
	/* Who is let in by strict rules is let in by lax ones. */
	verdict = judge(&lax, all, &u);
	must(verdict == last || last == UPGRADE_REFUSED);
	return 0;
}
