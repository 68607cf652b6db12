/*
 * run.c: runs scripts and prints one line of TAP for each.
 *
 *      run [-v] [FILE...]      without files: all beside the source
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/bad.h"
#include "runner/script.h"
#include "runner/text.h"

#define FILE_MAX_BYTES ((size_t) 1 << 20)

static bool
read_file(const char *path, struct buf *text)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0;

	if (f == NULL)
		return false;
	do {
		char *room = buf_reserve(text, 4096);
		n = fread(room, 1, 4096, f);
		buf_commit(text, n);
	} while (n > 0 && text->n < FILE_MAX_BYTES);
	fclose(f);
	return true;
}

/* Without its comment: # at the beginning, or behind two blanks and before one. */
static struct slice
without_comment(struct slice line)
{
	for (size_t i = 0; i < line.n; i++) {
		bool is_behind = i == 0 || (i >= 2 && slice_is_space(line.p[i - 1]) && slice_is_space(line.p[i - 2])) ||
			line.p[i - 1] == '\t';
		bool is_before = i + 1 == line.n || slice_is_space(line.p[i + 1]);
		if (line.p[i] == '#' && is_behind && (is_before || i == 0))
			return slice_trim(slice_of(line.p, i));
	}
	return slice_trim(line);
}

/*
 * The next statement: lines joined where one ends in a backslash.  False at
 * the end.  number is that of its first line.
 */
static bool
next_statement(struct slice *text, unsigned *read, unsigned *number, struct buf *statement)
{
	bool goes_on = true;

	buf_clear(statement, 4096);
	if (text->n == 0)
		return false;
	*number = *read + 1;
	while (goes_on && text->n > 0) {
		const char *end = memchr(text->p, '\n', text->n);
		size_t n = end != NULL ? (size_t) (end - text->p) : text->n;
		struct slice line = without_comment(slice_of(text->p, n));
		size_t skip = end != NULL ? n + 1 : n;
		*text = slice_of(text->p + skip, text->n - skip);
		++*read;
		goes_on = line.n > 0 && line.p[line.n - 1] == '\\';
		buf_append(statement, goes_on ? slice_of(line.p, line.n - 1) : line);
	}
	return true;
}

static void
run_script(const char *path, struct slice text, bool is_verbose, struct buf *report)
{
	struct script s;
	struct buf statement;
	unsigned read = 0;

	script_init(&s, path, is_verbose);
	buf_init(&statement, BUF_UNLIMITED);
	while (!s.is_failed && next_statement(&text, &read, &s.line, &statement))
		if (statement.n > 0)
			script_line(&s, buf_slice(&statement));
	script_end(&s);
	buf_append(report, buf_slice(&s.report));
	buf_fini(&statement);
	script_fini(&s);
}

/* Each line is a script of its own; all are looked at. */
static void
run_bad(const char *path, struct slice text, bool is_verbose, struct buf *report)
{
	struct buf statement, kind;
	unsigned read = 0, number;

	buf_init(&statement, BUF_UNLIMITED);
	buf_init(&kind, BUF_UNLIMITED);
	while (next_statement(&text, &read, &number, &statement)) {
		struct slice line = buf_slice(&statement);
		struct script s;
		if (line.n == 0)
			continue;
		if (text_take(&line, "kind")) {
			buf_clear(&kind, 0);
			buf_append(&kind, line);
			continue;
		}
		script_init(&s, path, is_verbose);
		s.line = number;
		script_begin(&s);
		bad_line(&s, buf_slice(&kind), line);
		script_end(&s);
		buf_append(report, buf_slice(&s.report));
		script_fini(&s);
	}
	buf_fini(&statement);
	buf_fini(&kind);
}

/* "runner/bosh-replay" of ".../script/bosh-replay.txt" */
static struct slice
name_of(const char *path)
{
	const char *at = strstr(path, "runner/"), *next;
	struct slice name;

	while (at != NULL && (next = strstr(at + 1, "runner/")) != NULL)
		at = next;
	name = slice_str(at != NULL ? at + 7 : path);
	if (name.n > 4 && strcmp(name.p + name.n - 4, ".txt") == 0)
		name.n -= 4;
	return name;
}

static bool
run_file(const char *path, unsigned number, bool is_verbose)
{
	struct buf text, report;
	bool is_good;

	buf_init(&text, BUF_UNLIMITED);
	buf_init(&report, BUF_UNLIMITED);
	if (!read_file(path, &text))
		buf_printf(&report, "%s: cannot be read\n", path);
	else if (strstr(path, "/bad/") != NULL)
		run_bad(path, buf_slice(&text), is_verbose, &report);
	else
		run_script(path, buf_slice(&text), is_verbose, &report);
	is_good = report.n == 0;
	printf("%sok %u - %.*s\n", is_good ? "" : "not ", number, SLICE_ARG(name_of(path)));
	for (struct slice rest = buf_slice(&report); rest.n > 0;) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end != NULL ? (size_t) (end - rest.p) : rest.n;
		printf("# %.*s\n", (int) n, rest.p);
		rest = slice_of(rest.p + n, rest.n - n);
		if (rest.n > 0)
			rest = slice_of(rest.p + 1, rest.n - 1);
	}
	fflush(stdout);
	buf_fini(&text);
	buf_fini(&report);
	return is_good;
}

/* All scripts beside the source. */
static void
find_all(glob_t *found)
{
	const char *srcdir = getenv("srcdir");
	char pattern[4096];

	snprintf(pattern, sizeof pattern, "%s/script/*/*.txt", srcdir != NULL ? srcdir : ".");
	glob(pattern, 0, NULL, found);
}

int
main(int argc, char **argv)
{
	glob_t found = {.gl_pathc = 0};
	char **path = argv + 1;
	size_t n = (size_t) argc - 1, failed = 0;
	bool is_verbose = n > 0 && strcmp(path[0], "-v") == 0;

	if (is_verbose) {
		path++;
		n--;
	}
	if (n == 0) {
		find_all(&found);
		path = found.gl_pathv;
		n = found.gl_pathc;
	}
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++)
		if (!run_file(path[i], (unsigned) i + 1, is_verbose))
			failed++;
	printf("# %zu passed, %zu failed\n", n - failed, failed);
	if (found.gl_pathc > 0)
		globfree(&found);
	return failed > 0 || n == 0;
}
