#include "io/http_fields.h"

#include <microhttpd.h>

bool
http_is_reading(const struct http_request *rq)
{
	return slice_eq(rq->method, SLICE("GET")) || slice_eq(rq->method, SLICE("HEAD"));
}

struct slice
http_header(const struct http_request *rq, const char *name)
{
	return slice_str(MHD_lookup_connection_value(rq->library, MHD_HEADER_KIND, name));
}

struct once {
	const char *name;
	struct slice value;
	unsigned n;
};

static enum MHD_Result
on_once(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct once *once = arg;

	(void) kind;
	if (slice_eq_nocase(slice_str(name), slice_str(once->name)) && once->n++ == 0)
		once->value = slice_str(value != NULL ? value : "");
	return MHD_YES;
}

struct slice
http_header_once(const struct http_request *rq, const char *name)
{
	struct once once = {.name = name};

	MHD_get_connection_values(rq->library, MHD_HEADER_KIND, on_once, &once);
	return once.n == 1 ? once.value : SLICE_NONE;
}

struct slice
http_argument(const struct http_request *rq, const char *name)
{
	return slice_str(MHD_lookup_connection_value(rq->library, MHD_GET_ARGUMENT_KIND, name));
}

/*
 * The library keeps a head as it came, names and values ended by NULs that it
 * writes over what was between them: a colon, a line end.  Where more lies
 * between two of them, it is not shown: what is behind a NUL of the client's
 * own.  And of a line that goes on in a second one it makes a name, elsewhere.
 */
struct reading {
	struct http_head head;
	const char *end; /* of the value before */
};

/* Is at one of the few bytes from here on? */
static bool
is_near(const char *at, const char *from, size_t bytes)
{
	return (uintptr_t) at - (uintptr_t) from < bytes;
}

static bool
is_blank(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	return from == to;
}

static enum MHD_Result
on_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t n_name, const char *value, size_t n_value)
{
	struct reading *r = arg;
	struct http_head *head = &r->head;

	(void) kind;
	smuggling_field(&head->framing, slice_of(name, n_name), value != NULL ? slice_of(value, n_value) : SLICE(""));
	head->has_gap = head->has_gap || !is_near(name, r->end + 1, 2) ||
		!is_near(value, name + n_name + 1, head->bytes) || !is_blank(name + n_name + 1, value);
	r->end = value + n_value;
	return MHD_YES;
}

static enum MHD_Result
on_argument(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const char **first = arg;

	(void) kind;
	(void) value;
	*first = name;
	return MHD_NO;
}

/* Behind a path there is its query, or the version. */
static bool
is_whole(struct MHD_Connection *library, const char *path, const char *version)
{
	const char *end = path + strlen(path) + 1, *query = NULL;

	MHD_get_connection_values(library, MHD_GET_ARGUMENT_KIND, on_argument, &query);
	return query != NULL ? query == end : is_near(version, end, 2);
}

struct http_head
http_fields_head(struct MHD_Connection *library, const char *method, const char *path, const char *version)
{
	struct reading r = {.end = version + strlen(version)};
	struct http_head *head = &r.head;

	head->bytes = MHD_get_connection_info(library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
	head->has_gap = !is_whole(library, path, version);
	smuggling_line(&head->framing, slice_str(path));
	MHD_get_connection_values_n(library, MHD_HEADER_KIND, on_field, &r);
	head->has_gap = head->has_gap || !is_near(method + head->bytes, r.end + 2, 3);
	/* Behind all text the library keeps a record of each field, so there is a byte to look at. */
	head->has_more = head->framing.hosts > 0 && method[head->bytes] != '\0';
	return *head;
}

static enum MHD_Result
on_upgrade(void *arg, enum MHD_ValueKind kind, const char *name, size_t n_name, const char *value, size_t n_value)
{
	(void) kind;
	upgrade_field(arg, slice_of(name, n_name), value != NULL ? slice_of(value, n_value) : SLICE(""));
	return MHD_YES;
}

enum upgrade_verdict
http_upgrade(const struct http_request *rq, const struct upgrade_rules *rules, struct upgrade *u)
{
	upgrade_begin(u, rules, rq->method, rq->path, rq->version);
	MHD_get_connection_values_n(rq->library, MHD_HEADER_KIND, on_upgrade, u);
	return upgrade_judge(u);
}

static enum MHD_Result
on_proxied(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void) kind;
	proxied_field(arg, slice_str(name), slice_str(value != NULL ? value : ""));
	return MHD_YES;
}

void
http_proxied(const struct http_request *rq, struct proxied *p)
{
	MHD_get_connection_values(rq->library, MHD_HEADER_KIND, on_proxied, p);
}
