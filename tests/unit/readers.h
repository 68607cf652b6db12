/* readers.h: the readers that all tests of a program share, as the sessions of a worker do. */
#ifndef CULVERT_TESTS_READERS_H
#define CULVERT_TESTS_READERS_H

#include <stdlib.h>

#include "proto/xml/xml_stream.h"

static struct xml_readers shared_readers;

static void
free_readers(void)
{
	xml_readers_fini(&shared_readers);
}

static inline struct xml_readers *
readers(void)
{
	if (shared_readers.documents == NULL) {
		xml_readers_init(&shared_readers, 0);
		atexit(free_readers);
	}
	return &shared_readers;
}

#endif
