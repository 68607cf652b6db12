#include "worker/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

#define OWN 2     /* of what is the process's alone */
#define MACHINE 4 /* of what others use, too */
#define FILE_BYTES 8192
#define NO_LIMIT (UINT64_C(1) << 60) /* version 1 writes "none" as a number near 2^63 */

/* The text of a file, as much of it as there is room for.  False when it cannot be read. */
static bool
read_text(const char *root, const char *path, char text[FILE_BYTES])
{
	char name[PATH_MAX];
	size_t n;
	FILE *f;

	if (snprintf(name, sizeof name, "%s%s", root, path) >= (int) sizeof name)
		return false;
	f = fopen(name, "re");
	if (f == NULL)
		return false;
	n = fread(text, 1, FILE_BYTES - 1, f);
	text[n] = '\0';
	fclose(f);
	return n > 0;
}

/* The next line of *text, which is moved behind it; NULL at the end. */
static char *
next_line(char **text)
{
	char *line = *text, *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	*text = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* A number at the beginning, behind blanks; anything else is no limit. */
static uint64_t
number_of(const char *text)
{
	unsigned long long n;
	char *end;

	text += strspn(text, " \t");
	if (*text < '0' || *text > '9')
		return NO_LIMIT;
	errno = 0;
	n = strtoull(text, &end, 10);
	return errno != 0 || end == text ? NO_LIMIT : n;
}

/* Somebody says that there is so much.  Who says so first keeps his name to it. */
static void
take(struct memory *m, uint64_t limit, unsigned divisor, const char *from)
{
	if (limit >= NO_LIMIT)
		return;
	if (m->divisor > 0 && m->limit / m->divisor <= limit / divisor)
		return;
	m->limit = limit;
	m->divisor = divisor;
	snprintf(m->from, sizeof m->from, "%.*s", MEMORY_FROM - 1, from);
}

/* One file of a control group, if it is there. */
static void
take_group(struct memory *m, const char *root, const char *mount, const char *group, const char *file)
{
	char text[FILE_BYTES], path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s%s/%s", mount, group, file) < (int) sizeof path &&
		read_text(root, path, text))
		take(m, number_of(text), OWN, path);
}

/*
 * The group's own limits and those of all above it.  In a container the groups
 * above may be hidden, and the path be one of the machine outside: what is not
 * there is passed over, up to the mount, which is then the container's own.
 */
static void
take_groups(struct memory *m, const char *root, const char *mount, char *group, const char *const *files)
{
	char *slash;

	/* A group outside of what is shown here. */
	if (strstr(group, "/..") != NULL)
		group[0] = '\0';
	for (;;) {
		if (strcmp(group, "/") == 0)
			group[0] = '\0';
		for (const char *const *file = files; *file != NULL; file++)
			take_group(m, root, mount, group, *file);
		slash = strrchr(group, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* Is this word in a list with commas? */
static bool
is_in_list(struct slice list, struct slice word)
{
	struct slice one;

	while (list.n > 0) {
		slice_cut(list, ',', &one, &list);
		if (slice_eq(one, word))
			return true;
	}
	return false;
}

/* Lines "number:controllers:path"; version 2 has no controllers there. */
static void
look_at_groups(struct memory *m, const char *root)
{
	static const char *const version_2[] = {"memory.max", "memory.high", NULL};
	static const char *const version_1[] = {"memory.limit_in_bytes", NULL};
	char text[FILE_BYTES], *rest = text, *line;

	if (!read_text(root, "/proc/self/cgroup", text))
		return;
	while ((line = next_line(&rest)) != NULL) {
		char *controllers = strchr(line, ':'), *group;
		if (controllers == NULL || (group = strchr(controllers + 1, ':')) == NULL)
			continue;
		*group++ = '\0';
		if (*++controllers == '\0')
			take_groups(m, root, "/sys/fs/cgroup", group, version_2);
		else if (is_in_list(slice_str(controllers), SLICE("memory")))
			take_groups(m, root, "/sys/fs/cgroup/memory", group, version_1);
	}
}

/* Lines "Max data size    SOFT    HARD    bytes". */
static void
look_at_limits(struct memory *m, const char *root)
{
	static const struct {
		const char *line, *from;
	} limits[] = {
		{"Max address space", "RLIMIT_AS"},
		{"Max data size", "RLIMIT_DATA"},
	};
	char text[FILE_BYTES], *rest = text, *line;

	if (!read_text(root, "/proc/self/limits", text))
		return;
	while ((line = next_line(&rest)) != NULL)
		for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
			if (strncmp(line, limits[i].line, strlen(limits[i].line)) == 0)
				take(m, number_of(line + strlen(limits[i].line)), OWN, limits[i].from);
}

static void
look_at_machine(struct memory *m, const char *root)
{
	static const char total[] = "MemTotal:";
	char text[FILE_BYTES], *rest = text, *line;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	/* Some sandboxes hide the file. */
	if (!read_text(root, "/proc/meminfo", text)) {
		if (pages > 0 && page > 0)
			take(m, (uint64_t) pages * (uint64_t) page, MACHINE, "sysconf");
		return;
	}
	while ((line = next_line(&rest)) != NULL)
		if (strncmp(line, total, sizeof total - 1) == 0)
			take(m, number_of(line + sizeof total - 1) * 1024, MACHINE, "/proc/meminfo");
}

bool
memory_find(const char *root, struct memory *m)
{
	*m = (struct memory){.limit = 0};
	look_at_groups(m, root);
	look_at_limits(m, root);
	look_at_machine(m, root);
	return m->divisor > 0;
}
