/* options.h: what the command line asks for. */
#ifndef CULVERT_WORKER_OPTIONS_H
#define CULVERT_WORKER_OPTIONS_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"
#include "io/files.h"

enum options_result {
	OPTIONS_EXIT,    /* everything is said and done: exit with status */
	OPTIONS_RUN,     /* serve as conf says */
	OPTIONS_CONNECT, /* only try the servers of conf, and tell */
	OPTIONS_RELOAD,  /* tell the culvert that runs with file, which was not looked at */
};

struct options {
	/* To be set before.  NULL: domains must be written in ASCII; --version says nothing of libraries. */
	const struct hooks *hooks;
	void (*libraries)(struct buf *out);
	struct files *files; /* what was read of files is, or comes, in here; one reference, the caller's */

	int status; /* OPTIONS_EXIT: 0 all well, 1 configuration wrong or not readable, 2 word or options wrong */
	struct conf *conf; /* OPTIONS_RUN and OPTIONS_CONNECT: one reference, the caller's; else NULL */
	const char
		*file; /* where conf came from, borrowed from argv; "-": standard input; NULL: the command line alone */
	bool has_core_dumps;
};

/*
 * Reads the arguments, and the configuration they name:
 *
 *   culvert [WORD] [OPTION]...
 *
 * A word says what to do; without one, culvert runs.  Answers go to stdout
 * (--help, --version, --help-config, check's ok), complaints to stderr.
 * Returns an enum options_result.
 */
int options_parse(int argc, char **argv, struct options *o);

#endif
