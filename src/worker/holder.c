#include "worker/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 1024
#define TCP_LISTEN 0x0a
#define UNIX_LISTEN 0x10000 /* a flag: __SO_ACCEPTCON */

/* Does the process have the socket of this inode? */
static bool
has_inode(const char *pid, unsigned long inode)
{
	char path[64], wanted[64], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	fds = opendir(path);
	if (fds == NULL)
		return false;
	while (!found && (entry = readdir(fds)) != NULL) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(fds);
	return found;
}

/* " by NAME (pid N)"; a process chooses its name, so only plain characters of it. */
static void
name_process(const char *pid, struct buf *out)
{
	char path[64], name[64] = "";
	size_t n = 0;
	FILE *file;

	if (strtol(pid, NULL, 10) == (long) getpid()) {
		buf_append_str(out, " by another listener of this configuration");
		return;
	}
	snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (file != NULL) {
		n = fread(name, 1, sizeof name - 1, file);
		fclose(file);
	}
	for (size_t i = 0; i < n; i++)
		name[i] = isalnum((unsigned char) name[i]) || strchr("-_.+:/@", name[i]) != NULL ? name[i] : '\0';
	buf_printf(out, " by %s (pid %.20s)", name[0] != '\0' ? name : "a process", pid);
}

static bool
find_process(unsigned long inode, struct buf *out)
{
	struct dirent *entry;
	bool found = false;
	DIR *proc;

	proc = opendir("/proc");
	if (proc == NULL)
		return false;
	while (!found && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char) entry->d_name[0]) || !has_inode(entry->d_name, inode))
			continue;
		found = true;
		name_process(entry->d_name, out);
	}
	closedir(proc);
	return found;
}

/* Which user's it is is no secret, even where the process is. */
static bool
name_user(unsigned uid, struct buf *out)
{
	const struct passwd *user = getpwuid((uid_t) uid);

	if (user == NULL)
		return false;
	buf_printf(out, " by a program of user %s", user->pw_name);
	return true;
}

/* /proc/net/tcp and tcp6:  sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ... */
static bool
find_in(const char *table, uint16_t port, struct buf *out)
{
	char line[LINE];
	bool found = false;
	FILE *file = fopen(table, "re");

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof line, file) != NULL) {
		unsigned local, state, uid;
		unsigned long inode;
		if (sscanf(line, " %*[^:]: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %u %*s %lu", &local, &state, &uid,
			    &inode) == 4 &&
			local == port && state == TCP_LISTEN)
			found = find_process(inode, out) || name_user(uid, out);
	}
	fclose(file);
	return found;
}

bool
holder_of_port(uint16_t port, struct buf *out)
{
	return find_in("/proc/net/tcp", port, out) || find_in("/proc/net/tcp6", port, out);
}

/* /proc/net/unix:  num refcount protocol flags type st inode path */
bool
holder_of_socket(const char *path, struct buf *out)
{
	char line[LINE];
	bool found = false;
	FILE *file = fopen("/proc/net/unix", "re");

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof line, file) != NULL) {
		unsigned flags;
		unsigned long inode;
		int at = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %x %*s %*s %lu %n", &flags, &inode, &at) == 2 && at > 0 &&
			(flags & UNIX_LISTEN) != 0 && strcmp(line + at, path) == 0)
			found = find_process(inode, out);
	}
	fclose(file);
	return found;
}
