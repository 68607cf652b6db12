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

static enum MHD_Result
on_framing(void *arg, enum MHD_ValueKind kind, const char *name, size_t n_name, const char *value, size_t n_value)
{
	(void) kind;
	smuggling_field(arg, slice_of(name, n_name), value != NULL ? slice_of(value, n_value) : SLICE(""));
	return MHD_YES;
}

struct smuggling
http_fields_smuggling(struct MHD_Connection *library, uint64_t *bytes)
{
	struct smuggling f = {.length = 0};

	*bytes = MHD_get_connection_info(library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
	MHD_get_connection_values_n(library, MHD_HEADER_KIND, on_framing, &f);
	return f;
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
