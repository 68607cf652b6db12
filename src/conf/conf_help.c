#include "conf/conf_help.h"

#include "base/fatal.h"
#include "conf/conf_table.h"

#define WIDTH 96 /* of comments in the sample, tabs counted as eight */
#define LIST_WIDTH 79
#define SAMPLE_DEPTH 8

/* Appends text in lines that begin with margin, as many words on each as fit. */
static void
append_wrapped(struct buf *out, const char *margin, size_t margin_width, size_t width, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		if (column > 0 && column + 1 + n > width) {
			buf_append_char(out, '\n');
			column = 0;
		}
		if (column == 0) {
			buf_append_str(out, margin);
			column = margin_width;
		} else {
			buf_append_char(out, ' ');
			column++;
		}
		buf_append(out, slice_of(text, n));
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	buf_append_char(out, '\n');
}

/* "a whole number from 1 to 16, default 2" */
static void
append_kind(struct buf *out, const struct conf_row *row)
{
	/* Which words, help says. */
	if (row->type == CONF_WORD)
		buf_append_str(out, "a string");
	else
		conf_row_expected(row, out);
	if (row->fallback != NULL)
		buf_printf(out, ", default %s", row->fallback);
}

/* The row's help as a string; *text is made anew. */
static const char *
help_of(const struct conf_row *row, struct buf *text)
{
	buf_clear(text, BUF_UNLIMITED);
	conf_row_help(row, text);
	return buf_cstr(text);
}

static bool
is_container(const struct conf_row *row)
{
	return row->type == CONF_OBJECT || row->type == CONF_MAP_OF_OBJECTS || row->type == CONF_LIST_OF_OBJECTS;
}

/*
 * The next row with an entry of its own behind this one, or the first (NULL);
 * NULL when there is no more.  A member of a list or of domains needs none:
 * its keys and its container have theirs.
 */
static const struct conf_row *
next_listed(const struct conf_row *row)
{
	size_t n;
	const struct conf_row *rows = conf_rows(&n);

	for (row = row == NULL ? rows : row + 1; row < rows + n; row++)
		if (row->is_built && conf_row_is_key(row))
			return row;
	return NULL;
}

void
conf_help_list(struct buf *out)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	for (const struct conf_row *row = next_listed(NULL); row != NULL; row = next_listed(row)) {
		buf_printf(out, "%s\n", row->key);
		if (!is_container(row)) {
			buf_append_char(out, '\t');
			append_kind(out, row);
			buf_append_char(out, '\n');
		}
		append_wrapped(out, "\t", 8, LIST_WIDTH, help_of(row, &text));
	}
	buf_fini(&text);
}

/* The sample file ------------------------------------------------------ */

static void
indent(struct buf *out, size_t depth)
{
	while (depth-- > 0)
		buf_append_char(out, '\t');
}

static void
append_comment(struct buf *out, size_t depth, const char *text)
{
	char margin[SAMPLE_DEPTH + 4];

	memset(margin, '\t', depth);
	memcpy(margin + depth, "// ", 4);
	append_wrapped(out, margin, depth * 8 + 3, WIDTH, text);
}

static void append_members(struct buf *out, const struct conf_row *container, size_t depth);

static void
append_value(struct buf *out, const struct conf_row *row, size_t depth)
{
	bool is_list = row->type == CONF_LIST_OF_OBJECTS;

	if (!is_container(row) || row->sample != NULL) {
		buf_append_str(out, row->sample != NULL ? row->sample : row->fallback);
		return;
	}
	buf_append_str(out, is_list ? "[\n" : "{\n");
	append_members(out, row, depth + 1);
	indent(out, depth);
	buf_append_str(out, is_list ? "]" : "}");
}

static void
append_members(struct buf *out, const struct conf_row *container, size_t depth)
{
	bool is_object = container->type == CONF_OBJECT, is_first = true;
	size_t n;
	const struct conf_row *rows = conf_rows(&n);
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	must(depth <= SAMPLE_DEPTH);
	for (const struct conf_row *row = rows; row < rows + n; row++) {
		if (!row->is_built || !conf_row_is_in(row, container))
			continue;
		if (row->is_alternative) {
			buf_append_char(out, '\n');
			indent(out, depth - 1);
			buf_append_str(out, "},\n");
			indent(out, depth - 1);
			buf_append_str(out, "{\n");
		} else if (!is_first) {
			buf_append_str(out, depth == 1 ? ",\n\n" : ",\n");
		}
		is_first = false;
		if (is_object)
			append_comment(out, depth, help_of(row, &text));
		indent(out, depth);
		if (is_object)
			buf_printf(out, "\"%s\": ", conf_row_leaf(row));
		else if (container->type == CONF_MAP_OF_OBJECTS)
			buf_append_str(out, "\"example.com\": ");
		append_value(out, row, depth);
	}
	buf_fini(&text);
	buf_append_char(out, '\n');
}

void
conf_help_sample(struct buf *out)
{
	size_t n;

	append_comment(out, 0,
		"Every key that culvert knows, with its default if it has one. A file needs \"domains\"; all other keys may "
		"be left out. Times are in seconds and may have decimals, sizes are in bytes. "
		"See culvert.json(5).");
	append_value(out, conf_rows(&n), 0);
	buf_append_char(out, '\n');
}

/* The man page --------------------------------------------------------- */

static void
append_roff(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			buf_append_str(out, "\\e");
		else if (text.p[i] == '-')
			buf_append_str(out, "\\-");
		else
			buf_append_char(out, text.p[i]);
	}
}

/* Nothing in the table begins a line with a dot or a quote, which would mean something. */
void
conf_help_man(struct buf *out)
{
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	for (const struct conf_row *row = next_listed(NULL); row != NULL; row = next_listed(row)) {
		buf_append_str(out, ".TP\n\\fB");
		append_roff(out, slice_str(row->key));
		buf_append_str(out, "\\fR");
		if (!is_container(row)) {
			buf_clear(&text, BUF_UNLIMITED);
			append_kind(&text, row);
			buf_append_str(out, " (");
			append_roff(out, buf_slice(&text));
			buf_append_char(out, ')');
		}
		buf_append_char(out, '\n');
		append_roff(out, slice_str(help_of(row, &text)));
		buf_append_char(out, '\n');
	}
	buf_fini(&text);
}
