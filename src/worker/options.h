/* options.h: what the command line asks for. */
#ifndef CULVERT_WORKER_OPTIONS_H
#define CULVERT_WORKER_OPTIONS_H

#include "base/buf.h"
#include "base/hooks.h"
#include "conf/conf.h"

enum options_result {
	OPTIONS_EXIT, /* everything is said and done: exit with status */
	OPTIONS_RUN,  /* serve as conf says */
};

struct options {
	/* To be set before; NULL: domains must be written in ASCII. */
	const struct hooks *hooks;

	int status; /* OPTIONS_EXIT: 0 all well, 1 configuration wrong or not readable, 2 word or options wrong */
	struct conf *conf; /* OPTIONS_RUN: one reference, the caller's; else NULL */
	const char *file; /* OPTIONS_RUN: where conf came from, borrowed from argv; NULL: from the command line alone */
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

/*
 * Reads the file again, for a reload.  Returns 0 and a configuration with
 * one reference, or a negative CV_E* code; errors got a line for each thing
 * that is wrong.
 */
int options_read_file(struct conf **out, const char *file, const struct hooks *hooks, struct buf *errors);

#endif
