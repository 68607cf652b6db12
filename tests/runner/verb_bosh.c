#include "runner/text.h"
#include "runner/verb.h"

#include <stdio.h>

#define BODY_START "<body xmlns='" BODY_NS "'"

/* rid, rid+2, rid-1 or a number */
static bool
read_rid(const struct client *c, struct slice word, uint64_t *rid)
{
	uint64_t n = 0;

	if (!slice_has_prefix(word, SLICE("rid")))
		return slice_number(word, UINT64_MAX, rid);
	*rid = c->rid;
	if (word.n == 3)
		return true;
	if (!slice_number(slice_of(word.p + 4, word.n - 4), UINT32_MAX, &n))
		return false;
	*rid = word.p[3] == '-' ? *rid - n : *rid + n;
	return word.p[3] == '-' || word.p[3] == '+';
}

static void
append_attribute(struct buf *b, struct slice name, struct slice value, bool *has_xmpp)
{
	bool is_restart = slice_eq(name, SLICE("restart"));

	if (slice_is_set(value))
		buf_printf(b, " %s%.*s='%.*s'", is_restart ? "xmpp:" : "", SLICE_ARG(name), SLICE_ARG(value));
	if (is_restart || slice_has_prefix(name, SLICE("xmpp:")))
		*has_xmpp = true;
}

/* The rest of the line, attributes and payload, after what is in b already. */
static void
append_body(struct buf *b, struct slice line, bool has_xmpp)
{
	struct attribute a;

	while (line.n > 0 && line.p[0] != '<' && text_attribute(&line, &a))
		append_attribute(b, a.name, a.value, &has_xmpp);
	if (has_xmpp)
		buf_append_str(b, " xmlns:xmpp='" BODY_NS_XMPP "'");
	if (line.n == 0)
		buf_append_str(b, "/>");
	else
		buf_printf(b, ">%.*s</body>", SLICE_ARG(line));
}

static void
send_body(struct script *s, struct client *c, unsigned worker, uint64_t rid, struct slice line)
{
	struct buf b;

	buf_init(&b, BUF_UNLIMITED);
	buf_printf(&b, BODY_START " rid='%llu' sid='%s'", (unsigned long long) rid, c->sid);
	append_body(&b, script_expand(s, c, line), false);
	world_post(&s->world, c, worker, rid, buf_slice(&b));
	buf_fini(&b);
}

void
verb_create(struct script *s, struct client *c, unsigned worker, struct slice line)
{
	struct attribute usual[] = {
		{SLICE("to"), SLICE("example.org")},
		{SLICE("wait"), SLICE("50")},
		{SLICE("hold"), SLICE("1")},
		{SLICE("ver"), SLICE("1.6")},
		{SLICE("xmpp:version"), SLICE("1.0")},
	};
	struct slice rest = script_expand(s, c, line), payload;
	struct attribute a;
	struct buf b, more;
	bool has_xmpp = false;

	buf_init(&b, BUF_UNLIMITED);
	buf_init(&more, BUF_UNLIMITED);
	while (rest.n > 0 && rest.p[0] != '<' && text_attribute(&rest, &a)) {
		bool is_usual = false;
		if (slice_eq(a.name, SLICE("rid"))) {
			slice_number(a.value, UINT64_MAX, &c->rid);
			continue;
		}
		for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
			if (!slice_eq(a.name, usual[i].name))
				continue;
			usual[i].value = a.value.n > 0 ? a.value : SLICE_NONE;
			is_usual = true;
		}
		if (!is_usual)
			append_attribute(&more, a.name, a.value, &has_xmpp);
	}
	payload = rest;
	buf_printf(&b, BODY_START " rid='%llu'", (unsigned long long) c->rid);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (slice_is_set(usual[i].value))
			append_attribute(&b, usual[i].name, usual[i].value, &has_xmpp);
	buf_append(&b, buf_slice(&more));
	append_body(&b, payload, has_xmpp);
	world_post(&s->world, c, worker, c->rid, buf_slice(&b));
	buf_fini(&b);
	buf_fini(&more);
}

struct request *
script_request(struct client *c, uint64_t rid)
{
	for (size_t i = 0; i < c->n_requests; i++)
		if (c->request[i].rid == rid && c->request[i].state <= REQUEST_ANSWERED)
			return &c->request[i];
	return NULL;
}

/* Divides <body ATTRIBUTES>CONTENT</body>. */
static bool
divide(struct slice answer, struct slice *attributes, struct slice *content)
{
	static const char end[] = "</body>";
	size_t n = sizeof BODY_START - 1;
	char quote = '\0';

	*content = SLICE("");
	if (!slice_has_prefix(answer, slice_of(BODY_START, n)))
		return false;
	answer = slice_of(answer.p + n, answer.n - n);
	for (n = 0; n < answer.n && (quote != '\0' || answer.p[n] != '>'); n++) {
		if (answer.p[n] == quote)
			quote = '\0';
		else if (quote == '\0' && (answer.p[n] == '\'' || answer.p[n] == '"'))
			quote = answer.p[n];
	}
	*attributes = slice_of(answer.p, n);
	if (n == answer.n)
		return false;
	if (n > 0 && answer.p[n - 1] == '/') {
		attributes->n--;
		return n + 1 == answer.n;
	}
	*content = slice_of(answer.p + n + 1, answer.n - n - 1);
	if (content->n < sizeof end - 1)
		return false;
	content->n -= sizeof end - 1;
	return memcmp(content->p + content->n, end, sizeof end - 1) == 0;
}

/* "name=value", "name=*" and "!name", in front of the payload. */
static struct slice
expect_attributes(struct script *s, const struct request *r, struct slice attributes, struct slice line)
{
	struct attribute a;

	while (line.n > 0 && line.p[0] != '<') {
		struct slice seen, rest = line, word = text_word(&rest);
		if (word.p[0] == '!') {
			seen = verb_attribute(attributes, slice_of(word.p + 1, word.n - 1));
			if (slice_is_set(seen))
				script_fail(s, "%.*s='%.*s' was not expected", SLICE_ARG(word), SLICE_ARG(seen));
			line = rest;
			continue;
		}
		if (!text_attribute(&line, &a))
			return line;
		if (slice_eq(a.name, SLICE("status")))
			continue;
		if (slice_eq(a.name, SLICE("Content-Type")))
			seen = slice_str(r->content_type);
		else if (slice_eq(a.name, SLICE("Retry-After")))
			seen = slice_str(r->retry_after);
		else
			seen = verb_attribute(attributes, a.name);
		if (!slice_is_set(seen) || (!slice_eq(a.value, SLICE("*")) && !slice_eq(a.value, seen)))
			script_fail(s, "%.*s:\n  expected %.*s\n  seen     %.*s", SLICE_ARG(a.name), SLICE_ARG(a.value),
				SLICE_ARG(slice_is_set(seen) ? seen : SLICE("none")));
	}
	return line;
}

/* "status=404" among the attributes; where nothing is said, 200. */
static void
expect_status(struct script *s, const struct request *r, struct slice line)
{
	char seen[12];
	struct slice expected = verb_attribute(line, SLICE("status"));

	/* Behind "terminate" and the condition. */
	while (!slice_is_set(expected) && line.n > 0 && line.p[0] != '<' && slice_is_set(text_word(&line)))
		expected = verb_attribute(line, SLICE("status"));
	if (slice_eq(expected, SLICE("*")))
		return;
	snprintf(seen, sizeof seen, "%u", r->status);
	verb_expect(s, "status", slice_is_set(expected) ? expected : SLICE("200"), slice_str(seen));
}

static void
expect_answer(struct script *s, struct client *c, const struct request *r, struct slice line)
{
	struct slice answer = buf_slice(&r->answer), attributes, content, condition;
	bool is_terminal = false;

	expect_status(s, r, line);
	if (text_take(&line, "exactly")) {
		verb_expect(s, "answer", script_expand(s, c, line), answer);
		return;
	}
	if (text_take(&line, "empty")) {
		verb_expect(s, "answer", SLICE(BODY_EMPTY), answer);
		verb_expect_no_more(s, line);
		return;
	}
	if (text_take(&line, "error")) {
		verb_expect(s, "answer", SLICE(BODY_START " type='error'/>"), answer);
		verb_expect_no_more(s, line);
		return;
	}
	if (!divide(answer, &attributes, &content)) {
		script_fail(s, "no answer of BOSH: %.*s", SLICE_ARG(answer));
		return;
	}
	if (text_take(&line, "terminate")) {
		struct attribute a;
		struct slice peek = line;
		is_terminal = true;
		condition = SLICE_NONE;
		if (line.n > 0 && line.p[0] != '<' && line.p[0] != '!' && !text_attribute(&peek, &a))
			condition = text_word(&line);
		verb_expect(s, "type", SLICE("terminate"), verb_attribute(attributes, SLICE("type")));
		verb_expect(s, "condition", condition, verb_attribute(attributes, SLICE("condition")));
	}
	if (!is_terminal && slice_is_set(verb_attribute(attributes, SLICE("type")))) {
		script_fail(s, "a type that was not expected: %.*s", SLICE_ARG(answer));
		return;
	}
	line = expect_attributes(s, r, attributes, line);
	verb_expect(s, "payload", script_expand(s, c, line), content);
}

/* The last request with this rid, whatever became of it. */
static struct request *
last_request(const struct client *c, uint64_t rid)
{
	for (size_t i = c->n_requests; i > 0; i--)
		if (c->request[i - 1].rid == rid)
			return &c->request[i - 1];
	return NULL;
}

static void
hear_answer(struct script *s, struct client *c, struct slice line)
{
	struct slice word = text_word(&line);
	struct request *r;
	uint64_t rid;

	if (!read_rid(c, word, &rid)) {
		script_fail(s, "what rid? %.*s", SLICE_ARG(word));
		return;
	}
	r = script_request(c, rid);
	if (text_take(&line, "nothing")) {
		if (r != NULL && r->state == REQUEST_ANSWERED)
			script_fail(s, "%.*s has an answer: %.*s", SLICE_ARG(word), SLICE_ARG(buf_slice(&r->answer)));
		return;
	}
	if (text_take(&line, "cut")) {
		r = last_request(c, rid);
		if (r == NULL || r->state != REQUEST_CUT)
			script_fail(s, "the connection of %.*s is not cut", SLICE_ARG(word));
		return;
	}
	if (r == NULL || r->state != REQUEST_ANSWERED) {
		script_fail(s, "%.*s has no answer; expected %.*s", SLICE_ARG(word), SLICE_ARG(line));
		return;
	}
	r->state = REQUEST_HEARD;
	expect_answer(s, c, r, line);
}

/* Statements, one a line, of which $a is the client. */
static void
play(struct script *s, const struct client *c, const char *lines)
{
	struct slice line, rest = slice_str(lines), before, behind;
	struct buf text;

	while (rest.n > 0 && !s->is_failed) {
		slice_cut(rest, '\n', &line, &rest);
		buf_init(&text, BUF_UNLIMITED);
		while (slice_cut(line, '$', &before, &behind)) {
			buf_append(&text, before);
			buf_append(&text, slice_of(c->name, strlen(c->name)));
			line = slice_of(behind.p + 1, behind.n - 1);
		}
		buf_append(&text, line);
		script_line(s, buf_slice(&text));
		buf_fini(&text);
	}
}

#define FEATURES "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"

/* By SASL, with rid+1, and rid+2 to restart; the children of the features that follow, or those of a server of today. */
static void
authenticate(struct script *s, const struct client *c, struct slice features)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_printf(&text,
		"$a sends rid+1 <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>\n"
		"$a.server gets <auth ...</auth>\n"
		"$a.server sends <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>\n"
		"$a hears rid+1 <success .../>\n"
		"$a sends rid+2 to=example.org restart=true\n"
		"$a.server gets header to=example.org version=1.0\n"
		"$a.server sends header\n"
		"$a.server sends <stream:features>%.*s</stream:features>\n"
		"$a hears rid+2 <stream:features ...</stream:features>",
		SLICE_ARG(features.n > 0 ? features : SLICE(FEATURES)));
	buf_append_char(&text, '\0');
	play(s, c, buf_slice(&text).p);
	buf_fini(&text);
}

/* The same, and rid+3 to bind. */
static void
log_in(struct script *s, const struct client *c, struct slice features)
{
	authenticate(s, c, features);
	play(s, c,
		"$a sends rid+3 <iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n"
		"$a.server gets <iq ...</iq>\n"
		"$a.server sends <iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n"
		"$a hears rid+3 <iq ...</iq>");
}

void
verb_bosh(struct script *s, struct client *c, unsigned worker, struct slice line)
{
	struct slice verb = text_word(&line), body;
	struct request *r;
	uint64_t rid = 0;

	if (slice_eq(verb, SLICE("creates"))) {
		verb_create(s, c, worker, line);
		return;
	}
	if (slice_eq(verb, SLICE("hears"))) {
		hear_answer(s, c, line);
		return;
	}
	if (slice_eq(verb, SLICE("authenticates"))) {
		authenticate(s, c, line);
		return;
	}
	if (slice_eq(verb, SLICE("logs")) && text_take(&line, "in")) {
		log_in(s, c, line);
		return;
	}
	if (slice_eq(verb, SLICE("uses"))) {
		c->is_secure = text_take(&line, "TLS");
		c->is_leaving = text_take(&line, "dead");
		if (!c->is_secure && !c->is_leaving && !text_take(&line, "plain"))
			script_fail(s, "TLS, plain or dead?");
		return;
	}
	if (slice_eq(verb, SLICE("posts"))) {
		/* "posts rid+1 <<<...>>>" when the answer is to be heard */
		if (line.n > 0 && line.p[0] != '<' && !read_rid(c, text_word(&line), &rid))
			script_fail(s, "what rid?");
		body = script_expand(s, c, line);
		world_post(&s->world, c, worker, rid, body);
		return;
	}
	if (!read_rid(c, text_word(&line), &rid)) {
		script_fail(s, "what rid?");
		return;
	}
	r = last_request(c, rid);
	if (slice_eq(verb, SLICE("sends"))) {
		send_body(s, c, worker, rid, line);
	} else if (slice_eq(verb, SLICE("repeats")) && r != NULL) {
		struct buf copy;
		buf_init(&copy, BUF_UNLIMITED);
		buf_append(&copy, buf_slice(&r->body));
		world_post(&s->world, c, worker, rid, buf_slice(&copy));
		buf_fini(&copy);
	} else if ((slice_eq(verb, SLICE("leaves")) || slice_eq(verb, SLICE("takes"))) && r != NULL) {
		world_leave(&s->world, c, r, slice_eq(verb, SLICE("takes")));
	} else if (slice_eq(verb, SLICE("loses")) && r != NULL) {
		world_lose(&s->world, c, r);
	} else {
		script_fail(s, "no such verb, or no request with this rid: %.*s", SLICE_ARG(verb));
	}
}
