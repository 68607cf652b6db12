#include "unit.h"

#include "base/fdmap.h"

static unsigned n_freed;

static void
count(void *p)
{
	(void) p;
	n_freed++;
}

static void
put_and_take(void **state)
{
	struct fdmap m = {.n = 0};
	char a, b;

	(void) state;
	assert_null(fdmap_take(&m, 0));
	assert_null(fdmap_take(&m, -1));
	fdmap_put(&m, 3, &a);
	fdmap_put(&m, 1000, &b);
	assert_null(fdmap_take(&m, 4));
	assert_null(fdmap_take(&m, 100000));
	assert_ptr_equal(fdmap_take(&m, 3), &a);
	assert_null(fdmap_take(&m, 3));
	fdmap_put(&m, 3, &a);
	fdmap_put(&m, 3, &b);
	assert_ptr_equal(fdmap_take(&m, 3), &b);
	fdmap_put(&m, 0, &a);
	fdmap_fini(&m, count);
	assert_int_equal(n_freed, 2);
	assert_null(fdmap_take(&m, 1000));
	fdmap_fini(&m, NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(put_and_take)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
