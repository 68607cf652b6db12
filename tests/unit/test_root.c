#include "unit.h"

#include "proto/xml/root.h"

/* The root of <name> with these declarations, "prefix=uri", as they are in its header. */
static struct root *
find(struct root_pool *pool, const char *name, const char *first, const char *second)
{
	struct namespaces declared = {.at = NULL};
	const char *const texts[] = {first, second};

	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *equals = texts[i] != NULL ? strchr(texts[i], '=') : NULL;
		if (equals != NULL)
			namespaces_add(
				&declared, slice_of(texts[i], (size_t) (equals - texts[i])), slice_str(equals + 1));
	}
	struct root *r = root_find(pool, slice_str(name), &declared);
	assert_null(declared.at);
	return r;
}

static void
the_same_are_one(void **state)
{
	struct root_pool *pool = root_pool_new();
	struct root *a = find(pool, "s:s", "=u", "s=v"), *b = find(pool, "s:s", "s=v", "=u");
	struct root *others[] = {find(pool, "s", "=u", "s=v"), find(pool, "s:s", "=u", NULL),
		find(pool, "s:s", "=u", "s=w"), find(pool, "s:s", "=u", "t=v"), find(pool, "s:s", "=v", "s=u"),
		find(NULL, "s:s", "=u", "s=v")};

	(void) state;
	assert_ptr_equal(a, b);
	assert_slice(root_tag(a), "<s:s xmlns='u' xmlns:s='v'>");
	assert_int_equal(root_declared(a)->n, 2);
	assert_int_equal(namespaces_find(root_declared(a), SLICE("s"), SLICE("v")), 2);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_ptr_not_equal(a, others[i]);
		root_unref(others[i]);
	}
	root_unref(a);
	assert_slice(root_tag(b), "<s:s xmlns='u' xmlns:s='v'>");
	assert_ptr_equal(root_ref(b), b);
	root_unref(b);
	assert_ptr_equal(a = find(pool, "s:s", "=u", "s=v"), b);
	root_unref(a);
	root_unref(b);
	root_unref(NULL);
	root_pool_free(pool);
	root_pool_free(NULL);
}

static void
nothing_declared(void **state)
{
	struct root *r = find(NULL, "r", NULL, NULL);

	(void) state;
	assert_slice(root_tag(r), "<r>");
	assert_int_equal(root_declared(r)->n, 0);
	root_unref(r);
}

/* Someone who opens streams with ever other roots does not fill the pool: the rest of them stand alone. */
static void
full_pool(void **state)
{
	enum { MANY = 100 };
	struct root_pool *pool = root_pool_new();
	struct root *r[MANY], *again;
	unsigned shared = 0;

	(void) state;
	for (unsigned i = 0; i < MANY; i++) {
		char uri[20];
		snprintf(uri, sizeof uri, "=u%u", i);
		r[i] = find(pool, "s", uri, NULL);
		again = find(pool, "s", uri, NULL);
		shared += again == r[i];
		root_unref(again);
	}
	assert_int_equal(shared, 64);
	/* One that goes makes room. */
	root_unref(r[0]);
	r[0] = find(pool, "s", "=new", NULL);
	again = find(pool, "s", "=new", NULL);
	assert_ptr_equal(again, r[0]);
	root_unref(again);
	for (unsigned i = 0; i < MANY; i++)
		root_unref(r[i]);
	root_pool_free(pool);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_are_one),
		cmocka_unit_test(nothing_declared),
		cmocka_unit_test(full_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
