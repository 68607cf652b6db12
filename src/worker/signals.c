#include "worker/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "base/fatal.h"

int
signals_open(const int *ours, size_t n)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, ours[i]);
	must(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
