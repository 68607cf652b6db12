#include "conf/conf_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/hash.h"
#include "conf/conf_build.h"
#include "conf/conf_table.h"
#include "conf/conf_text.h"

/*
 * Walks a JSON file along the rows of conf_table.c.
 *
 * yajl calls back once per token, with the number of bytes it has consumed:
 * that is where the token ends.  Where it begins follows from where the last
 * one ended, so every complaint can name the line and column of its key or
 * value.  A value that is wrong is reported and left out, and the walk goes
 * on; whatever depends on several values is looked at only when those are
 * right.  A file that is not JSON ends the walk.
 */

#define DEPTH 8      /* deeper than any container of the table */
#define IDENTITIES 3 /* where listen[].tls is in the stack; listen is 1 */
#define ERRORS_MAX 20
#define LINE_MAX 4096
#define ASCII_MAX 1024 /* room for a domain's A-label form */
#define WORD_MAX 40    /* how much of the file's own text a message shows */

enum {
	GO_ON = 1, /* what yajl wants to hear */
	STOP = 0,
};

struct frame {
	const struct conf_row *row;
	size_t at; /* where it begins */
	size_t n;  /* members seen so far */
};

/* A domain so far, by its A-label form. */
struct named {
	struct named *next;
	struct conf_place place;
	struct hash_link by_name;
};

struct reader {
	const char *name;
	struct slice text;
	struct conf_cursor cursor;
	const struct hooks *hooks;
	struct buf *errors;
	unsigned n_errors;

	yajl_handle yajl;
	bool is_completing; /* all text is given; yajl counts from zero again */
	size_t start, end;  /* of the current token */

	struct frame stack[DEPTH];
	size_t depth;               /* 0: before and after the file's object */
	size_t skip;                /* open containers of a value that nobody wants */
	const struct conf_row *row; /* of the key whose value comes next; NULL: nobody wants it */

	const struct conf_row *table;
	size_t n_rows;
	bool seen[CONF_ROWS_MAX]; /* per row; of the current listener or domain, for their rows */
	size_t at[CONF_ROWS_MAX]; /* where its key was */

	struct conf *c;
	struct conf_listen listen;     /* the current one */
	struct conf_identity identity; /* the current one */
	struct conf_domain domain;     /* the current one */
	size_t domain_at;              /* its key */
	struct slice domain_key;       /* what *: in a path stands for; owned */
	struct slice member_key;       /* the current field of response_headers; borrowed from c */
	size_t *target_at;             /* where each of its targets was written */
	struct hash by_name;           /* all domains so far */
	struct named *named;
	unsigned errors_before; /* as the current listener or domain began */
};

/* Places --------------------------------------------------------------- */

static struct conf_place
place_of(struct reader *r, size_t at)
{
	return conf_cursor_place(&r->cursor, at);
}

/* A name out of the file, unless it would disturb the line it stands in. */
static void
append_name(struct buf *out, struct slice name)
{
	char quoted[LOG_QUOTED];

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char) name.p[i];
		if (c <= 0x20 || c == 0x7f || c == '"' || i > 4 * WORD_MAX) {
			buf_append_str(out, log_quote(quoted, name));
			return;
		}
	}
	buf_append(out, name);
}

/* "domains.example.com.connect" for the row "domains.*.connect". */
static void
append_path(struct reader *r, const struct conf_row *row, struct buf *out)
{
	unsigned list = 0;

	if (row == NULL || row == r->table) {
		buf_append_str(out, "top level");
		return;
	}
	for (const char *p = row->key; *p != '\0'; p++) {
		if (*p == '*')
			append_name(out, r->domain_key);
		else if (*p == '[')
			buf_printf(out, "[%zu", r->stack[list++ == 0 ? 1 : IDENTITIES].n - 1);
		else
			buf_append_char(out, *p);
	}
}

/* Complaints ----------------------------------------------------------- */

/* The line so far: place and key.  finish() sends it off. */
static void
begin_complaint(struct reader *r, struct buf *line, size_t at)
{
	struct conf_place place = place_of(r, at);

	buf_init(line, LINE_MAX);
	buf_printf(line, "%s:%u:%u: ", r->name, place.line, place.column);
}

static int
finish(struct reader *r, struct buf *line)
{
	buf_append_char(line, '\n');
	buf_append(r->errors, buf_slice(line));
	buf_fini(line);
	if (++r->n_errors < ERRORS_MAX)
		return GO_ON;
	buf_init(line, LINE_MAX);
	buf_printf(line, "%s: %d errors, the rest of the file was not looked at\n", r->name, ERRORS_MAX);
	buf_append(r->errors, buf_slice(line));
	buf_fini(line);
	return STOP;
}

static int complain(struct reader *r, size_t at, const struct conf_row *row, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int
complain(struct reader *r, size_t at, const struct conf_row *row, const char *format, ...)
{
	struct buf line;
	va_list ap;

	begin_complaint(r, &line, at);
	append_path(r, row, &line);
	buf_append_str(&line, ": ");
	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	return finish(r, &line);
}

/* About the current token: it is `found`, the row wants something else (or, when not NULL, `expected`). */
static int
complain_value(struct reader *r, const struct conf_row *row, const char *found, const char *expected)
{
	const struct frame *top = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;
	bool is_member = top != NULL && top->row == row;
	struct buf line;

	begin_complaint(r, &line, r->start);
	append_path(r, row, &line);
	if (is_member && row->type == CONF_FIELDS) {
		buf_append_char(&line, '.');
		append_name(&line, r->member_key);
	} else if (is_member) {
		buf_printf(&line, "[%zu]", top->n - 1);
	}
	buf_printf(&line, ": %s, expected ", found);
	if (expected != NULL)
		buf_append_str(&line, expected);
	else if (is_member)
		buf_append_str(&line, "a string");
	else
		conf_row_expected(row, &line);
	return finish(r, &line);
}

/* Listeners and domains ------------------------------------------------ */

static bool
is_row(const struct conf_row *row, const char *key)
{
	return strcmp(row->key, key) == 0;
}

/* Where the key was written, or SIZE_MAX when it was not. */
static size_t
written_at(const struct reader *r, const char *key)
{
	for (size_t i = 0; i < r->n_rows; i++)
		if (is_row(&r->table[i], key))
			return r->seen[i] ? r->at[i] : SIZE_MAX;
	return SIZE_MAX;
}

static void
forget_seen(struct reader *r, enum conf_base base)
{
	for (size_t i = 0; i < r->n_rows; i++)
		if (r->table[i].base == base)
			r->seen[i] = false;
	r->errors_before = r->n_errors;
}

static void
begin_listen(struct reader *r)
{
	forget_seen(r, CONF_BASE_LISTEN);
	conf_listen_fini(&r->listen);
}

static void
begin_identity(struct reader *r)
{
	unsigned errors_before = r->errors_before; /* those are the listener's */

	forget_seen(r, CONF_BASE_IDENTITY);
	r->errors_before = errors_before;
	conf_identity_fini(&r->identity);
	r->identity.place = place_of(r, r->start);
}

static int
end_identity(struct reader *r, size_t at, const struct conf_row *row)
{
	if (r->n_errors > r->errors_before)
		return GO_ON;
	if (r->identity.certificate == NULL || r->identity.key == NULL)
		return complain(r, at, row, "no \"%s\", expected {\"certificate\": FILE, \"key\": FILE}",
			r->identity.certificate == NULL ? "certificate" : "key");
	conf_identity_settle(&r->identity, r->name);
	conf_add_identity(&r->listen, &r->identity);
	return GO_ON;
}

static int
end_listen(struct reader *r, size_t at, const struct conf_row *row)
{
	static const char *const unix_only[] = {"listen[].mode", "listen[].owner", "listen[].group"};
	bool is_unix = r->listen.unix_path != NULL;
	bool is_tcp = written_at(r, "listen[].address") != SIZE_MAX || written_at(r, "listen[].port") != SIZE_MAX;
	size_t twin;

	if (r->n_errors > r->errors_before)
		return GO_ON;
	if (is_unix && is_tcp)
		return complain(r, at, row, "both an address and a unix socket, expected one of them");
	for (size_t i = 0; !is_unix && i < sizeof unix_only / sizeof *unix_only; i++)
		if (written_at(r, unix_only[i]) != SIZE_MAX)
			return complain(r, written_at(r, unix_only[i]), row,
				"\"%s\" without a unix socket, expected \"unix\" beside it",
				strchr(unix_only[i], '.') + 1);
	if (r->listen.hsts > 0 && r->listen.n_tls == 0)
		return complain(
			r, written_at(r, "listen[].hsts"), row, "\"hsts\" without TLS, expected \"tls\" beside it");
	if (r->listen.redirect && r->listen.n_tls > 0)
		return complain(r, written_at(r, "listen[].redirect"), row,
			"\"redirect\" with TLS, expected it on a listener without \"tls\"");
	conf_rows_default(CONF_BASE_LISTEN, &r->listen, r->seen);
	conf_listen_settle(&r->listen, r->name);
	twin = conf_find_listen(r->c, &r->listen);
	if (twin < r->c->n_listen)
		return complain(r, at, row, "the same as an earlier one, expected each listener once");
	conf_add_listen(r->c, &r->listen);
	return GO_ON;
}

static void
set_domain_key(struct reader *r, struct slice key)
{
	free((char *) (uintptr_t) r->domain_key.p);
	r->domain_key = slice_of(xstrndup(key.p != NULL ? key.p : "", key.n), key.n);
}

/* Where the domain was written before; line 0: nowhere. */
static struct conf_place
find_domain(const struct reader *r, const char *ascii)
{
	struct hash_link *link = hash_find(&r->by_name, slice_str(ascii));

	return link != NULL ? hash_entry(link, struct named, by_name)->place : (struct conf_place){0, 0};
}

static void
forget_names(struct reader *r)
{
	struct named *next;

	for (struct named *n = r->named; n != NULL; n = next) {
		next = n->next;
		free(n);
	}
	hash_fini(&r->by_name);
}

static void
add_domain(struct reader *r)
{
	struct named *n = xcalloc(1, sizeof *n);

	n->place = r->domain.place;
	n->next = r->named;
	r->named = n;
	hash_insert(&r->by_name, &n->by_name, slice_str(r->domain.ascii));
	conf_add_domain(r->c, &r->domain);
}

/* Sets r->row, unless the name cannot be one. */
static int
begin_domain(struct reader *r, const struct conf_row *row, struct slice key)
{
	const char *expected = NULL;
	struct conf_place first;

	r->row = NULL;
	r->domain_at = r->start;
	set_domain_key(r, key);
	forget_seen(r, CONF_BASE_DOMAIN);
	conf_domain_fini(&r->domain);
	if (memchr(key.p, '\0', key.n) != NULL)
		expected = "a domain without NUL in it";
	if (slice_eq(key, SLICE("*")))
		conf_domain_set_any(&r->domain);
	else if (expected == NULL)
		expected = conf_take_domain_name(&r->domain, key);
	if (expected == NULL)
		expected = conf_domain_to_ascii(&r->domain, r->hooks);
	if (expected != NULL) {
		char quoted[LOG_QUOTED];
		return complain(r, r->start, row, "%s, expected %s", log_quote(quoted, key), expected);
	}
	first = find_domain(r, r->domain.ascii);
	if (first.line > 0)
		return complain(r, r->start, row, "a domain given twice, expected each once; the first is at %u:%u",
			first.line, first.column);
	r->domain.place = place_of(r, r->start);
	r->row = row;
	return GO_ON;
}

/* Whoever names a domain of "*" chooses the server: only a certificate makes it the right one. */
static int
check_any(struct reader *r, const struct conf_row *row)
{
	const struct conf_domain *d = &r->domain;
	const struct {
		const char *key;
		bool is_wrong;
		const char *expected;
	} rules[] = {
		{"domains.*.connect", !d->by_dns, "\"dns\""},
		{"domains.*.tls", d->tls != TLS_REQUIRED, "\"required\""},
		{"domains.*.verify", !d->verify, "true"},
		{"domains.*.server_name", d->server_name != NULL, "this key left out"},
		{"domains.*.proxy_protocol", d->proxy_protocol != 0, "0"},
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].is_wrong)
			return complain(r, written_at(r, rules[i].key),
				conf_row_find(row, slice_str(strrchr(rules[i].key, '.') + 1)),
				"not for any public domain, expected %s", rules[i].expected);
	return GO_ON;
}

static int
end_domain(struct reader *r, const struct conf_row *row)
{
	const struct conf_row *connect = conf_row_find(row, SLICE("connect"));
	const struct conf_target *target;
	size_t at = written_at(r, "domains.*.connect");

	if (r->n_errors > r->errors_before)
		return GO_ON;
	if (at != SIZE_MAX && r->domain.n_connect == 0 && !r->domain.by_dns)
		return complain(r, at, connect, "an empty list, expected \"dns\" or [\"xmpp://HOST:PORT\"]");
	conf_rows_default(CONF_BASE_DOMAIN, &r->domain, r->seen);
	target = conf_domain_settle(
		&r->domain, written_at(r, "domains.*.tls") != SIZE_MAX, written_at(r, "domains.*.verify") != SIZE_MAX);
	if (target != NULL)
		return complain(r, r->target_at[target - r->domain.connect], connect,
			"xmpps:// to %s beside \"tls\": \"off\", expected xmpp://, or another \"tls\"", target->host);
	if (r->domain.is_any) {
		int go_on = check_any(r, row);
		if (r->n_errors > r->errors_before)
			return go_on;
	}
	add_domain(r);
	return GO_ON;
}

/* Where the key was written, or the object it could have been in, or else the file's object at `at`. */
static size_t
nearest_place(const struct reader *r, const struct conf_row *row, size_t at)
{
	size_t place = written_at(r, row->key);

	for (size_t i = 0; place == SIZE_MAX && i < r->n_rows; i++)
		if (conf_row_is_in(row, &r->table[i]))
			place = written_at(r, r->table[i].key);
	return place != SIZE_MAX ? place : at;
}

/* The whole file has been read; at is where its object begins. */
static int
end_file(struct reader *r, size_t at)
{
	const char *key, *words;
	size_t place;

	if (r->n_errors > 0)
		return GO_ON;
	conf_sort_domains(r->c);
	if (r->c->n_domain == 0) {
		place = written_at(r, "domains");
		return complain(r, place != SIZE_MAX ? place : at, conf_row_find(r->table, SLICE("domains")),
			"no domain, expected \"domains\": {\"example.com\": {}}");
	}
	if (r->c->n_listen == 0) {
		begin_listen(r);
		conf_rows_default(CONF_BASE_LISTEN, &r->listen, r->seen);
		conf_add_listen(r->c, &r->listen);
	}
	conf_rows_default(CONF_BASE_TOP, r->c, r->seen);
	conf_pages_settle(r->c, r->name);
	conf_fields_settle(r->c);
	words = conf_contradiction(r->c, &key);
	if (words == NULL)
		return GO_ON;
	for (const struct conf_row *row = r->table; row < r->table + r->n_rows; row++)
		if (is_row(row, key))
			return complain(r, nearest_place(r, row, at), row, "%s", words);
	must(!"the key of a contradiction");
	return STOP;
}

/* Values --------------------------------------------------------------- */

/* Every callback begins here.  False: the token belongs to a value that nobody wants. */
static bool
next_token(struct reader *r)
{
	r->start = conf_token_start(r->text, r->end);
	r->end = r->is_completing ? r->text.n : yajl_get_bytes_consumed(r->yajl);
	return r->skip == 0;
}

/* The row that says what the value beginning now must be, or NULL when nobody wants it. */
static const struct conf_row *
row_of_value(struct reader *r)
{
	struct frame *top = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;

	if (top == NULL)
		return r->table;
	if (top->row->type == CONF_OBJECT || top->row->type == CONF_MAP_OF_OBJECTS || top->row->type == CONF_FIELDS) {
		const struct conf_row *row = r->row;
		r->row = NULL;
		return row;
	}
	top->n++;
	return top->row->type == CONF_LIST_OF_OBJECTS ? conf_row_find(top->row, SLICE("[]")) : top->row;
}

static bool
is_member_of(const struct reader *r, const struct conf_row *row)
{
	return r->depth > 0 && r->stack[r->depth - 1].row == row;
}

static void *
base_of(struct reader *r, const struct conf_row *row)
{
	switch (row->base) {
	case CONF_BASE_LISTEN:
		return &r->listen;
	case CONF_BASE_IDENTITY:
		return &r->identity;
	case CONF_BASE_DOMAIN:
		return &r->domain;
	case CONF_BASE_TOP:
		break;
	}
	return r->c;
}

static int
on_null(void *arg)
{
	struct reader *r = arg;
	const struct conf_row *row;

	if (!next_token(r) || (row = row_of_value(r)) == NULL)
		return GO_ON;
	if (!conf_row_may_be_null(row))
		return complain_value(r, row, "null", NULL);
	conf_row_null(row, base_of(r, row));
	return GO_ON;
}

static int
on_bool(void *arg, int value)
{
	struct reader *r = arg;
	const struct conf_row *row;

	if (!next_token(r) || (row = row_of_value(r)) == NULL)
		return GO_ON;
	if (row->type != CONF_BOOL && row->type != CONF_SWITCH)
		return complain_value(r, row, value ? "true" : "false", NULL);
	*(bool *) ((char *) base_of(r, row) + row->offset) = value != 0;
	return GO_ON;
}

static bool
is_number(enum conf_type type)
{
	return type == CONF_NUMBER || type == CONF_PORT || type == CONF_BYTES || type == CONF_SECONDS;
}

static int
on_number(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;
	const struct conf_row *row;
	char found[WORD_MAX + 4];

	if (!next_token(r) || (row = row_of_value(r)) == NULL)
		return GO_ON;
	if (is_number(row->type) && conf_row_number(row, base_of(r, row), slice_of(p, n)))
		return GO_ON;
	snprintf(found, sizeof found, "%.*s%s", n > WORD_MAX ? WORD_MAX : (int) n, p, n > WORD_MAX ? "..." : "");
	return complain_value(r, row, found, NULL);
}

/* What is told of later. */
static void
note_place(struct reader *r, const struct conf_row *row)
{
	if (row->take == conf_take_connect && r->domain.n_connect > 0) {
		r->target_at = xrealloc(r->target_at, r->domain.n_connect * sizeof *r->target_at);
		r->target_at[r->domain.n_connect - 1] = r->start;
	} else if (row->take == conf_take_ca_file) {
		r->domain.ca_file_place = place_of(r, r->start);
	} else if (row->take == conf_take_pages) {
		r->c->pages.place = place_of(r, r->start);
	} else if (row->take == conf_take_user) {
		r->c->user_place = place_of(r, r->start);
	} else if (row->take == conf_take_listen_owner) {
		r->listen.owner_place = place_of(r, r->start);
	} else if (row->take == conf_take_listen_group) {
		r->listen.group_place = place_of(r, r->start);
	}
}

/* How to write the host of an address that is not ASCII, or the words that ask for it when it cannot be. */
static const char *
as_ascii(struct reader *r, struct slice address, struct buf *text)
{
	const char *colons = memmem(address.p, address.n, "://", 3);
	char ascii[ASCII_MAX];

	if (colons != NULL)
		address = slice_of(colons + 3, address.n - (size_t) (colons + 3 - address.p));
	if (r->hooks == NULL || r->hooks->to_ascii == NULL ||
		!r->hooks->to_ascii(r->hooks->arg, slice_take_to(&address, ":/"), ascii, sizeof ascii))
		return conf_ascii_host;
	buf_printf(text, "the host in ASCII: %s", ascii);
	return buf_cstr(text);
}

static int
complain_string(struct reader *r, const struct conf_row *row, struct slice s, const char *expected)
{
	char found[LOG_QUOTED];
	struct buf text;
	int result;

	buf_init(&text, LINE_MAX);
	if (expected == conf_ascii_host)
		expected = as_ascii(r, s, &text);
	result = complain_value(r, row, log_quote(found, s), expected);
	buf_fini(&text);
	return result;
}

static int
on_string(void *arg, const unsigned char *p, size_t n)
{
	struct reader *r = arg;
	struct slice s = slice_of((const char *) p, n);
	const struct conf_row *row;
	const char *expected = NULL;

	if (!next_token(r) || (row = row_of_value(r)) == NULL)
		return GO_ON;
	if (row->type == CONF_WORD && conf_row_word(row, base_of(r, row), s))
		return GO_ON;
	if (row->take != NULL && (row->type != CONF_FIELDS || is_member_of(r, row))) {
		if (n > 0 && memchr(p, '\0', n) != NULL)
			expected = "a string without NUL in it";
		else
			expected = row->take(base_of(r, row), s);
		if (expected == NULL) {
			note_place(r, row);
			return GO_ON;
		}
	}
	return complain_string(r, row, s, expected);
}

/* Containers ----------------------------------------------------------- */

static int
begin_container(struct reader *r, bool is_object)
{
	const struct conf_row *row;
	bool fits;

	if (!next_token(r)) {
		r->skip++;
		return GO_ON;
	}
	row = row_of_value(r);
	if (row == NULL) {
		r->skip = 1;
		return GO_ON;
	}
	if (is_object)
		fits = row->type == CONF_OBJECT || row->type == CONF_MAP_OF_OBJECTS ||
			(row->type == CONF_FIELDS && !is_member_of(r, row));
	else
		fits = row->type == CONF_LIST_OF_OBJECTS || (row->type == CONF_STRINGS && !is_member_of(r, row));
	if (!fits) {
		r->skip = 1;
		return complain_value(r, row, is_object ? "an object" : "a list", NULL);
	}
	must(r->depth < DEPTH);
	r->stack[r->depth++] = (struct frame){.row = row, .at = r->start};
	if (is_row(row, "listen[]"))
		begin_listen(r);
	else if (is_row(row, "listen[].tls[]"))
		begin_identity(r);
	return GO_ON;
}

static int
end_container(struct reader *r)
{
	struct frame f;

	if (!next_token(r)) {
		r->skip--;
		return GO_ON;
	}
	f = r->stack[--r->depth];
	if (f.row == r->table)
		return end_file(r, f.at);
	if (is_row(f.row, "listen[]"))
		return end_listen(r, f.at, f.row);
	if (is_row(f.row, "listen[].tls[]"))
		return end_identity(r, f.at, f.row);
	if (is_row(f.row, "domains.*"))
		return end_domain(r, f.row);
	if (is_row(f.row, "listen") && f.n == 0)
		return complain(r, f.at, f.row, "an empty list, expected at least one listener");
	return GO_ON;
}

static int
on_start_map(void *arg)
{
	return begin_container(arg, true);
}

static int
on_start_array(void *arg)
{
	return begin_container(arg, false);
}

static int
on_end(void *arg)
{
	return end_container(arg);
}

static int
complain_unknown(struct reader *r, const struct conf_row *container, struct slice key)
{
	const struct conf_row *guess = conf_row_guess(container, key);
	bool is_first = true;
	struct buf line;

	begin_complaint(r, &line, r->start);
	if (container != r->table) {
		append_path(r, container, &line);
		buf_append_char(&line, '.');
	}
	append_name(&line, key);
	buf_append_str(&line, ": unknown key, ");
	if (guess != NULL) {
		buf_printf(&line, "did you mean \"%s\"?",
			conf_row_is_in(guess, container) ? conf_row_leaf(guess) : guess->key);
		return finish(r, &line);
	}
	buf_append_str(&line, "expected one of");
	for (const struct conf_row *row = r->table; row < r->table + r->n_rows; row++) {
		if (row->is_built && conf_row_is_in(row, container)) {
			buf_printf(&line, "%s %s", is_first ? "" : ",", conf_row_leaf(row));
			is_first = false;
		}
	}
	return finish(r, &line);
}

/* A header field: its value comes next. */
static int
begin_field(struct reader *r, const struct conf_row *row, struct slice name)
{
	const char *expected = conf_take_response_name(r->c, name);
	char quoted[LOG_QUOTED];

	if (expected != NULL)
		return complain(r, r->start, row, "%s, expected %s", log_quote(quoted, name), expected);
	r->member_key = slice_str(r->c->response_header[r->c->n_response_header - 1].name);
	r->row = row;
	return GO_ON;
}

static int
on_key(void *arg, const unsigned char *p, size_t n)
{
	struct reader *r = arg;
	struct slice key = slice_of((const char *) p, n);
	const struct conf_row *container, *row;
	size_t i;

	if (!next_token(r))
		return GO_ON;
	container = r->stack[r->depth - 1].row;
	r->row = NULL;
	if (container->type == CONF_MAP_OF_OBJECTS)
		return begin_domain(r, conf_row_find(container, SLICE("*")), key);
	if (container->type == CONF_FIELDS)
		return begin_field(r, container, key);
	row = conf_row_find(container, key);
	if (row == NULL || !conf_row_is_key(row))
		return complain_unknown(r, container, key);
	if (!row->is_built)
		return complain(r, r->start, row, "is not available in this version yet, expected this key left out");
	i = (size_t) (row - r->table);
	if (r->seen[i]) {
		struct conf_place first = place_of(r, r->at[i]);
		return complain(r, r->start, row, "a key given twice, expected each key once; the first is at %u:%u",
			first.line, first.column);
	}
	r->seen[i] = true;
	r->at[i] = r->start;
	r->row = row;
	return GO_ON;
}

/* Text that is not JSON ------------------------------------------------ */

static void
complain_syntax(struct reader *r)
{
	size_t start = conf_token_start(r->text, r->end), comma = conf_trailing_comma(r->text, r->end);
	const struct conf_row *row = r->depth == 0 ? NULL : r->row != NULL ? r->row : r->stack[r->depth - 1].row;
	struct slice rest;
	char quoted[LOG_QUOTED];
	unsigned char *words;
	const char *found = quoted, *closing = "\"}\"";

	if (r->skip > 0)
		closing = "\"}\" or \"]\"";
	else if (r->depth > 0 &&
		(r->stack[r->depth - 1].row->type == CONF_STRINGS ||
			r->stack[r->depth - 1].row->type == CONF_LIST_OF_OBJECTS))
		closing = "\"]\"";
	if (!r->is_completing) {
		/* A comma or colon too many is a token too, which conf_token_start() passed over. */
		size_t consumed = yajl_get_bytes_consumed(r->yajl);
		if (consumed > 0 && consumed - 1 < start)
			start = consumed - 1;
	}
	rest = slice_of(r->text.p + start, r->text.n - start);
	if (rest.n == 0) {
		complain(r, start, row, "the file ends here, expected %s", r->depth > 0 ? closing : "an object: {...}");
		return;
	}
	if (comma < r->text.n) {
		complain(r, comma, row, "a trailing comma, expected none before \"%c\"", rest.p[0]);
		return;
	}
	words = yajl_get_error(r->yajl, 0, (const unsigned char *) r->text.p, r->text.n);
	if (strstr((const char *) words, "premature EOF") != NULL)
		complain(r, start, row, "%s, expected its end",
			rest.p[0] == '"' ? "a string without end" : "a comment without end");
	else {
		if (rest.p[0] == '"')
			found = "a string";
		else
			log_quote(quoted, slice_of(rest.p, conf_word(rest)));
		complain(r, start, row, "%s, expected %s", found, conf_json_expected((const char *) words));
	}
	yajl_free_error(r->yajl, words);
}

/* The walk ------------------------------------------------------------- */

static void *
yajl_malloc(void *arg, size_t n)
{
	(void) arg;
	return xmalloc(n);
}

static void *
yajl_realloc(void *arg, void *p, size_t n)
{
	(void) arg;
	return xrealloc(p, n);
}

static void
yajl_release(void *arg, void *p)
{
	(void) arg;
	free(p);
}

static void
walk(struct reader *r)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null,
		.yajl_boolean = on_bool,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_start_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_start_array,
		.yajl_end_array = on_end,
	};
	yajl_alloc_funcs memory = {.malloc = yajl_malloc, .realloc = yajl_realloc, .free = yajl_release};
	yajl_status status;

	r->yajl = yajl_alloc(&callbacks, &memory, r);
	yajl_config(r->yajl, yajl_allow_comments, 1);
	status = yajl_parse(r->yajl, (const unsigned char *) r->text.p, r->text.n);
	if (status == yajl_status_ok) {
		r->is_completing = true;
		status = yajl_complete_parse(r->yajl);
	}
	if (status == yajl_status_error)
		complain_syntax(r);
	yajl_free(r->yajl);
}

int
conf_read(struct conf **out, struct slice text, const char *name, const struct hooks *hooks, struct buf *errors)
{
	struct reader r = {.name = name, .text = text, .hooks = hooks, .errors = errors};
	size_t bad = conf_first_bad_byte(text);

	*out = NULL;
	r.table = conf_rows(&r.n_rows);
	r.c = conf_new();
	conf_cursor_init(&r.cursor, text);
	hash_init(&r.by_name, 0);
	if (slice_has_prefix(text, SLICE("\xef\xbb\xbf")))
		complain(&r, 0, NULL, "a byte order mark, expected a file without one");
	else if (bad < text.n)
		complain(&r, bad, NULL, "the byte 0x%02x, expected UTF-8 text", (unsigned char) text.p[bad]);
	else if (conf_token_start(text, 0) == text.n)
		complain(&r, 0, NULL,
			"nothing, expected at least "
			"{\"domains\": {\"example.com\": {}}}");
	else
		walk(&r);

	set_domain_key(&r, SLICE_NONE);
	free((char *) (uintptr_t) r.domain_key.p);
	free(r.target_at);
	forget_names(&r);
	conf_domain_fini(&r.domain);
	conf_listen_fini(&r.listen);
	conf_identity_fini(&r.identity);
	if (r.n_errors > 0) {
		conf_unref(r.c);
		return CV_EINVAL;
	}
	*out = r.c;
	return 0;
}
