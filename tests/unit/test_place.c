/* Where requests lead. */
#include "unit.h"

#include "proto/http/place.h"

static char path_1[] = "/xmpp-websocket", path_2[] = "/ws", path_3[] = "/http-bind", root[] = "/";
static char *const websocket[] = {path_1, path_2}, *const bosh[] = {path_3}, *const only_root[] = {root};
static const struct places both = {bosh, 1, websocket, 2};
static const struct places with_root = {only_root, 1, NULL, 0};
static const struct places none = {NULL, 0, NULL, 0};

static void
targets(void **state)
{
	static const struct {
		const char *target;
		enum place want;
	} rows[] = {
		{"/ws", PLACE_WEBSOCKET},
		{"/ws/", PLACE_WEBSOCKET},
		{"/ws?", PLACE_WEBSOCKET},
		{"/ws/?a=/b", PLACE_WEBSOCKET},
		{"/ws//", PLACE_OTHER},
		{"/ws/a", PLACE_OTHER},
		{"/WS", PLACE_OTHER},
		{"ws", PLACE_OTHER},
		{"", PLACE_OTHER},
		{"/", PLACE_OTHER},
		{"?", PLACE_OTHER},
		{"*", PLACE_OTHER},
		{"/xmpp-websocket", PLACE_WEBSOCKET},
		{"/xmpp-websocketx", PLACE_OTHER},
		{"/http-bind", PLACE_BOSH},
		{"/http-bind/?a", PLACE_BOSH},
		{"/http-bind%00", PLACE_OTHER},
		{"/http-bin", PLACE_OTHER},
		{"/%77s", PLACE_OTHER},
		{"http://h/ws", PLACE_WEBSOCKET},
		{"HTTP://h:80/ws/?x", PLACE_WEBSOCKET},
		{"https://h/http-bind", PLACE_BOSH},
		{"http://h/", PLACE_OTHER},
		{"http://h", PLACE_OTHER},
		{"http://h?/ws", PLACE_OTHER},
		{"http:///ws", PLACE_WEBSOCKET},
		{"http:/ws", PLACE_OTHER},
		{"ftp://h/ws", PLACE_OTHER},
		{"http://", PLACE_OTHER},
		{"//h/ws", PLACE_OTHER},
		{"http://h/http://h/ws", PLACE_OTHER},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice target = exact(slice_str(rows[i].target));
		assert_row(place_find(&both, target) == rows[i].want, rows[i].target);
		assert_row(place_find(&none, target) == PLACE_OTHER, rows[i].target);
		exact_free(target);
	}
	assert_int_equal(place_find(&with_root, SLICE("/")), PLACE_BOSH);
	assert_int_equal(place_find(&with_root, SLICE("/?x")), PLACE_BOSH);
	assert_int_equal(place_find(&both, SLICE("/ws\0")), PLACE_OTHER);
	assert_int_equal(place_find(&both, SLICE_NONE), PLACE_OTHER);
}

static void
paths(void **state)
{
	static const struct {
		const char *target, *path;
	} rows[] = {{"/a/b?c", "/a/b"}, {"/a?b?c", "/a"}, {"/%00?", "/%00"}, {"?", ""}, {"", ""}, {"*", "*"},
		{"http://h/a/b?c=/d", "/a/b"}, {"http://h", "/"}, {"http://h?a", "/"}, {"http://h?a=/b", "/"},
		{"https://u@h:1/", "/"}, {"/http://h/a", "/http://h/a"}};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice target = exact(slice_str(rows[i].target));
		assert_slice(place_path(target), rows[i].path);
		exact_free(target);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
