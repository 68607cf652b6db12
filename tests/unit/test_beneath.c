/* Files below a directory and nowhere else: by openat2(), and part by part where that is not allowed. */
#include "unit.h"

#include <sys/stat.h>

/* Part of the daemon, not of libcore.a, but it needs nothing else. */
#include "io/beneath.c"

static char top[] = "/tmp/culvert-beneath-XXXXXX";
static int directory;

static void
make(const char *path, const char *text)
{
	int fd = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
	close(fd);
}

/* top/secret lies outside; top/www is the directory. */
static int
build(void **state)
{
	char path[64];

	(void) state;
	assert_non_null(mkdtemp(top));
	directory = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(directory >= 0);
	make("secret", "outside");
	assert_int_equal(mkdirat(directory, "www", 0755), 0);
	close(directory);
	snprintf(path, sizeof path, "%s/www", top);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(directory >= 0);
	assert_int_equal(mkdirat(directory, "sub", 0755), 0);
	make("file", "inside");
	make("sub/file", "inside");
	make(".hidden", "inside");
	assert_int_equal(symlinkat("sub/file", directory, "link"), 0);
	assert_int_equal(symlinkat("../file", directory, "sub/up"), 0);
	assert_int_equal(symlinkat("sub", directory, "sublink"), 0);
	assert_int_equal(symlinkat("../secret", directory, "out"), 0);
	assert_int_equal(symlinkat("..", directory, "outdir"), 0);
	assert_int_equal(symlinkat("/etc/passwd", directory, "absolute"), 0);
	assert_int_equal(symlinkat("/proc/self/root", directory, "magic"), 0);
	assert_int_equal(symlinkat("loop", directory, "loop"), 0);
	assert_int_equal(symlinkat("nowhere", directory, "dangling"), 0);
	assert_int_equal(mkfifoat(directory, "pipe", 0644), 0);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"sub/file", "sub/up", "file", ".hidden", "link", "sublink", "out", "outdir",
		"absolute", "magic", "loop", "dangling", "pipe", "../secret"};

	(void) state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(unlinkat(directory, names[i], 0), 0);
	assert_int_equal(unlinkat(directory, "sub", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(directory, "../www", AT_REMOVEDIR), 0);
	close(directory);
	return rmdir(top);
}

static const struct {
	const char *path;
	bool is_open, is_walked; /* what openat2() gives, and what walking does */
} rows[] = {
	{"file", true, true},
	{"sub/file", true, true},
	{"sub", true, true},
	{"pipe", true, true},
	{"link", true, false},
	{"sub/up", true, false},
	{"sublink/file", true, false},
	{"nothing", false, false},
	{"sub/nothing", false, false},
	{"file/file", false, false},
	{"out", false, false},
	{"outdir", false, false},
	{"outdir/secret", false, false},
	{"sub/../../secret", false, false},
	{"../secret", false, false},
	{"..", false, false},
	{"absolute", false, false},
	{"magic/etc/passwd", false, false},
	{"loop", false, false},
	{"dangling", false, false},
	{"/etc/passwd", false, false},
	{"", false, false},
};

static void
check(int fd, bool want, const char *path)
{
	int error = errno;
	struct stat st;

	assert_row((fd >= 0) == want, path);
	if (fd < 0) {
		assert_row(error == ENOENT, path);
		return;
	}
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISREG(st.st_mode)) {
		char text[16] = "";
		assert_int_equal(read(fd, text, sizeof text - 1), 6);
		assert_string_equal(text, "inside");
	}
	close(fd);
}

static void
opens(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(beneath_open(directory, rows[i].path), rows[i].is_open, rows[i].path);
}

/* As on a kernel without openat2(). */
static void
walks(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(settle(walk(directory, rows[i].path)), rows[i].is_walked, rows[i].path);
}

/* No descriptor is left open, however it ends. */
static void
closes(void **state)
{
	int before = dup(directory), after;

	(void) state;
	close(before);
	for (size_t i = 0; i < COUNT(rows); i++) {
		close(beneath_open(directory, rows[i].path));
		close(walk(directory, rows[i].path));
	}
	after = dup(directory);
	close(after);
	assert_int_equal(after, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(walks),
		cmocka_unit_test(closes),
	};

	return cmocka_run_group_tests_name("beneath", tests, build, tear_down);
}
