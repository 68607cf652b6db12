#include "session/admission.h"

#include "unit.h"

struct fixture {
	struct quota *quota;
	struct log log;
	struct counters counters;
	struct admission admission;
	char line[LOG_LINE]; /* the last one */
	unsigned lines;
};

static void
sink(void *arg, enum log_level level, struct slice line)
{
	struct fixture *f = arg;

	assert_int_equal(level, LOG_NOTICE);
	snprintf(f->line, sizeof f->line, "%.*s", SLICE_ARG(line));
	f->lines++;
}

static void
set_up(struct fixture *f, struct quota_rules rules)
{
	*f = (struct fixture){.quota = quota_new(7, NULL), .log = {.level = LOG_INFO, .arg = f, .sink = sink}};
	quota_set_rules(f->quota, rules);
	f->admission = (struct admission){f->quota, &f->log, &f->counters};
}

static struct peer
peer_at(const char *text)
{
	struct peer peer = {.is_client = true};
	unsigned char address[NETWORK_BYTES];

	assert_true(network_address(slice_str(text), address));
	peer_set_address(&peer, address, 4711);
	return peer;
}

/* Who is let in is not told of, and not counted. */
static void
let_in(void **state)
{
	struct fixture f;
	struct peer peer = peer_at("192.0.2.1");
	struct quota_ticket ticket;
	unsigned seconds = 99;

	(void) state;
	set_up(&f, (struct quota_rules){.sessions = 1, .failures_per_minute = 2});
	assert_true(admission_ask(&f.admission, &peer, 0, &seconds));
	assert_int_equal(seconds, 0);
	assert_true(admission_enter(&f.admission, &peer, 0, &ticket, &seconds));
	assert_true(admission_failed(&f.admission, &peer, &ticket, 0));
	assert_int_equal(f.lines, 0);
	assert_int_equal(f.counters.limited_sessions + f.counters.limited_failures, 0);
	quota_leave(f.quota, &ticket);
	quota_free(f.quota);
}

/* Each limit has its name in the log and its counter; an address is told of once in a minute, and counted each time. */
static void
refused(void **state)
{
	static const struct row {
		struct quota_rules rules;
		unsigned room, seconds;
		const char *limit;
		size_t counter;
	} rows[] = {
		{{.sessions = 1}, 0, 10, "limits.sessions", offsetof(struct counters, limited_sessions)},
		{{.sessions = 2}, 1, 10, "nofile", offsetof(struct counters, limited_sessions)},
		{{.sessions_per_address = 1}, 0, 10, "limits.sessions_per_address",
			offsetof(struct counters, limited_per_address)},
		{{.new_per_second = 1}, 0, 1, "limits.new_sessions_per_second",
			offsetof(struct counters, limited_per_second)},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct peer peer = peer_at("192.0.2.1");
		struct quota_ticket ticket, none;
		unsigned seconds = 99;
		char want[128];
		_Atomic uint64_t *counter;
		set_up(&f, rows[i].rules);
		quota_set_room(f.quota, rows[i].room);
		counter = (_Atomic uint64_t *) (void *) ((char *) &f.counters + rows[i].counter);
		assert_true(admission_enter(&f.admission, &peer, 0, &ticket, &seconds));
		assert_int_equal(seconds, 0);
		assert_false(admission_ask(&f.admission, &peer, 0, &seconds));
		assert_int_equal(seconds, rows[i].seconds);
		snprintf(want, sizeof want, "limit reached client=192.0.2.1:4711 limit=%s", rows[i].limit);
		assert_string_equal(f.line, want);
		assert_false(admission_enter(&f.admission, &peer, 1, &none, &seconds));
		/* A part of a second is a second: who comes again then is not refused. */
		assert_int_equal(seconds, rows[i].seconds);
		assert_int_equal(f.lines, 1);
		assert_int_equal(*counter, 2);
		quota_leave(f.quota, &ticket);
		quota_free(f.quota);
	}
}

static void
failed(void **state)
{
	struct fixture f;
	struct peer peer = peer_at("2001:db8::1"), neighbour = peer_at("2001:db8::2"),
		    other = peer_at("2001:db8:0:1::1");
	struct quota_ticket ticket, another;
	unsigned seconds;

	(void) state;
	set_up(&f, (struct quota_rules){.failures_per_minute = 2});
	assert_true(admission_enter(&f.admission, &peer, 0, &ticket, &seconds));
	assert_true(admission_failed(&f.admission, &peer, &ticket, 0));
	assert_false(admission_failed(&f.admission, &peer, &ticket, 0));
	assert_string_equal(f.line, "limit reached client=[2001:db8::1]:4711 limit=limits.auth_failures_per_minute");
	assert_false(admission_ask(&f.admission, &neighbour, 1500, &seconds));
	assert_int_equal(seconds, 29);
	assert_true(admission_enter(&f.admission, &other, 1500, &another, &seconds));
	assert_int_equal(f.counters.limited_failures, 2);
	assert_int_equal(f.lines, 1);
	quota_leave(f.quota, &ticket);
	quota_leave(f.quota, &another);
	quota_free(f.quota);
}

/* What a line shows of an address is the log's matter. */
static void
shortened(void **state)
{
	struct fixture f;
	struct peer peer = peer_at("192.0.2.1");
	struct quota_ticket ticket;
	unsigned seconds;

	(void) state;
	set_up(&f, (struct quota_rules){.sessions = 1});
	f.log.addresses = LOG_ADDRESSES_NETWORK;
	assert_true(admission_enter(&f.admission, &peer, 0, &ticket, &seconds));
	assert_false(admission_ask(&f.admission, &peer, 0, &seconds));
	assert_string_equal(f.line, "limit reached client=192.0.2.0/24 limit=limits.sessions");
	quota_leave(f.quota, &ticket);
	quota_free(f.quota);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(let_in),
		cmocka_unit_test(refused),
		cmocka_unit_test(failed),
		cmocka_unit_test(shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
