/* The stages of a request; how long they may take is shown by e2e tests, where the kernel counts bytes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

/* Parts of the daemon, not of libcore.a, but they need nothing else. */
#include "io/pace.c"
#include "io/tcp_info.c"

#define UPLOAD_MS 300000
#define UPLOAD_RATE 2048

static const struct conf_limits limits = {.header_timeout = 500, .upload_time = UPLOAD_MS, .upload_rate = UPLOAD_RATE};

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
	assert_false(pace_is_late(&p, &limits, 1500));
	assert_true(pace_is_late(&p, &limits, 1501));
	pace_head(&p, 100, false, 2000);
	for (ms_t now = 2000; now <= 2000 + UPLOAD_MS; now += 5000) {
		p.consumed += 5 * UPLOAD_RATE;
		assert_false(pace_is_late(&p, &limits, now));
	}
	p.consumed += UPLOAD_MS * UPLOAD_RATE;
	assert_true(pace_is_late(&p, &limits, 2000 + UPLOAD_MS + 1));
	pace_ask(&p);
	assert_false(pace_is_late(&p, &limits, 1000000));
	pace_hold(&p);
	assert_false(pace_is_late(&p, &limits, 1000000));
	pace_answer(&p);
	assert_false(pace_is_late(&p, &limits, 1000000));
	pace_next(&p);
	assert_false(pace_is_late(&p, &limits, 1000000));
}

/* A body that comes too slowly, a silent one in the end, and one that may take any time. */
static void
slow_body(void **state)
{
	static const struct conf_limits none = {.header_timeout = 500};
	struct pace p;

	(void) state;
	pace_init(&p, -1, NULL, 1000);
	pace_head(&p, 100, false, 2000);
	p.consumed += UPLOAD_RATE;
	assert_false(pace_is_late(&p, &limits, 7000));
	p.consumed += UPLOAD_RATE;
	assert_true(pace_is_late(&p, &limits, 12000));
	p.consumed++;
	assert_false(pace_is_late(&p, &none, 2000 + UPLOAD_MS));
	assert_false(pace_is_late(&p, &none, 2000 + UPLOAD_MS + RATE_SILENCE - 1));
	assert_true(pace_is_late(&p, &none, 2000 + UPLOAD_MS + RATE_SILENCE));
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

/* Where nobody counts, the next head shows by what was told of it, and not by what is read already. */
static void
uncounted(void **state)
{
	struct pace p;
	int fds[2];
	char byte;

	(void) state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pace_init(&p, fds[0], NULL, 1000);
	pace_head(&p, 100, false, 1000);
	pace_next(&p);
	pace_arrive(&p, 2000);
	assert_false(pace_is_late(&p, &limits, 3000));
	assert_int_equal(write(fds[1], "P", 1), 1);
	pace_arrive(&p, 4000);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_false(pace_is_late(&p, &limits, 4500));
	/* Another byte wins no time. */
	assert_int_equal(write(fds[1], "O", 1), 1);
	pace_arrive(&p, 4400);
	assert_true(pace_is_late(&p, &limits, 4501));
	pace_head(&p, 100, false, 4502);
	pace_next(&p);
	assert_false(pace_is_late(&p, &limits, 9000));
	close(fds[0]);
	close(fds[1]);
}

/* A connection by TCP; fds[0] is ours. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *) &address, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &n), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *) &address, n), 0);
	fds[0] = accept(listener, NULL, NULL);
	assert_true(fds[0] >= 0);
	close(listener);
}

/* Sends text and reads it at the other end. */
static void
pass(const int fds[2], const char *text)
{
	char bytes[64];
	size_t n = strlen(text);

	assert_int_equal(send(fds[1], text, n, 0), (ssize_t) n);
	assert_int_equal(recv(fds[0], bytes, n, MSG_WAITALL), (ssize_t) n);
}

/* A single byte is the beginning of a head; a line end that came with a body is none. */
static void
counted(void **state)
{
	struct pace p;
	int fds[2];

	(void) state;
	tcp_pair(fds);
	pass(fds, "0123456789\r\n");
	pace_init(&p, fds[0], NULL, 1000);
	pace_head(&p, 10, false, 1000);
	pace_next(&p);
	assert_false(pace_is_late(&p, &limits, 2000));
	assert_false(pace_is_late(&p, &limits, 9000));
	pass(fds, "P");
	assert_false(pace_is_late(&p, &limits, 10000));
	assert_false(pace_is_late(&p, &limits, 10500));
	assert_true(pace_is_late(&p, &limits, 10501));
	pass(fds, "OST 567890\r\n\r\n");
	pace_head(&p, 11, false, 11000);
	pace_next(&p);
	/* Two of them are not the line end of a body. */
	assert_false(pace_is_late(&p, &limits, 12000));
	assert_true(pace_is_late(&p, &limits, 12501));
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
		cmocka_unit_test(slow_body),
		cmocka_unit_test(read_out),
		cmocka_unit_test(uncounted),
		cmocka_unit_test(counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
