#include "unit.h"

#include "proto/net/departures.h"

#define SERVER SLICE("xmpp.example:5222")

/* An IPv4 client by its last byte; from 256 on, IPv6 by the last byte of its network. */
static const unsigned char *
at(unsigned client)
{
	static unsigned char address[NETWORK_BYTES];
	char text[NETWORK_TEXT];

	if (client < 256)
		snprintf(text, sizeof text, "192.0.2.%u", client);
	else
		snprintf(text, sizeof text, "2001:db8:0:%x::%x", (client >> 8) & 0xff, client & 0xff);
	assert_true(network_address(slice_str(text), address));
	return address;
}

/* One after the other, as they asked; nobody waits while there is room. */
static void
one_by_one(void **state)
{
	struct departures *t = departures_new(1);
	struct departure a = {0}, b = {0}, c = {0}, d = {0};

	(void) state;
	assert_true(departures_ask(t, &a, SERVER, 2, at(1), 20000));
	assert_true(departures_ask(t, &b, SERVER, 2, at(2), 20000));
	assert_false(departures_ask(t, &c, SERVER, 2, at(3), 20000));
	assert_false(departures_ask(t, &d, SERVER, 2, at(4), 20000));
	assert_int_equal(departures_waiting(&c), 2);
	assert_null(departures_next(t, 0));
	departures_end(t, &a);
	assert_ptr_equal(departures_next(t, 0), &c);
	assert_int_equal(c.state, DEPARTURE_GOING);
	assert_null(departures_next(t, 0));
	departures_end(t, &b);
	departures_end(t, &c);
	assert_ptr_equal(departures_next(t, 0), &d);
	assert_null(departures_next(t, 0));
	departures_end(t, &d);
	departures_end(t, &d); /* nothing is left to end */
	departures_free(t);
}

/* Other servers do not wait for this one. */
static void
servers(void **state)
{
	struct departures *t = departures_new(1);
	struct departure a = {0}, b = {0}, c = {0}, many[100] = {0};

	(void) state;
	assert_true(departures_ask(t, &a, SERVER, 1, at(1), MS_NEVER));
	assert_false(departures_ask(t, &b, SERVER, 1, at(1), MS_NEVER));
	assert_true(departures_ask(t, &c, SLICE("other.example:5222"), 1, at(1), MS_NEVER));
	for (size_t i = 0; i < COUNT(many); i++)
		assert_true(departures_ask(t, &many[i], SLICE("any.example:5222"), 0, at(1), MS_NEVER));
	for (size_t i = 0; i < COUNT(many); i++)
		departures_end(t, &many[i]);
	departures_end(t, &c);
	assert_null(departures_next(t, 0));
	departures_end(t, &a);
	assert_ptr_equal(departures_next(t, 0), &b);
	departures_end(t, &b);
	departures_free(t);
}

/* A client with many does not keep the others waiting. */
static void
fair(void **state)
{
	static const unsigned clients[] = {1, 1, 1, 1, 2, 3, 3, 0x101, 0x102, 0x201};
	/* The last two addresses of the network 2001:db8:0:1 are one client. */
	static const size_t order[] = {0, 4, 5, 7, 9, 1, 6, 8, 2, 3};
	struct departures *t = departures_new(1);
	struct departure first = {0}, turn[COUNT(clients)] = {0};

	(void) state;
	assert_true(departures_ask(t, &first, SERVER, 1, at(9), MS_NEVER));
	for (size_t i = 0; i < COUNT(clients); i++)
		assert_false(departures_ask(t, &turn[i], SERVER, 1, at(clients[i]), MS_NEVER));
	departures_end(t, &first);
	for (size_t i = 0; i < COUNT(order); i++) {
		struct departure *next = departures_next(t, 0);
		assert_ptr_equal(next, &turn[order[i]]);
		assert_null(departures_next(t, 0));
		departures_end(t, next);
	}
	departures_free(t);
}

/* Who has waited too long is dropped first, and so is who could not be connected in time any more. */
static void
late(void **state)
{
	struct departures *t = departures_new(1);
	struct departure a = {0}, b = {0}, c = {0}, d = {0}, e = {0};

	(void) state;
	assert_int_equal(departures_deadline(t), MS_NEVER);
	assert_true(departures_ask(t, &a, SERVER, 1, at(1), 5000));
	assert_int_equal(departures_deadline(t), MS_NEVER);
	assert_false(departures_ask(t, &b, SERVER, 1, at(2), 5000));
	assert_false(departures_ask(t, &c, SERVER, 1, at(2), 5500));
	assert_false(departures_ask(t, &d, SERVER, 1, at(3), 6000));
	assert_false(departures_ask(t, &e, SERVER, 1, at(4), 9000));
	assert_int_equal(departures_deadline(t), 5000);
	assert_null(departures_next(t, 4999));
	assert_ptr_equal(departures_next(t, 5000), &b);
	assert_int_equal(b.state, DEPARTURE_LATE);
	assert_null(departures_next(t, 5001));
	assert_int_equal(departures_deadline(t), 5500);
	departures_end(t, &a);
	assert_ptr_equal(departures_next(t, 5100), &c);
	assert_int_equal(c.state, DEPARTURE_LATE);
	assert_ptr_equal(departures_next(t, 5100), &d);
	assert_int_equal(d.state, DEPARTURE_LATE);
	assert_ptr_equal(departures_next(t, 5100), &e);
	assert_int_equal(e.state, DEPARTURE_GOING);
	assert_int_equal(departures_deadline(t), MS_NEVER);
	departures_end(t, &b);
	departures_end(t, &e);
	assert_null(departures_next(t, 5100));
	/* One that was late may ask again. */
	assert_true(departures_ask(t, &c, SERVER, 1, at(2), 9000));
	departures_end(t, &c);
	departures_free(t);
}

/* Who leaves while it waits is passed over, and gives its place back while it goes. */
static void
gone(void **state)
{
	struct departures *t = departures_new(1);
	struct departure a = {0}, b = {0}, c = {0}, none = {0};

	(void) state;
	departures_end(t, &none);
	assert_true(departures_ask(t, &a, SERVER, 1, at(1), MS_NEVER));
	assert_false(departures_ask(t, &b, SERVER, 1, at(1), 5000));
	assert_false(departures_ask(t, &c, SERVER, 1, at(1), MS_NEVER));
	departures_end(t, &b);
	assert_int_equal(departures_deadline(t), MS_NEVER);
	departures_end(t, &a);
	departures_end(t, &c);
	assert_null(departures_next(t, 9999));
	departures_free(t);
}

/* A reload gives more places, or fewer; who asks next brings it. */
static void
limits(void **state)
{
	struct departures *t = departures_new(1);
	struct departure a = {0}, b = {0}, c = {0}, d = {0};

	(void) state;
	assert_true(departures_ask(t, &a, SERVER, 1, at(1), MS_NEVER));
	assert_false(departures_ask(t, &b, SERVER, 1, at(2), MS_NEVER));
	assert_false(departures_ask(t, &c, SERVER, 2, at(3), MS_NEVER)); /* not past who waits already */
	assert_ptr_equal(departures_next(t, 0), &b);
	assert_null(departures_next(t, 0));
	assert_false(departures_ask(t, &d, SERVER, 1, at(4), MS_NEVER));
	departures_end(t, &a);
	assert_null(departures_next(t, 0));
	departures_end(t, &b);
	assert_ptr_equal(departures_next(t, 0), &c);
	departures_end(t, &c);
	departures_end(t, &d);
	departures_free(t);
}

/* 2,000 clients that come back at once: 50 at a time, and each of them once. */
static void
storm(void **state)
{
	static struct departure turn[2000];
	struct departures *t = departures_new(1);
	size_t going = 0, done = 0, from = 0;
	struct departure *next;

	(void) state;
	for (size_t i = 0; i < COUNT(turn); i++)
		going += departures_ask(t, &turn[i], SERVER, 50, at((unsigned) i % 256), 20000);
	assert_int_equal(going, 50);
	while (done < COUNT(turn)) {
		while (turn[from].state != DEPARTURE_GOING)
			from = (from + 1) % COUNT(turn);
		departures_end(t, &turn[from]);
		done++;
		going--;
		while ((next = departures_next(t, 1000)) != NULL) {
			assert_int_equal(next->state, DEPARTURE_GOING);
			going++;
		}
		assert_true(going <= 50);
		assert_int_equal(going, COUNT(turn) - done < 50 ? COUNT(turn) - done : 50);
	}
	departures_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(servers),
		cmocka_unit_test(fair),
		cmocka_unit_test(late),
		cmocka_unit_test(gone),
		cmocka_unit_test(limits),
		cmocka_unit_test(storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
