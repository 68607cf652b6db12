/* How much memory the process may use: from trees of files as systems have them. */
#include "unit.h"

#include <sys/stat.h>

/* Part of the daemon, not of libcore.a, but it needs nothing else. */
#include "worker/memory.c"

#define MIB (UINT64_C(1) << 20)
#define LIMITS(as, data) \
	"Limit                     Soft Limit           Hard Limit           Units     \n" \
	"Max cpu time              unlimited            unlimited            seconds   \n" \
	"Max data size             " data "            unlimited            bytes     \n" \
	"Max address space         " as "            unlimited            bytes     \n"
#define MACHINE_8G "MemTotal:        8388608 kB\nMemFree:          209556 kB\n"
#define GROUP "/sys/fs/cgroup"

struct file {
	const char *path, *text;
};

struct row {
	const char *name;
	struct file file[6];
	uint64_t limit;
	unsigned divisor;
	const char *from;
};

static const struct row rows[] = {
	{"nothing but the machine", {{"/proc/meminfo", MACHINE_8G}}, 8192 * MIB, MACHINE, "/proc/meminfo"},
	{"version 2, its own group",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "0::/system.slice/culvert.service\n"},
			{GROUP "/system.slice/culvert.service/memory.max", "536870912\n"},
			{GROUP "/system.slice/culvert.service/memory.high", "max\n"}},
		512 * MIB, OWN, GROUP "/system.slice/culvert.service/memory.max"},
	{"version 2, throttled before",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "0::/a.service\n"},
			{GROUP "/a.service/memory.max", "536870912\n"},
			{GROUP "/a.service/memory.high", "268435456\n"}},
		256 * MIB, OWN, GROUP "/a.service/memory.high"},
	{"version 2, a group above has less",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "0::/a.slice/b.slice/c.service\n"},
			{GROUP "/a.slice/memory.max", "134217728\n"},
			{GROUP "/a.slice/b.slice/memory.max", "1073741824\n"},
			{GROUP "/a.slice/b.slice/c.service/memory.max", "max\n"}},
		128 * MIB, OWN, GROUP "/a.slice/memory.max"},
	{"version 2, a container that sees itself as the top",
		{{"/proc/self/cgroup", "0::/\n"}, {"/proc/meminfo", MACHINE_8G}, {GROUP "/memory.max", "67108864\n"}},
		64 * MIB, OWN, GROUP "/memory.max"},
	{"version 2, a container whose path is that of the machine",
		{{"/proc/self/cgroup", "0::/docker/0123456789abcdef\n"}, {"/proc/meminfo", MACHINE_8G},
			{GROUP "/memory.max", "67108864\n"}},
		64 * MIB, OWN, GROUP "/memory.max"},
	{"version 2, outside of what is shown",
		{{"/proc/self/cgroup", "0::/../../etc\n"}, {"/proc/meminfo", MACHINE_8G}, {"/etc/memory.max", "1\n"}},
		8192 * MIB, MACHINE, "/proc/meminfo"},
	{"version 1 beside others",
		{{"/proc/meminfo", MACHINE_8G},
			{"/proc/self/cgroup",
				"12:cpu,cpuacct:/x\n7:hugetlb,memory:/a/b\n1:name=systemd:/memory\n0::/y\n"},
			{GROUP "/memory/memory.limit_in_bytes", "9223372036854771712\n"},
			{GROUP "/memory/a/memory.limit_in_bytes", "1073741824\n"},
			{GROUP "/memory/a/b/memory.limit_in_bytes", "2147483648\n"}},
		1024 * MIB, OWN, GROUP "/memory/a/memory.limit_in_bytes"},
	{"a group larger than the machine",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "0::/a\n"},
			{GROUP "/a/memory.max", "17179869184\n"}},
		8192 * MIB, MACHINE, "/proc/meminfo"},
	{"RLIMIT_AS", {{"/proc/meminfo", MACHINE_8G}, {"/proc/self/limits", LIMITS("1073741824", "unlimited")}},
		1024 * MIB, OWN, "RLIMIT_AS"},
	{"RLIMIT_DATA", {{"/proc/meminfo", MACHINE_8G}, {"/proc/self/limits", LIMITS("1073741824", "104857600 ")}},
		100 * MIB, OWN, "RLIMIT_DATA"},
	{"no limits", {{"/proc/meminfo", MACHINE_8G}, {"/proc/self/limits", LIMITS("unlimited", "unlimited")}},
		8192 * MIB, MACHINE, "/proc/meminfo"},
	{"nonsense",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "\n:\n::\n0::\nx"}, {GROUP "/memory.max", "-1\n"},
			{GROUP "/memory.high", "99999999999999999999999\n"},
			{"/proc/self/limits", "Max address space"}},
		8192 * MIB, MACHINE, "/proc/meminfo"},
	{"nothing may be used",
		{{"/proc/meminfo", MACHINE_8G}, {"/proc/self/cgroup", "0::/a\n"}, {GROUP "/a/memory.max", "0\n"}}, 0,
		OWN, GROUP "/a/memory.max"},
};

/* All directories on the way, then the file. */
static void
put(const char *root, const struct file *file)
{
	char path[512];
	FILE *f;

	assert_true(snprintf(path, sizeof path, "%s%s", root, file->path) < (int) sizeof path);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(file->text, f);
	fclose(f);
}

static void
make_tree(char root[32])
{
	strcpy(root, "/tmp/culvert-memory-XXXXXX");
	assert_non_null(mkdtemp(root));
}

static void
remove_tree(const char *root)
{
	char command[64];

	snprintf(command, sizeof command, "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void
test_rows(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char root[32];
		struct memory m;
		make_tree(root);
		for (size_t j = 0; j < COUNT(rows[i].file) && rows[i].file[j].path != NULL; j++)
			put(root, &rows[i].file[j]);
		assert_row(memory_find(root, &m), rows[i].name);
		remove_tree(root);
		assert_row(m.limit == rows[i].limit, rows[i].name);
		assert_row(m.divisor == rows[i].divisor, rows[i].name);
		assert_text(m.from, rows[i].from);
		assert_row(memory_share(&m) == rows[i].limit / rows[i].divisor, rows[i].name);
	}
}

/* Where /proc is hidden, the C library still knows. */
static void
test_nothing_to_read(void **state)
{
	char root[32];
	struct memory m;

	(void) state;
	make_tree(root);
	assert_true(memory_find(root, &m));
	remove_tree(root);
	assert_text(m.from, "sysconf");
	assert_true(m.limit > MIB);
}

/* Whatever this machine is, it has some. */
static void
test_this_machine(void **state)
{
	struct memory m;

	(void) state;
	assert_true(memory_find("", &m));
	assert_true(m.from[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nothing_to_read),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
