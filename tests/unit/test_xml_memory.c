/* What expat allocates: counted by the chunk, refused at both bounds, and all given back. */
#include "unit.h"

#include "proto/xml/xml_memory.h"

#define CHUNK XML_MEMORY_CHUNK
#define FRONT 48 /* bytes in front of a chunk's blocks, at most */

/* Small blocks share a chunk; large ones have their own. */
static void
test_counts(void **state)
{
	struct xml_memory m = {.budget = NULL};
	size_t large;
	char *a, *b;

	(void) state;
	xml_memory_begin(&m, 100000);
	xml_memory_use(&m);
	a = xml_memory_alloc(100);
	assert_non_null(a);
	assert_int_equal((uintptr_t) a % _Alignof(max_align_t), 0);
	assert_int_equal(m.held, CHUNK);
	memset(a, 'a', 100);
	b = xml_memory_realloc(NULL, 50);
	memset(b, 'b', 50);
	assert_int_equal(m.held, CHUNK);
	a = xml_memory_realloc(a, 5000);
	large = m.held - CHUNK;
	assert_in_range(large, 5000, 5000 + 16 + FRONT);
	assert_int_equal(a[0] == 'a' && a[99] == 'a', true);
	a = xml_memory_realloc(a, 10);
	assert_int_equal(a[0] == 'a' && a[9] == 'a', true);
	assert_int_equal(m.held, CHUNK);
	xml_memory_free(NULL);
	xml_memory_free(a);
	assert_int_equal(m.held, CHUNK);
	assert_int_equal(b[0] == 'b' && b[49] == 'b', true);
	xml_memory_free(b);
	assert_int_equal(m.held, 0);
	assert_int_equal(m.refusal, XML_MEMORY_GIVEN);
}

/* Many blocks of any size, in any order: each keeps its bytes, whatever the others do. */
static void
test_blocks(void **state)
{
	enum { N = 500 };
	struct xml_memory m = {.max = SIZE_MAX};
	unsigned char *block[N] = {NULL};
	size_t n[N] = {0};
	uint32_t seed = 1;

	(void) state;
	xml_memory_use(&m);
	for (unsigned turn = 0; turn < 20000; turn++) {
		unsigned i = (seed = seed * 1664525 + 1013904223) % N;
		size_t size = (seed >> 16) % (turn % 50 == 0 ? 20000 : 300);
		for (size_t at = 0; at < n[i]; at += 7)
			assert_int_equal(block[i][at], i % 251);
		if (seed >> 31) {
			xml_memory_free(block[i]);
			block[i] = NULL;
			n[i] = 0;
			continue;
		}
		block[i] = xml_memory_realloc(block[i], size);
		assert_non_null(block[i]);
		memset(block[i], (int) (i % 251), size);
		n[i] = size;
	}
	for (unsigned i = 0; i < N; i++)
		xml_memory_free(block[i]);
	assert_int_equal(m.held, 0);
}

/* A block that could not grow is still there, and still counted. */
static void
test_bound(void **state)
{
	struct xml_memory m = {.budget = NULL};
	size_t held;
	char *a;

	(void) state;
	xml_memory_begin(&m, 50000);
	xml_memory_use(&m);
	assert_null(xml_memory_alloc(50000));
	assert_int_equal(m.refusal, XML_MEMORY_BOUND);
	assert_int_equal(m.held, 0);
	xml_memory_begin(&m, 50000);
	assert_int_equal(m.refusal, XML_MEMORY_GIVEN);
	a = xml_memory_alloc(40000);
	assert_non_null(a);
	held = m.held;
	a[0] = 'x';
	assert_null(xml_memory_realloc(a, 50000));
	assert_null(xml_memory_alloc(0));
	assert_null(xml_memory_alloc(SIZE_MAX));
	assert_null(xml_memory_realloc(a, SIZE_MAX));
	assert_int_equal(m.refusal, XML_MEMORY_BOUND);
	assert_int_equal(m.held, held);
	assert_int_equal(a[0], 'x');
	/* The next document may take less, and what is there stays. */
	xml_memory_begin(&m, 10);
	assert_null(xml_memory_alloc(1));
	xml_memory_free(a);
	assert_int_equal(m.held, 0);
}

/* What is beyond the reader's own counts for all, and is refused when too little is left. */
static void
test_budget(void **state)
{
	struct budget_pool pool = {.max = 1000000};
	struct budget budget = {.pool = &pool};
	struct xml_memory m = {.budget = &budget};
	size_t others = 0;
	char *own, *more;

	(void) state;
	xml_memory_begin(&m, SIZE_MAX);
	xml_memory_use(&m);
	budget_move(&budget, &others, 1000000);
	own = xml_memory_alloc(XML_MEMORY_OWN - FRONT);
	assert_non_null(own);
	assert_int_equal(budget_used(&budget), 1000000);
	more = xml_memory_alloc(BUDGET_LITTLE);
	assert_null(more);
	assert_int_equal(m.refusal, XML_MEMORY_ROOM);
	assert_int_equal(budget_used(&budget), 1000000);
	budget_move(&budget, &others, 0);
	xml_memory_begin(&m, SIZE_MAX);
	assert_null(xml_memory_alloc(375001));
	more = xml_memory_alloc(375000 - FRONT);
	assert_non_null(more);
	assert_in_range(budget_used(&budget), 375000 - 2 * FRONT, 375000);
	/* It is the next chunk that would pass the share, whoever has taken the first. */
	assert_null(xml_memory_alloc(1));
	xml_memory_free(own);
	assert_in_range(budget_used(&budget), 375000 - XML_MEMORY_OWN - 2 * FRONT, 375000 - XML_MEMORY_OWN);
	xml_memory_free(more);
	assert_int_equal(budget_used(&budget), 0);
	assert_int_equal(m.held, 0);
}

/* Two readers of a thread: a block stays with its own, whoever is at work. */
static void
test_owner(void **state)
{
	struct xml_memory a = {.max = 100000}, b = {.max = 100000};
	char *p;

	(void) state;
	xml_memory_use(&a);
	p = xml_memory_alloc(100);
	xml_memory_use(&b);
	p = xml_memory_realloc(p, 200);
	assert_int_equal(a.held, CHUNK);
	assert_int_equal(b.held, 0);
	xml_memory_free(p);
	assert_int_equal(a.held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
