#include "unit.h"

#include <stdio.h>

#include "proto/net/srv.h"

/* Random numbers that are none: one after the other. */
struct numbers {
	const uint32_t *v;
	size_t n, at;
};

static uint32_t
next_number(void *arg)
{
	struct numbers *numbers = arg;

	assert_true(numbers->at < numbers->n);
	return numbers->v[numbers->at++];
}

static uint32_t
count_up(void *arg)
{
	uint32_t *number = arg;

	*number = *number * 1664525u + 1013904223u;
	return *number >> 8;
}

static struct srv_record
record(uint16_t priority, uint16_t weight, const char *host)
{
	struct srv_record r = {.priority = priority, .weight = weight, .port = 5222};

	snprintf(r.host, sizeof r.host, "%s", host);
	return r;
}

static void
expect(const struct srv_record *r, size_t n, const char *hosts)
{
	char text[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		at += (size_t) snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? " " : "", r[i].host);
	assert_string_equal(text, hosts);
}

/* Both services count as one set (XEP-0368, 3). */
static void
by_priority(void **state)
{
	struct srv_record r[] = {record(30, 0, "c"), record(10, 5, "a"), record(20, 100, "b"), record(40, 1, "d")};
	struct numbers none = {NULL, 0, 0};

	(void) state;
	r[1].tls_direct = r[3].tls_direct = true;
	srv_order(r, 4, next_number, &none);
	expect(r, 4, "a b c d");
	assert_true(r[0].tls_direct && !r[1].tls_direct && !r[2].tls_direct && r[3].tls_direct);
}

/* RFC 2782: running sums 0, 1, 4, 10; the first that is not less than the number; then again among those left. */
static void
by_weight(void **state)
{
	static const struct {
		uint32_t numbers[3];
		const char *hosts;
	} cases[] = {
		{{0, 0, 0}, "none one three six"}, {{1, 0, 0}, "one none three six"}, {{4, 0, 0}, "three none one six"},
		{{5, 4, 1}, "six three one none"}, {{10, 4, 0}, "six three none one"},
		{{11, 0, 0}, "none one three six"}, /* 11 % 11 */
	};

	(void) state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct srv_record r[] = {
			record(1, 1, "one"), record(1, 3, "three"), record(1, 6, "six"), record(1, 0, "none")};
		struct numbers numbers = {cases[i].numbers, 3, 0};
		srv_order(r, 4, next_number, &numbers);
		expect(r, 4, cases[i].hosts);
	}
}

/* Over many choices, as often as their weight says. */
static void
shares(void **state)
{
	uint32_t seed = 1;
	unsigned heavy = 0;

	(void) state;
	for (int i = 0; i < 10000; i++) {
		struct srv_record r[] = {record(5, 10, "light"), record(5, 90, "heavy"), record(9, 60000, "last")};
		srv_order(r, 3, count_up, &seed);
		heavy += strcmp(r[0].host, "heavy") == 0;
		assert_string_equal(r[2].host, "last");
	}
	assert_in_range(heavy, 8700, 9200);
}

static void
largest_weights(void **state)
{
	struct srv_record r[SRV_MAX];
	uint32_t seed = 7;

	(void) state;
	for (size_t i = 0; i < SRV_MAX; i++) {
		r[i] = record(0, UINT16_MAX, "");
		snprintf(r[i].host, sizeof r[i].host, "%zu", i);
	}
	srv_order(r, SRV_MAX, count_up, &seed);
	for (size_t i = 0; i < SRV_MAX; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(r[i].host, r[k].host);
	srv_order(r, 0, count_up, &seed);
}

static void
outcomes(void **state)
{
	struct srv_record r[] = {record(1, 1, ""), record(2, 2, "a"), record(3, 3, "b")};
	size_t n = 0;

	(void) state;
	assert_int_equal(srv_judge(r, &n), SRV_NONE);
	n = 1;
	assert_int_equal(srv_judge(r, &n), SRV_NOT_OFFERED);
	assert_int_equal(n, 0);
	/* One of both services is not offered: the other is. */
	n = 2;
	assert_int_equal(srv_judge(r, &n), SRV_FOUND);
	assert_int_equal(n, 1);
	assert_string_equal(r[0].host, "a");
	/* Nobody listens at port 0. */
	r[0].port = 0;
	r[1] = r[2];
	n = 2;
	assert_int_equal(srv_judge(r, &n), SRV_FOUND);
	expect(r, n, "b");
	r[0].port = 0;
	assert_int_equal(srv_judge(r, &n), SRV_NONE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_priority),
		cmocka_unit_test(by_weight),
		cmocka_unit_test(shares),
		cmocka_unit_test(largest_weights),
		cmocka_unit_test(outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
