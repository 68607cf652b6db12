#include "unit.h"

#include "base/state.h"

enum door { DOOR_SHUT, DOOR_OPEN };

static const struct state doors[] = {
	[DOOR_SHUT] = {"shut", STEP(DOOR_OPEN)},
	[DOOR_OPEN] = {"open", 0},
};

struct record {
	char line[200];
	enum log_level level;
	unsigned count;
};

static void
sink(void *arg, enum log_level level, struct slice line)
{
	struct record *r = arg;

	assert_true(line.n < sizeof r->line);
	memcpy(r->line, line.p, line.n);
	r->line[line.n] = '\0';
	r->level = level;
	r->count++;
}

static void
steps(void **state)
{
	struct record r = {.count = 0};
	struct log log = {.level = LOG_DEBUG, .arg = &r, .sink = sink};
	struct trace trace = {.log = &log, .kind = "house", .number = 7}, silent = {.kind = "house", .number = 8};
	struct trace part = {.log = &log, .kind = "floor", .number = 2, .of = &trace};

	(void) state;
	state_step(doors, "door", &trace, DOOR_SHUT, DOOR_OPEN);
	assert_string_equal(r.line, "state house=7 door=\"shut -> open\"");
	assert_int_equal(r.level, LOG_DEBUG);
	state_step(doors, "door", &part, DOOR_SHUT, DOOR_OPEN);
	assert_string_equal(r.line, "state house=7 floor=2 door=\"shut -> open\"");
	/* To stay is no step, even where none leads on. */
	state_step(doors, "door", &trace, DOOR_OPEN, DOOR_OPEN);
	state_step(doors, "door", &silent, DOOR_SHUT, DOOR_OPEN);
	log.level = LOG_INFO;
	state_step(doors, "door", &trace, DOOR_SHUT, DOOR_OPEN);
	assert_int_equal(r.count, 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
