#include "conf/json.h"

#include <stdlib.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_version.h>

#include "base/fatal.h"

struct json {
	yajl_gen yajl;
	struct buf *out;
	unsigned depth;
};

static void
on_print(void *arg, const char *p, size_t n)
{
	struct json *j = arg;

	must(buf_append(j->out, slice_of(p, n)) == 0);
}

struct json *
json_new(struct buf *out)
{
	struct json *j = xcalloc(1, sizeof *j);

	j->out = out;
	j->yajl = yajl_gen_alloc(NULL);
	must(j->yajl != NULL);
	yajl_gen_config(j->yajl, yajl_gen_print_callback, on_print, j);
	yajl_gen_config(j->yajl, yajl_gen_beautify, 1);
	yajl_gen_config(j->yajl, yajl_gen_indent_string, "\t");
	yajl_gen_config(j->yajl, yajl_gen_validate_utf8, 1);
	return j;
}

void
json_free(struct json *j)
{
	if (j == NULL)
		return;
	must(j->depth == 0);
	yajl_gen_free(j->yajl);
	free(j);
}

static void
check(yajl_gen_status status)
{
	must(status == yajl_gen_status_ok);
}

void
json_object(struct json *j)
{
	check(yajl_gen_map_open(j->yajl));
	j->depth++;
}

void
json_end_object(struct json *j)
{
	check(yajl_gen_map_close(j->yajl));
	j->depth--;
}

void
json_array(struct json *j)
{
	check(yajl_gen_array_open(j->yajl));
	j->depth++;
}

void
json_end_array(struct json *j)
{
	check(yajl_gen_array_close(j->yajl));
	j->depth--;
}

void
json_key(struct json *j, const char *key)
{
	json_string(j, slice_str(key));
}

void
json_string(struct json *j, struct slice s)
{
	check(yajl_gen_string(j->yajl, (const unsigned char *) (s.p != NULL ? s.p : ""), s.n));
}

void
json_versions(struct library *l)
{
	unsigned v = (unsigned) yajl_version();
	const unsigned built[] = {YAJL_MAJOR, YAJL_MINOR, YAJL_MICRO}, runs[] = {v / 10000, v / 100 % 100, v % 100};

	library_set_numbers(l, "yajl", built, runs);
}
