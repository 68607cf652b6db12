/* The stages of a request; how long they may take is shown by e2e tests, where the kernel counts bytes. */
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

/* Parts of the daemon, not of libcore.a, but they need nothing else. */
#include "io/pace.c"
#include "io/tcp_info.c"

static struct pace
begin(void)
{
	struct pace p;

	pace_init(&p, -1, NULL, 1000);
	assert_false(pace_is_unanswered(&p));
	pace_head(&p, 100, false, 1000);
	assert_false(pace_is_unanswered(&p));
	pace_ask(&p);
	assert_true(pace_is_unanswered(&p));
	assert_false(pace_is_suspended(&p));
	return p;
}

static void
end(struct pace *p)
{
	assert_false(pace_is_unanswered(p));
	assert_false(pace_is_suspended(p));
	pace_next(p);
	assert_int_equal(p->stage, PACE_HEAD);
}

static void
at_once(void **state)
{
	struct pace p = begin();

	(void) state;
	/* The library is at work on it, and need not be told. */
	assert_false(pace_answer(&p));
	end(&p);
}

static void
later(void **state)
{
	struct pace p = begin();

	(void) state;
	pace_hold(&p);
	assert_true(pace_is_unanswered(&p) && pace_is_suspended(&p));
	assert_true(pace_answer(&p));
	assert_true(!pace_is_unanswered(&p) && pace_is_suspended(&p));
	pace_run(&p);
	end(&p);
}

static void
upgrades(void **state)
{
	struct pace p = begin();

	(void) state;
	pace_take(&p);
	end(&p);
	/* One that was none: the rest is read, and it is asked again. */
	p = begin();
	pace_read_on(&p);
	assert_false(pace_is_unanswered(&p));
	pace_ask(&p);
	pace_answer(&p);
	end(&p);
}

/* A connection may be gone at any time. */
static void
gone(void **state)
{
	struct pace p = begin();

	(void) state;
	pace_next(&p);
	end(&p);
	p = begin();
	pace_hold(&p);
	pace_next(&p);
	end(&p);
	p = begin();
	pace_hold(&p);
	pace_answer(&p);
	pace_next(&p);
	end(&p);
}

/* Only reading takes time of the client's: a head once some of it is there, a body always. */
static void
late(void **state)
{
	struct pace p;

	(void) state;
	pace_init(&p, -1, NULL, 1000);
	assert_false(pace_is_late(&p, 500, 1500));
	assert_true(pace_is_late(&p, 500, 1501));
	pace_head(&p, 100, false, 2000);
	assert_false(pace_is_late(&p, 500, 2000 + BODY_MS));
	assert_true(pace_is_late(&p, 500, 2000 + BODY_MS + 1));
	pace_ask(&p);
	assert_false(pace_is_late(&p, 500, 1000000));
	pace_hold(&p);
	assert_false(pace_is_late(&p, 500, 1000000));
	pace_answer(&p);
	assert_false(pace_is_late(&p, 500, 1000000));
	pace_next(&p);
	assert_false(pace_is_late(&p, 500, 1000000));
}

/* Only while a request is read, and not before all that came was: the library may not have seen the end of it. */
static void
read_out(void **state)
{
	struct pace p;
	int fds[2];
	char byte;

	(void) state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pace_init(&p, fds[0], NULL, 1000);
	assert_true(pace_has_read_out(&p));
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_false(pace_has_read_out(&p));
	assert_int_equal(read(fds[0], &byte, 1), 1);
	pace_head(&p, 1, false, 1000);
	assert_true(pace_has_read_out(&p));
	pace_ask(&p);
	assert_false(pace_has_read_out(&p));
	pace_hold(&p);
	assert_false(pace_has_read_out(&p));
	pace_answer(&p);
	assert_false(pace_has_read_out(&p));
	pace_run(&p);
	assert_false(pace_has_read_out(&p));
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once),
		cmocka_unit_test(later),
		cmocka_unit_test(upgrades),
		cmocka_unit_test(gone),
		cmocka_unit_test(late),
		cmocka_unit_test(read_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
