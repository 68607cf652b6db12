#include "worker/account.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ID_MAX ((uint64_t) UINT32_MAX - 1) /* -1 means none */

/* ---- who ---- */

bool
account_find(const char *user, struct account *out)
{
	const struct passwd *p = getpwnam(user);
	uint64_t number;

	if (p == NULL && slice_number(slice_str(user), ID_MAX, &number)) {
		p = getpwuid((uid_t) number);
		*out = (struct account){.uid = (uid_t) number, .gid = (gid_t) number};
		if (p == NULL)
			return true;
	}
	if (p == NULL)
		return false;
	*out = (struct account){.uid = p->pw_uid, .gid = p->pw_gid, .name = p->pw_name};
	return true;
}

bool
account_find_group(const char *group, gid_t *gid)
{
	const struct group *g = getgrnam(group);
	uint64_t number;

	if (g != NULL)
		*gid = g->gr_gid;
	else if (slice_number(slice_str(group), ID_MAX, &number))
		*gid = (gid_t) number;
	else
		return false;
	return true;
}

void
account_of_process(struct account *out)
{
	*out = (struct account){.uid = geteuid(), .gid = getegid()};
}

/* ---- rights ---- */

static bool
set_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t half = (uint32_t) (wanted >> (32 * i));
		data[i].permitted &= half;
		data[i].effective &= half;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) == 0;
}

#define RIGHT(name) (UINT64_C(1) << (name))

void
account_keep_few_rights(void)
{
	/* Listeners and who they belong to; files whoever they belong to; serving processes, to start and to end. */
	(void) set_capabilities(RIGHT(CAP_NET_BIND_SERVICE) | RIGHT(CAP_CHOWN) | RIGHT(CAP_FOWNER) |
		RIGHT(CAP_DAC_OVERRIDE) | RIGHT(CAP_DAC_READ_SEARCH) | RIGHT(CAP_SETUID) | RIGHT(CAP_SETGID) |
		RIGHT(CAP_SETPCAP) | RIGHT(CAP_KILL));
}

/* What no program that we or our children start can get back.  Who may not give it up has no way to get it either. */
static void
close_bounds(void)
{
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0L, 0L, 0L) >= 0; c++)
		(void) prctl(PR_CAPBSET_DROP, c, 0L, 0L, 0L);
	(void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
}

static bool
set_ids(const struct account *who)
{
	if (who->name != NULL ? initgroups(who->name, who->gid) != 0 : setgroups(1, &who->gid) != 0)
		return false;
	return setresgid(who->gid, who->gid, who->gid) == 0 && setresuid(who->uid, who->uid, who->uid) == 0;
}

bool
account_become(const struct account *who, struct buf *error)
{
	close_bounds();
	if (who->uid != geteuid() && !set_ids(who)) {
		buf_printf(error, "cannot become the user %s: %s", who->name != NULL ? who->name : "of this number",
			strerror(errno));
		return false;
	}
	if (!set_capabilities(0) || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
		buf_printf(error, "cannot give up rights: %s", strerror(errno));
		return false;
	}
	return true;
}
